import type { ByteStream } from '../../src/device/io/byteStream';
import type { DeviceState } from './deviceState';

/** A connection that StartService has led to. Its faults and its speed are the device's affair, not the service's. */
export interface ServiceStream extends ByteStream {
  /**
   * Writes u32BE length and body as one message: faults that happen at message n, or inside one, count these.
   * Small writes are held back until the service waits for something, so that many become one packet.
   * The bytes must not be changed afterwards, as with `write`.
   */
  writeMessage(body: Uint8Array): Promise<void>;
  /**
   * Reads u32BE length and body.
   * @throws AppError `unexpectedReply` above `maxLength` bytes (default 64 MiB).
   */
  readMessage(maxLength?: number): Promise<Buffer>;
}

export interface ServiceContext {
  /** The name that the host started. */
  readonly service: string;
  /** A valid EscrowBag came with StartService: the service may read data while the device is locked. */
  readonly escrow: boolean;
  readonly connection: 'usb' | 'network';
  /** Aborted when the cable comes out or the device ends; the stream is closed then anyway. */
  readonly signal: AbortSignal;
}

/**
 * Serves one connection from beginning to end; the stream is closed when it returns. What it throws ends the connection
 * and is in the device's log.
 */
export type ServiceHandler = (stream: ServiceStream, device: DeviceState, context: ServiceContext) => Promise<void>;
