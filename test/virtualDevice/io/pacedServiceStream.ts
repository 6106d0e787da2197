import { delay } from '../../../src/base/abort';
import { AppError } from '../../../src/base/errors';
import type { DeviceState } from '../deviceState';
import type { ServiceStream } from '../serviceConnection';
import type { DeviceConnection } from './deviceConnection';
import { readFramed } from './plistMessages';

const MAX_MESSAGE = 64 * 1024 * 1024;

/** What a service writes to: counts, slows down and breaks off as the device's switches and faults say. */
export class PacedServiceStream implements ServiceStream {
  readonly #connection: DeviceConnection;
  readonly #device: DeviceState;
  readonly #service: string;
  #nextAt = 0;

  constructor(connection: DeviceConnection, device: DeviceState, service: string) {
    this.#connection = connection;
    this.#device = device;
    this.#service = service;
  }

  read(length: number): Promise<Buffer> {
    return this.#connection.stream.read(length);
  }

  readSome(max: number): Promise<Buffer> {
    return this.#connection.stream.readSome(max);
  }

  readMessage(maxLength = MAX_MESSAGE): Promise<Buffer> {
    return readFramed(this, maxLength);
  }

  write(bytes: Uint8Array): Promise<void> {
    const device = this.#device;
    if (device.fault || device.switches.rate > 0) return this.#writeCarefully(bytes);
    device.sent.bytes += bytes.length;
    return this.#connection.stream.write(bytes);
  }

  async writeMessage(body: Uint8Array): Promise<void> {
    const header = Buffer.allocUnsafe(4);
    header.writeUInt32BE(body.length, 0);
    const fault = this.#device.faultFor(this.#service);
    if (fault) {
      const { at, way } = fault.plan;
      const due = 'message' in at ? fault.messages >= at.message : fault.bytes >= at.byte;
      if (due && way === 'halfLength') await this.#connection.stream.write(header.subarray(0, 2));
      if (due && way === 'halfBody') {
        await this.#connection.stream.write(header);
        await this.#connection.stream.write(body.subarray(0, body.length >> 1));
      }
      if (due) this.#breakOff();
      fault.messages++;
    }
    this.#device.sent.messages++;
    await this.write(header);
    await this.write(body);
  }

  close(): Promise<void> {
    return this.#connection.stream.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #writeCarefully(bytes: Uint8Array): Promise<void> {
    const device = this.#device;
    const fault = device.faultFor(this.#service);
    let now = bytes;
    let breaks = false;
    if (fault) {
      const { at, way } = fault.plan;
      // Half a message needs to know where one begins: writeMessage() does those.
      if ('byte' in at && way !== 'halfLength' && way !== 'halfBody' && fault.bytes + bytes.length > at.byte) {
        now = bytes.subarray(0, Math.max(0, at.byte - fault.bytes));
        breaks = true;
      }
      fault.bytes += now.length;
    }
    device.sent.bytes += now.length;
    await this.#writeSlowly(now);
    if (breaks) this.#breakOff();
  }

  async #writeSlowly(bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    while (rest.length > 0) {
      const { rate } = this.#device.switches;
      const part = rate > 0 ? rest.subarray(0, Math.max(1024, Math.floor(rate / 20))) : rest;
      rest = rest.subarray(part.length);
      await this.#connection.stream.write(part);
      if (rate === 0) continue;
      const clock = performance.now();
      this.#nextAt = Math.max(clock, this.#nextAt) + (part.length / rate) * 1000;
      if (this.#nextAt - clock > 5) await delay(this.#nextAt - clock, this.#connection.signal);
    }
  }

  #breakOff(): never {
    this.#device.fireFault();
    throw new AppError('deviceGone', 'the armed fault has come');
  }
}
