import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { answerControl } from './control/answerControl';
import { ControlServer } from './control/controlServer';
import { DeviceHandle } from './control/deviceHandle';
import type { DeviceDescription } from './description';
import type { DeviceState } from './deviceState';
import { MuxServer } from './usbmux/muxServer';
import { VirtualDevice } from './virtualDevice';

export interface HostOptions {
  readonly devices: readonly DeviceDescription[];
  /** Where the mux listens: `UNIX:/path`, a path or `host:port`; absent: a socket in a temporary folder of its own. */
  readonly socket?: string;
  /** Where the control connection listens; absent: beside the mux's socket, none for `false`. */
  readonly control?: string | false;
  /** SystemBUID; absent: a new one. */
  readonly buid?: string;
  /** USB serial numbers without their dash, as the USB descriptor has them; absent: true. */
  readonly dashlessSerials?: boolean;
  /** Devices that are not there yet at the start, by UDID. */
  readonly unplugged?: readonly string[];
}

/** A device that runs in this process: a person's hands on it, and all of its state. */
export class LocalDevice extends DeviceHandle {
  constructor(
    mux: MuxServer,
    readonly device: VirtualDevice,
  ) {
    super(device.state.udid, (method, params) => answerControl(mux, method, params));
  }

  get state(): DeviceState {
    return this.device.state;
  }
}

/**
 * A computer's mux with virtual devices at it.
 *
 *     await using host = await VirtualDeviceHost.start({ devices: [smallIphone()] });
 *     process.env.USBMUXD_SOCKET_ADDRESS = host.address;
 */
export class VirtualDeviceHost implements AsyncDisposable {
  readonly mux: MuxServer;
  /** `UNIX:/path` or `host:port`: what `USBMUXD_SOCKET_ADDRESS` takes. */
  readonly address: string;
  readonly control: string | undefined;
  readonly devices: readonly LocalDevice[];
  readonly #control: ControlServer | undefined;
  readonly #folder: string;

  private constructor(
    mux: MuxServer,
    control: ControlServer | undefined,
    controlAddress: string | undefined,
    folder: string,
  ) {
    this.mux = mux;
    this.address = mux.address;
    this.control = controlAddress;
    this.#control = control;
    this.#folder = folder;
    this.devices = [...mux.devices.values()].map((device) => new LocalDevice(mux, device));
  }

  static async start(options: HostOptions): Promise<VirtualDeviceHost> {
    // Short, because the path of a unix socket may have about a hundred characters.
    const folder = await fs.promises.mkdtemp(path.join(os.tmpdir(), 'vd-'));
    const place = (name: string) =>
      process.platform === 'win32' ? `\\\\.\\pipe\\${path.basename(folder)}-${name}` : path.join(folder, name);
    const mux = await MuxServer.start({
      address: options.socket ?? (process.platform === 'win32' ? '127.0.0.1:0' : place('mux')),
      ...(options.buid === undefined ? {} : { buid: options.buid }),
      ...(options.dashlessSerials === undefined ? {} : { dashlessSerials: options.dashlessSerials }),
    });
    for (const description of options.devices) {
      const device = new VirtualDevice(description, mux.newDeviceId);
      await device.listenOnNetwork();
      mux.add(device);
      if (!options.unplugged?.includes(description.udid)) device.state.plug();
    }
    const controlAddress = options.control === false ? undefined : (options.control ?? place('control'));
    const control = controlAddress === undefined ? undefined : await ControlServer.start(mux, controlAddress);
    return new VirtualDeviceHost(mux, control, controlAddress, folder);
  }

  /** The first device: most tests have one. */
  get device(): LocalDevice {
    const [first] = this.devices;
    if (!first) throw new Error('this host has no device');
    return first;
  }

  async stop(): Promise<void> {
    for (const { device } of this.devices) await device[Symbol.asyncDispose]();
    await this.mux[Symbol.asyncDispose]();
    await this.#control?.[Symbol.asyncDispose]();
    await fs.promises.rm(this.#folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
