import { randomUUID } from 'node:crypto';
import { connect as connectSocket, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { dict, encodeXmlPlist, parsePlist, type PlistDict, type PlistValue } from '../../src/plist';
import {
  devicePublicKey,
  makeCertificate,
  newKeyPair,
  type CertificateOptions,
  type KeyPair,
} from './testCertificates';

/*
 * The host's side, as bare as can be: nothing of src/device, so that the virtual device is not tested by the client that
 * is tested by it. Everything can be sent, right or wrong.
 */

/** A socket that is read by length. */
export class RawSocket implements AsyncDisposable {
  #bytes = Buffer.alloc(0);
  #ended = false;
  #wake: () => void = () => {};
  readonly #onData = (chunk: Buffer) => {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    this.#wake();
  };

  constructor(readonly socket: Socket) {
    socket.on('data', this.#onData);
    for (const event of ['end', 'close', 'error']) {
      socket.on(event, () => {
        this.#ended = true;
        this.#wake();
      });
    }
  }

  static async connect(address: string): Promise<RawSocket> {
    const path = /^UNIX:(.*)/.exec(address)?.[1];
    const [host, port] = address.split(':');
    const socket = path ? connectSocket(path) : connectSocket(Number(port), host);
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new RawSocket(socket);
  }

  /** @throws Error when the other side ends first. */
  async read(length: number): Promise<Buffer> {
    while (this.#bytes.length < length) {
      if (this.#ended) throw new Error(`closed after ${this.#bytes.length} of ${length} bytes`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const head = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    return head;
  }

  /** Resolves with what came until the other side ended. */
  async readToEnd(): Promise<Buffer> {
    while (!this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#bytes;
  }

  /** What is there after some time of nothing happening. */
  async readAfter(milliseconds: number): Promise<Buffer> {
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    return this.#bytes;
  }

  get ended(): boolean {
    return this.#ended;
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  // usbmux

  sendMux(message: PlistDict, tag = 1): void {
    this.sendMuxBytes(Buffer.from(encodeXmlPlist(message)), { tag });
  }

  sendMuxBytes(
    payload: Uint8Array,
    header: { tag?: number; version?: number; message?: number; length?: number } = {},
  ): void {
    const frame = Buffer.alloc(16 + payload.length);
    frame.writeUInt32LE(header.length ?? frame.length, 0);
    frame.writeUInt32LE(header.version ?? 1, 4);
    frame.writeUInt32LE(header.message ?? 8, 8);
    frame.writeUInt32LE(header.tag ?? 1, 12);
    frame.set(payload, 16);
    this.write(frame);
  }

  async receiveMux(): Promise<{
    readonly version: number;
    readonly message: number;
    readonly tag: number;
    readonly payload: Buffer;
  }> {
    const header = await this.read(16);
    const payload = await this.read(header.readUInt32LE(0) - 16);
    return { version: header.readUInt32LE(4), message: header.readUInt32LE(8), tag: header.readUInt32LE(12), payload };
  }

  async receiveMuxPlist(): Promise<PlistDict> {
    return parsePlist((await this.receiveMux()).payload) as PlistDict;
  }

  // u32BE and a property list

  sendFramed(body: Uint8Array): void {
    const header = Buffer.alloc(4);
    header.writeUInt32BE(body.length, 0);
    this.write(Buffer.concat([header, body]));
  }

  sendPlist(message: Readonly<Record<string, PlistValue | undefined>>): void {
    this.sendFramed(Buffer.from(encodeXmlPlist(dict(message))));
  }

  async receivePlist(): Promise<PlistDict> {
    const length = (await this.read(4)).readUInt32BE(0);
    return parsePlist(await this.read(length)) as PlistDict;
  }

  async ask(message: Readonly<Record<string, PlistValue | undefined>>): Promise<PlistDict> {
    this.sendPlist(message);
    return this.receivePlist();
  }

  /** Goes over to TLS as its client. @throws Error when the handshake fails. */
  async startTls(key: string | undefined, cert: Uint8Array | undefined): Promise<RawSocket> {
    this.socket.removeAllListeners();
    const secure: TLSSocket = connectTls({
      socket: this.socket,
      rejectUnauthorized: false,
      ...(key === undefined ? {} : { key }),
      ...(cert === undefined ? {} : { cert: Buffer.from(cert) }),
    });
    await new Promise((resolve, reject) => {
      secure.once('secureConnect', resolve);
      secure.once('error', reject);
      secure.once('close', () => reject(new Error('closed during the handshake')));
    });
    return new RawSocket(secure);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
    await Promise.resolve();
  }
}

export interface RawPairRecord {
  readonly HostID: string;
  readonly SystemBUID: string;
  readonly RootCertificate: Buffer;
  readonly HostCertificate: Buffer;
  readonly DeviceCertificate: Buffer;
}

let keys: { readonly root: KeyPair; readonly host: KeyPair } | undefined;

/** Root and host key of this test run: making some takes a while. */
export function testKeys(): { readonly root: KeyPair; readonly host: KeyPair } {
  return (keys ??= { root: newKeyPair(), host: newKeyPair() });
}

type Wrong = Partial<CertificateOptions>;

/** A pair record for a device's key, with single things made wrong. */
export function makePairRecord(
  publicKeyPem: Uint8Array,
  wrong: { readonly root?: Wrong; readonly host?: Wrong; readonly device?: Wrong } = {},
): RawPairRecord {
  const { root, host } = testKeys();
  const device = devicePublicKey(publicKeyPem);
  return {
    HostID: randomUUID().toUpperCase(),
    SystemBUID: 'C0FFEE00-1111-2222-3333-444455556666',
    RootCertificate: makeCertificate({ publicKey: root.publicKey, issuer: root, ca: true, ...wrong.root }),
    HostCertificate: makeCertificate({ publicKey: host.publicKey, issuer: root, ...wrong.host }),
    DeviceCertificate: makeCertificate({
      publicKey: device,
      issuer: root,
      subjectKeyIdentifier: true,
      ...wrong.device,
    }),
  };
}

export function pem(key: KeyPair): string {
  return key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** A host that talks to the device at one mux address. */
export class RawHost {
  record: RawPairRecord | undefined;
  escrowBag: Uint8Array | undefined;

  constructor(
    readonly address: string,
    readonly deviceId: number,
  ) {}

  /** A connection to a port of the device. @throws Error naming the Result when it is refused. */
  async connect(port: number): Promise<RawSocket> {
    const mux = await RawSocket.connect(this.address);
    const swapped = ((port & 0xff) << 8) | (port >> 8);
    mux.sendMux(dict({ MessageType: 'Connect', DeviceID: this.deviceId, PortNumber: swapped }));
    const result = (await mux.receiveMuxPlist()).get('Number');
    if (result !== 0) {
      mux.socket.destroy();
      throw new Error(`Connect: Result ${textOf(result)}`);
    }
    return mux;
  }

  lockdown(): Promise<RawSocket> {
    return this.connect(62_078);
  }

  async publicKey(): Promise<Uint8Array> {
    await using lockdown = await this.lockdown();
    return (await lockdown.ask({ Request: 'GetValue', Key: 'DevicePublicKey' })).get('Value') as Uint8Array;
  }

  /** Sends Pair with a record of its own or the one given. */
  async pair(record?: RawPairRecord, extended = true): Promise<PlistDict> {
    const sent = record ?? (this.record = makePairRecord(await this.publicKey()));
    await using lockdown = await this.lockdown();
    const reply = await lockdown.ask({
      Request: 'Pair',
      ProtocolVersion: '2',
      HostName: 'test',
      PairRecord: dict({ ...sent }),
      PairingOptions: extended ? dict({ ExtendedPairingErrors: true }) : undefined,
    });
    if (!reply.has('Error')) {
      this.record = sent;
      this.escrowBag = reply.get('EscrowBag') as Uint8Array;
    }
    return reply;
  }

  /** A lockdown session of the paired host. */
  async session(as: 'root' | 'host' = 'host'): Promise<RawSocket> {
    const { record } = this;
    if (!record) throw new Error('not paired');
    const lockdown = await this.lockdown();
    const reply = await lockdown.ask({
      Request: 'StartSession',
      HostID: record.HostID,
      SystemBUID: record.SystemBUID,
    });
    if (reply.has('Error')) throw new Error(`StartSession: ${textOf(reply.get('Error'))}`);
    return this.tls(lockdown, as);
  }

  tls(socket: RawSocket, as: 'root' | 'host' = 'host'): Promise<RawSocket> {
    const { record } = this;
    return socket.startTls(pem(testKeys()[as]), as === 'root' ? record?.RootCertificate : record?.HostCertificate);
  }

  /** Starts a service in a session of its own and connects to it. */
  async service(name: string, extra: Readonly<Record<string, PlistValue>> = {}): Promise<RawSocket> {
    await using session = await this.session();
    const reply = await session.ask({ Request: 'StartService', Service: name, ...extra });
    if (reply.has('Error')) throw new Error(`StartService: ${textOf(reply.get('Error'))}`);
    const socket = await this.connect(reply.get('Port') as number);
    return reply.get('EnableServiceSSL') === true ? this.tls(socket) : socket;
  }
}

function textOf(value: PlistValue | undefined): string {
  return typeof value === 'string' || typeof value === 'number' ? `${value}` : typeof value;
}
