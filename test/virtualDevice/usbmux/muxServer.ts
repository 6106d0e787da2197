import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Emitter } from '../emitter';
import { parseSocketAddress } from '../socketAddress';
import { SocketStream } from '../io/socketStream';
import type { VirtualDevice } from '../virtualDevice';
import { attachedMessage } from './attachedMessage';
import { MuxClient } from './muxClient';
import { PairRecords } from './pairRecords';
import type { AttachmentEvent } from '../deviceState';
import { dict, type PlistDict } from '../../../src/plist';

export interface MuxOptions {
  /** `UNIX:/path`, a path, or `host:port`; port 0: any. */
  readonly address: string;
  /** SystemBUID of this "computer"; absent: a new one. */
  readonly buid?: string;
  /** Serial numbers of USB entries have no dash, as older daemons list them. */
  readonly dashlessSerials?: boolean;
}

/** The daemon: listens where usbmuxd would. */
export class MuxServer implements AsyncDisposable {
  readonly records = new PairRecords();
  readonly buid: string;
  readonly clients = new Set<MuxClient>();
  readonly onLog = new Emitter<string>();
  readonly devices = new Map<string, VirtualDevice>();
  #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #dashless: boolean;
  #lastDeviceId = 0;
  #address = '';
  #unixPath: string | undefined;

  private constructor({ buid, dashlessSerials }: MuxOptions) {
    this.buid = buid ?? randomUUID().toUpperCase();
    this.#dashless = dashlessSerials ?? true;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** @throws Error when the address cannot be had. A socket file of a dead process is replaced. */
  static async start(options: MuxOptions): Promise<MuxServer> {
    const mux = new MuxServer(options);
    await mux.#listen(options.address);
    return mux;
  }

  /** As `USBMUXD_SOCKET_ADDRESS` takes it: `UNIX:/path` or `host:port`. */
  get address(): string {
    return this.#address;
  }

  newDeviceId = (): number => ++this.#lastDeviceId;

  add(device: VirtualDevice): void {
    this.devices.set(device.state.udid, device);
    device.state.onAttachment.on((event) => this.#announce(device, event));
  }

  /** All that is attached now. */
  attached(): readonly PlistDict[] {
    return [...this.devices.values()].flatMap((device) =>
      device.state.attachments.map((attachment) => attachedMessage(device, attachment, this.#dashless)),
    );
  }

  find(deviceId: number): { readonly device: VirtualDevice; readonly connection: 'usb' | 'network' } | undefined {
    for (const device of this.devices.values()) {
      const attachment = device.state.attachments.find((one) => one.deviceId === deviceId);
      if (attachment) return { device, connection: attachment.connection };
    }
    return undefined;
  }

  broadcast(event: PlistDict): void {
    for (const client of this.clients) client.notify(event);
  }

  log(text: string): void {
    this.onLog.fire(`usbmux: ${text}`);
  }

  /** The daemon is killed with all its connections, and started again after `pauseMs`: devices get new numbers. */
  async restart(pauseMs: number): Promise<void> {
    await this.#stop();
    await delay(pauseMs);
    for (const { state } of this.devices.values()) if (state.plugged) state.replug();
    this.#server = createServer((socket) => this.#accept(socket));
    await this.#listen(this.#address);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stop();
  }

  async #stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    if (this.#unixPath) fs.rmSync(this.#unixPath, { force: true });
  }

  #announce(device: VirtualDevice, { kind, attachment }: AttachmentEvent): void {
    if (kind === 'attached') this.broadcast(attachedMessage(device, attachment, this.#dashless));
    else this.broadcast(dict({ MessageType: 'Detached', DeviceID: attachment.deviceId }));
  }

  async #listen(address: string): Promise<void> {
    const options = parseSocketAddress(address);
    if (options.path && !options.path.startsWith('\\\\')) {
      fs.rmSync(options.path, { force: true });
      this.#unixPath = options.path;
    }
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(options, resolve);
    });
    const bound = this.#server.address() as AddressInfo | string;
    this.#address = typeof bound === 'string' ? `UNIX:${bound}` : `${options.host ?? '127.0.0.1'}:${bound.port}`;
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    void new MuxClient(this, new SocketStream(socket)).serve();
  }
}
