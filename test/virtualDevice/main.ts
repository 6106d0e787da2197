/*
 * The virtual device as a program of its own:
 *
 *   virtualDevice --socket ADDR [--control ADDR] (--devices FILE.json | --preset NAME)… [--buid UUID] [--dashed] [--with-parent]
 *
 * FILE.json holds an array of descriptions, each whole or `{"preset": NAME, …}`. Prints one line of JSON when it is ready,
 * `{"ready":true,"address":…,"control":…,"devices":[{"udid":…,"name":…}]}`, and runs until SIGTERM, SIGINT or, with
 * --with-parent, the end of its standard input.
 */
import fs from 'node:fs';
import { parseArgs } from 'node:util';
import { checkDescription } from './checkDescription';
import type { DeviceDescription } from './description';
import { presetNamed } from './presets';
import { VirtualDeviceHost } from './virtualDeviceHost';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      socket: { type: 'string' },
      control: { type: 'string' },
      devices: { type: 'string', multiple: true },
      preset: { type: 'string', multiple: true },
      buid: { type: 'string' },
      dashed: { type: 'boolean' },
      'with-parent': { type: 'boolean' },
    },
  });
  const devices: DeviceDescription[] = (values.preset ?? []).map((name) => presetNamed(name));
  for (const file of values.devices ?? []) {
    const described: unknown = JSON.parse(fs.readFileSync(file, 'utf8'));
    devices.push(...(Array.isArray(described) ? described : [described]).map(checkDescription));
  }
  const host = await VirtualDeviceHost.start({
    devices,
    ...(values.socket === undefined ? {} : { socket: values.socket }),
    ...(values.control === undefined ? {} : { control: values.control }),
    ...(values.buid === undefined ? {} : { buid: values.buid }),
    dashlessSerials: !values.dashed,
  });
  let ending = false;
  const end = () => {
    if (ending) return;
    ending = true;
    void host.stop().finally(() => process.exit(0));
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  if (values['with-parent']) {
    process.stdin.on('end', end);
    process.stdin.on('close', end);
    process.stdin.resume();
  }
  const ready = {
    ready: true,
    address: host.address,
    control: host.control,
    devices: host.devices.map(({ udid, state }) => ({ udid, name: state.name })),
  };
  process.stdout.write(`${JSON.stringify(ready)}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`virtual device: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
