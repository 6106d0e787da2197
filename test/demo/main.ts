/*
 * What `npm start` runs: VS Code with the extension and, when no device is plugged in, a virtual iPhone in its place.
 * See scripts/start.mjs for the options.
 */
import { AppError } from '../../src/base/errors';
import { silentLog } from '../../src/base/log';
import { muxAddress, UsbmuxClient } from '../../src/device';
import { presetNamed, VirtualDeviceHost } from '../virtualDevice';
import { openDesktopEditor } from './openDesktopEditor';
import { openEmbeddedEditor } from './openEmbeddedEditor';
import { PhoneConsole } from './phoneConsole';

async function main(): Promise<void> {
  const options = new Set(process.argv.slice(2));
  const ends: (() => Promise<void> | void)[] = [];
  let ending = false;
  const end = async (code: number) => {
    if (ending) return;
    ending = true;
    // In reverse: the editor goes before the phone that it shows.
    for (const step of ends.reverse()) await step();
    process.exit(code);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end(0));

  try {
    let phone: VirtualDeviceHost | undefined;
    if (options.has('--virtual') || (!options.has('--real') && !(await devicePluggedIn()))) {
      phone = await VirtualDeviceHost.start({ devices: [presetNamed('iphone')] });
      const started = phone;
      ends.push(() => started.stop());
    }
    const embedded = options.has('--embedded');
    const open = embedded ? openEmbeddedEditor : openDesktopEditor;
    const editor = await open({
      ...(phone ? { address: phone.address } : {}),
      show: !options.has('--no-open'),
    });
    ends.push(editor.close);
    console.log(editor.where);
    if (phone) {
      const console = new PhoneConsole(phone.device, () => void end(0));
      ends.push(() => console.close());
      console.open();
    } else if (embedded) {
      console.log('Ctrl-C ends it.');
    } else {
      await end(0); // The person's own VS Code goes on without us.
    }
  } catch (error) {
    console.error(error);
    await end(1);
  }
}

/** Whether the system's own usbmuxd, or the one that the environment names, has a device. */
async function devicePluggedIn(): Promise<boolean> {
  const { env, platform } = process;
  const client = new UsbmuxClient(muxAddress({ env, platform }), silentLog);
  try {
    return (await client.listDevices(AbortSignal.timeout(3000))).length > 0;
  } catch (error) {
    // No service, no permission, no answer: no device that the extension could use.
    if (error instanceof AppError && error.code !== 'wrongUsage') return false;
    throw error;
  }
}

void main();
