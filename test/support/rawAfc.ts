import type { RawSocket } from './rawHost';

/** AFC, packet by packet: parameters are given as bytes, right or wrong. */
export class RawAfc implements AsyncDisposable {
  #number = 0n;

  constructor(readonly socket: RawSocket) {}

  path(text: string): Buffer {
    return Buffer.from(`${text}\0`);
  }

  u64(...values: readonly number[]): Buffer {
    const bytes = Buffer.alloc(8 * values.length);
    for (const [index, value] of values.entries()) bytes.writeBigUInt64LE(BigInt(value), 8 * index);
    return bytes;
  }

  async open(path: string, mode: number): Promise<number> {
    const reply = await this.request(0x0d, Buffer.concat([this.u64(mode), this.path(path)]));
    if (reply.operation !== 0x0e) throw new Error(`FileOpen: status ${reply.body.readUInt32LE(0)}`);
    return Number(reply.body.readBigUInt64LE(0));
  }

  async status(operation: number, parameters: Uint8Array, payload?: Uint8Array): Promise<number> {
    const reply = await this.request(operation, parameters, payload);
    if (reply.operation !== 0x01) throw new Error(`a reply ${reply.operation} instead of a status`);
    return Number(reply.body.readBigUInt64LE(0));
  }

  async data(operation: number, parameters: Uint8Array): Promise<Buffer> {
    const reply = await this.request(operation, parameters);
    if (reply.operation !== 0x02) throw new Error(`a reply ${reply.operation} instead of data`);
    return reply.body;
  }

  async strings(operation: number, parameters: Uint8Array): Promise<string[]> {
    return (await this.data(operation, parameters)).toString().split('\0').slice(0, -1);
  }

  async request(
    operation: number,
    parameters: Uint8Array,
    payload: Uint8Array = Buffer.alloc(0),
  ): Promise<{ readonly operation: number; readonly body: Buffer }> {
    const number = ++this.#number;
    const header = Buffer.alloc(40);
    header.write('CFA6LPAA', 0, 'latin1');
    header.writeBigUInt64LE(BigInt(40 + parameters.length + payload.length), 8);
    header.writeBigUInt64LE(BigInt(40 + parameters.length), 16);
    header.writeBigUInt64LE(number, 24);
    header.writeBigUInt64LE(BigInt(operation), 32);
    this.socket.write(Buffer.concat([header, parameters, payload]));
    const reply = await this.socket.read(40);
    if (reply.readBigUInt64LE(24) !== number) throw new Error('a reply to another packet');
    const body = await this.socket.read(Number(reply.readBigUInt64LE(8)) - 40);
    return { operation: Number(reply.readBigUInt64LE(32)), body };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.socket[Symbol.asyncDispose]();
  }
}
