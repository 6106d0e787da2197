import type { Socket } from 'node:net';
import tls from 'node:tls';
import {
  dict,
  encodeBinaryPlist,
  encodeXmlPlist,
  parsePlist,
  type PlistDict,
  type PlistValue,
} from '../../../src/plist';
import { attached, ScriptedMux } from '../usbmux/scriptedMux';

type Fields = Readonly<Record<string, PlistValue | undefined>>;
/** Fields of the reply besides Request; bytes as they are; undefined: no reply. */
export type ScriptedReply = Fields | Buffer | undefined;

export interface LockdownRequest {
  readonly verb: string;
  readonly message: PlistDict;
  readonly socket: Socket;
  readonly inSession: boolean;
}

export const UDID = '00008030-001C2D223A82802E';
export const DEVICE_ID = 7;

export function framed(body: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}

export function xmlMessage(fields: Fields): Buffer {
  return framed(Buffer.from(encodeXmlPlist(dict(fields))));
}

export function binaryMessage(fields: Fields): Buffer {
  return framed(encodeBinaryPlist(dict(fields)));
}

/** A mux with one device, whose lockdown answers as a test wants. */
export class ScriptedLockdown {
  readonly mux = new ScriptedMux();
  readonly requests: string[] = [];
  pairRecord: Buffer | undefined;
  /** usbmuxd does not list the device any more. */
  detached = false;
  readonly #answer: (request: LockdownRequest) => ScriptedReply | Promise<ScriptedReply>;
  readonly #tls: tls.SecureContext | undefined;

  /** @param secure What the device shows in TLS; absent: it has none. */
  constructor(
    answer: (request: LockdownRequest) => ScriptedReply | Promise<ScriptedReply>,
    secure?: tls.SecureContextOptions,
  ) {
    this.#answer = answer;
    this.#tls = secure && tls.createSecureContext(secure);
  }

  async start(): Promise<void> {
    await this.mux.start((request) => {
      const { type, socket, message } = request;
      if (type === 'ListDevices')
        return request.reply({ DeviceList: this.detached ? [] : [attached(DEVICE_ID, UDID)] });
      if (type === 'ReadPairRecord')
        return request.reply(this.pairRecord ? { PairRecordData: this.pairRecord } : { Number: 2 });
      if (type !== 'Connect') return request.reply({ MessageType: 'Result', Number: 1 });
      request.reply({ MessageType: 'Result', Number: message.get('PortNumber') === 32498 ? 0 : 3 });
      this.#serve(socket, false);
    });
  }

  #serve(socket: Socket, inSession: boolean): void {
    let rest = Buffer.alloc(0);
    socket.on('error', () => {});
    const onData = (chunk: Buffer) => void take(chunk);
    const take = async (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE(0)) {
        const length = 4 + rest.readUInt32BE(0);
        const message = parsePlist(rest.subarray(4, length)) as PlistDict;
        rest = rest.subarray(length);
        const verb = message.get('Request') as string;
        this.requests.push(verb);
        const startsTls = verb === 'StartSession' && this.#tls !== undefined;
        if (startsTls) socket.off('data', onData);
        const reply = await this.#reply({ verb, message, socket, inSession });
        if (reply) socket.write(reply);
        if (startsTls) return this.#startTls(socket);
      }
    };
    socket.on('data', onData);
  }

  async #reply(request: LockdownRequest): Promise<Buffer | undefined> {
    if (request.verb === 'StartSession' && this.#tls) {
      return xmlMessage({ Request: 'StartSession', SessionID: 'S', EnableSessionSSL: true });
    }
    const reply = await this.#answer(request);
    return reply === undefined || Buffer.isBuffer(reply) ? reply : xmlMessage({ Request: request.verb, ...reply });
  }

  #startTls(socket: Socket): void {
    const secure = new tls.TLSSocket(socket, {
      isServer: true,
      ...(this.#tls ? { secureContext: this.#tls } : {}),
      requestCert: true,
      rejectUnauthorized: false,
    });
    this.#serve(secure, true);
  }
}
