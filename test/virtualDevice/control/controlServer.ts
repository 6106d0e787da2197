import fs from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { parseSocketAddress } from '../socketAddress';
import type { MuxServer } from '../usbmux/muxServer';
import { answerControl } from './answerControl';
import type { ControlEvent } from './controlMethods';

/**
 * JSON lines: `{"id":1,"method":"set","params":{"switches":{"locked":true}}}` is answered by `{"id":1,"result":…}` or
 * `{"id":1,"error":"…"}`. After the method `watch` events come too, as `{"event":…}`.
 */
export class ControlServer implements AsyncDisposable {
  readonly #mux: MuxServer;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #path: string | undefined;

  private constructor(mux: MuxServer) {
    this.#mux = mux;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async start(mux: MuxServer, address: string): Promise<ControlServer> {
    const control = new ControlServer(mux);
    const options = parseSocketAddress(address);
    if (options.path && !options.path.startsWith('\\\\')) {
      fs.rmSync(options.path, { force: true });
      control.#path = options.path;
    }
    await new Promise<void>((resolve, reject) => {
      control.#server.once('error', reject);
      control.#server.listen(options, resolve);
    });
    return control;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    if (this.#path) fs.rmSync(this.#path, { force: true });
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    const stops: (() => void)[] = [];
    const send = (message: unknown) => {
      if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
    };
    socket.on('error', () => {}); // A controller that is gone.
    socket.once('close', () => {
      this.#sockets.delete(socket);
      for (const stop of stops) stop();
    });
    const lines = createInterface({ input: socket });
    lines.on('error', () => {}); // It passes on those of the socket.
    lines.on('line', (line) => {
      void this.#answer(line, send, () => {
        if (stops.length === 0) stops.push(...this.#watch(send));
      });
    });
  }

  async #answer(line: string, send: (message: unknown) => void, watch: () => void): Promise<void> {
    let id: unknown;
    try {
      const request = JSON.parse(line) as { id?: unknown; method?: unknown; params?: unknown };
      id = request.id;
      if (request.method === 'watch') {
        watch();
        send({ id, result: null });
        return;
      }
      const result = await answerControl(
        this.#mux,
        String(request.method),
        (request.params ?? {}) as Record<string, unknown>,
      );
      send({ id, result: result ?? null });
    } catch (error) {
      send({ id: id ?? null, error: error instanceof Error ? error.message : String(error) });
    }
  }

  #watch(send: (event: ControlEvent) => void): (() => void)[] {
    const stops = [this.#mux.onLog.on((text) => send({ event: 'log', text }))];
    for (const { state } of this.#mux.devices.values()) {
      const { udid } = state;
      stops.push(
        state.onLog.on(({ text }) => send({ event: 'log', udid, text })),
        state.onAttachment.on(({ kind, attachment }) => send({ event: kind, udid, deviceId: attachment.deviceId })),
        state.onNotification.on((name) => send({ event: 'notification', udid, name })),
        state.onSwitches.on((switches) => send({ event: 'switches', udid, switches: { ...switches } })),
      );
    }
    return stops;
  }
}
