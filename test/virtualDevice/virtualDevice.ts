import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { DeviceDescription } from './description';
import { DeviceState } from './deviceState';
import { DeviceConnection } from './io/deviceConnection';
import { PacedServiceStream } from './io/pacedServiceStream';
import { SocketStream } from './io/socketStream';
import { startTls } from './lockdown/hostTls';
import { PortTable, type OpenPort } from './lockdown/portTable';
import { serveLockdown } from './lockdown/serveLockdown';
import { services } from './services/serviceTable';

export const LOCKDOWN_PORT = 62_078;

type Connection = 'usb' | 'network';

/** A device and its ports: what answers when a host connects, over the cable or over the network. */
export class VirtualDevice implements AsyncDisposable {
  readonly state: DeviceState;
  readonly #ports = new PortTable();
  readonly #listeners = new Set<Server>();
  #networkAddress: string | undefined;

  constructor(description: DeviceDescription, newDeviceId: () => number) {
    this.state = new DeviceState(description, newDeviceId);
    this.state.onAttachment.on(({ kind }) => {
      if (kind === 'detached' && !this.state.plugged) this.#ports.clear();
    });
  }

  /** Its own loopback address, where network clients find lockdown at port 62078; undefined while it has none. */
  get networkAddress(): string | undefined {
    return this.#networkAddress;
  }

  /**
   * Gives it a loopback address of its own if it is reachable over the network. Where the system has only 127.0.0.1
   * (macOS), clients that open TCP themselves cannot reach it, those that ask the mux can.
   */
  async listenOnNetwork(): Promise<void> {
    if (!this.state.description.connections.includes('network')) return;
    for (let attempt = 0; attempt < 20 && !this.#networkAddress; attempt++) {
      const [a, b] = [Math.floor(Math.random() * 250), Math.floor(Math.random() * 250)];
      const address = `127.77.${a + 1}.${b + 1}`;
      const server = await this.#listen(address, LOCKDOWN_PORT, LOCKDOWN_PORT);
      if (server) this.#networkAddress = address;
    }
    if (!this.#networkAddress) this.state.log('no loopback address for the network is to be had here');
  }

  /**
   * What would serve a connection to `port`; undefined: the device refuses it. A service's port is used up by this.
   */
  claim(port: number, connection: Connection): ((stream: SocketStream) => void) | undefined {
    if (port === LOCKDOWN_PORT) return (stream) => void this.#serveLockdown(stream, connection);
    const open = this.#ports.take(port);
    if (!open) return undefined;
    return (stream) => void this.#serveService(open, stream, connection);
  }

  /** @returns the port to connect to, once and soon. */
  async openPort(
    port: Omit<OpenPort, 'onClosed'>,
    connection: Connection,
  ): Promise<{ readonly port: number; readonly tls: boolean }> {
    const tls = port.tlsHost !== undefined && !services.get(port.service)?.withoutSession;
    const opened = { ...port, tlsHost: tls ? port.tlsHost : undefined };
    if (connection === 'network' && this.#networkAddress) {
      const server = await this.#listen(this.#networkAddress, 0);
      const number = (server?.address() as AddressInfo | undefined)?.port;
      if (server && number !== undefined && !this.#ports.has(number)) {
        this.#ports.open({ ...opened, onClosed: () => this.#stopListening(server) }, number);
        return { port: number, tls };
      }
      if (server) this.#stopListening(server);
    }
    return { port: this.#ports.open(opened), tls };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ports.clear();
    for (const server of [...this.#listeners]) this.#stopListening(server);
    this.state.end();
    // Connections that were made silent wait for a second end.
    for (const connection of [...this.state.connections]) connection.abort('close');
    await Promise.resolve();
  }

  async #serveLockdown(stream: SocketStream, kind: Connection): Promise<void> {
    const connection = new DeviceConnection('lockdown', kind, stream);
    await connection.run(this.state, () => serveLockdown(this, connection));
  }

  async #serveService(open: OpenPort, stream: SocketStream, kind: Connection): Promise<void> {
    const connection = new DeviceConnection(open.service, kind, stream);
    const { state } = this;
    await connection.run(state, async () => {
      if (open.tlsHost) connection.stream = await startTls(stream, state, open.tlsHost);
      const { signal } = connection;
      const context = { service: open.service, escrow: open.escrow, connection: kind, signal };
      await services
        .get(open.service)
        ?.handler(new PacedServiceStream(connection, state, open.service), state, context);
    });
  }

  /** @param port 0: whatever is free. @returns undefined when the system refuses it. */
  #listen(address: string, port: number, serves?: number): Promise<Server | undefined> {
    const server = createServer((socket) =>
      this.#acceptFromNetwork(socket, serves ?? (server.address() as AddressInfo).port),
    );
    return new Promise((resolve) => {
      server.once('error', () => resolve(undefined));
      server.listen(port, address, () => {
        this.#listeners.add(server);
        server.unref();
        resolve(server);
      });
    });
  }

  #acceptFromNetwork(socket: Socket, port: number): void {
    const serve = this.state.attachedBy('network') ? this.claim(port, 'network') : undefined;
    if (serve) serve(new SocketStream(socket));
    else socket.resetAndDestroy();
  }

  #stopListening(server: Server): void {
    this.#listeners.delete(server);
    server.close();
  }
}
