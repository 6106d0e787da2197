import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { dict, encodeXmlPlist, parsePlist, type PlistDict, type PlistValue } from '../../../src/plist';
import type { MuxAddress } from '../../../src/device/usbmux/muxAddress';

/** A request as it came, and what may be done with it. */
export interface ScriptedRequest {
  readonly type: string;
  readonly message: PlistDict;
  readonly socket: net.Socket;
  /** Answers with a message of the request's tag. */
  readonly reply: (fields: Readonly<Record<string, PlistValue | undefined>>) => void;
  /** Sends something that was not asked for. */
  readonly event: (fields: Readonly<Record<string, PlistValue | undefined>>) => void;
}

export function muxMessage(tag: number, fields: Readonly<Record<string, PlistValue | undefined>>): Buffer {
  const body = Buffer.from(encodeXmlPlist(dict(fields)));
  const header = Buffer.alloc(16);
  header.writeUInt32LE(16 + body.length, 0);
  header.writeUInt32LE(1, 4);
  header.writeUInt32LE(8, 8);
  header.writeUInt32LE(tag, 12);
  return Buffer.concat([header, body]);
}

/** Listens like usbmuxd, and lets a test decide what to answer. */
export class ScriptedMux {
  readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), 'scripted-mux-'));
  readonly path = path.join(this.folder, 'mux');
  readonly address: MuxAddress = { kind: 'unix', path: this.path };
  readonly #sockets = new Set<net.Socket>();
  #server: net.Server | undefined;

  /** @param handler Undefined for a daemon that takes connections and says nothing. */
  async start(handler?: (request: ScriptedRequest) => void): Promise<void> {
    const server = net.createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
      if (handler) this.#serve(socket, handler);
      else socket.resume();
    });
    this.#server = server;
    server.listen(this.path);
    await once(server, 'listening');
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** Like a daemon that ends; start() again later. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    const server = this.#server;
    this.#server = undefined;
    if (server) await new Promise((resolve) => server.close(resolve));
  }

  async dispose(): Promise<void> {
    await this.stop();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  #serve(socket: net.Socket, handler: (request: ScriptedRequest) => void): void {
    let rest = Buffer.alloc(0);
    const onData = (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 16 && rest.length >= rest.readUInt32LE(0)) {
        const length = rest.readUInt32LE(0);
        const tag = rest.readUInt32LE(12);
        const message = parsePlist(rest.subarray(16, length)) as PlistDict;
        rest = rest.subarray(length);
        const type = message.get('MessageType') as string;
        // Behind an accepted Connect comes something else.
        if (type === 'Connect') socket.off('data', onData);
        handler({
          type,
          message,
          socket,
          reply: (fields) => socket.write(muxMessage(tag, fields)),
          event: (fields) => socket.write(muxMessage(0, fields)),
        });
      }
    };
    socket.on('data', onData);
  }
}

export function attached(deviceId: number, serial: string, connectionType = 'USB'): PlistDict {
  const properties = dict({ ConnectionType: connectionType, DeviceID: deviceId, LocationID: 0, SerialNumber: serial });
  return dict({ MessageType: 'Attached', DeviceID: deviceId, Properties: properties });
}
