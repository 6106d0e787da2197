import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { ControlClient, type DeviceDescription, type DeviceHandle } from '../virtualDevice';
import { bundleProgram } from './engineProcess';

/** The virtual device as a process of its own: its work does not slow down what is tested or measured. */
export interface VirtualDeviceProcess extends AsyncDisposable {
  /** What `USBMUXD_SOCKET_ADDRESS` takes. */
  readonly address: string;
  readonly control: ControlClient;
  /** In the order of the descriptions. */
  readonly devices: readonly DeviceHandle[];
  /** The first of them. */
  readonly device: DeviceHandle;
  readonly pid: number;
}

/**
 * Starts the program and waits until it listens. It ends with the disposal, or with this process.
 * @param options.socket `UNIX:/path` or `host:port`; absent: a socket of its own.
 */
export async function startVirtualDevice(
  devices: readonly DeviceDescription[],
  options: { readonly socket?: string } = {},
): Promise<VirtualDeviceProcess> {
  const program = await bundleProgram('test/virtualDevice/main.ts');
  const folder = await fs.promises.mkdtemp(path.join(os.tmpdir(), 'vdp-'));
  const described = path.join(folder, 'devices.json');
  await fs.promises.writeFile(described, JSON.stringify(devices));
  const socket = options.socket ? ['--socket', options.socket] : [];
  const child = spawn(process.execPath, [program, '--devices', described, '--with-parent', ...socket], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  try {
    const lines = createInterface({ input: child.stdout });
    const first = await Promise.race([once(lines, 'line'), exited.then(() => undefined)]);
    if (!first) throw new Error('the virtual device did not start');
    const ready = JSON.parse(String(first[0])) as { address: string; control: string; devices: { udid: string }[] };
    const control = await ControlClient.connect(ready.control);
    const handles = ready.devices.map(({ udid }) => control.device(udid));
    const [device] = handles;
    if (!device || child.pid === undefined) throw new Error('the virtual device has no device');
    return {
      address: ready.address,
      control,
      devices: handles,
      device,
      pid: child.pid,
      [Symbol.asyncDispose]: async () => {
        await control[Symbol.asyncDispose]();
        child.stdin.end();
        const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
        await exited;
        clearTimeout(timer);
        await fs.promises.rm(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    child.kill('SIGKILL');
    await fs.promises.rm(folder, { recursive: true, force: true });
    throw error;
  }
}
