import type { PlistArray, PlistValue } from '../../../src/plist';
import { decodeBinaryPlist, dict, encodeBinaryPlist, isArray, PlistReal } from '../../../src/plist';
import type { DeviceLink } from './deviceLink';

/** One message of a device that does not mean well, sent as it is. */
export interface HostileStep {
  /** The array, or its bytes where no sound property list will do. */
  readonly message: PlistArray | Buffer;
  /** Raw bytes behind it: the stream of an upload, sound or not. */
  readonly stream?: Buffer;
  /** What must come back: a status, a stream of downloads and a status, or nothing at all. */
  readonly answer: 'status' | 'download' | 'none';
}

export interface HostileResult {
  readonly step: number;
  readonly code?: number;
  readonly text?: string;
  readonly value?: PlistValue;
  /** Raw bytes of a download, without the final length of 0. */
  readonly downloaded?: Buffer;
}

/** Sends every step and notes the answers. What the host does wrong is for the test to judge, by them and by the disk. */
export async function runHostileScript(
  link: DeviceLink,
  steps: readonly HostileStep[],
  results: HostileResult[],
): Promise<void> {
  for (const [step, { message, stream, answer }] of steps.entries()) {
    if (Buffer.isBuffer(message)) await link.sendBody(message);
    else await link.send(message);
    if (stream) await link.sendRaw(stream);
    if (answer === 'none') {
      results.push({ step });
      continue;
    }
    const downloaded = answer === 'download' ? await readDownloads(link) : undefined;
    const { code, text, value } = await link.status(`hostile step ${step}`);
    results.push({ step, code, text, value, ...(downloaded ? { downloaded } : {}) });
  }
}

/** The message and stream of an upload of one file to any path, for scripts. */
export function hostileUpload(hostPath: string, content: Buffer, devicePath = '/var/x'): HostileStep {
  const parts: Buffer[] = [];
  for (const path of [devicePath, hostPath]) parts.push(u32(Buffer.byteLength(path)), Buffer.from(path));
  if (content.length > 0) parts.push(u32(content.length + 1), Buffer.from([0x0c]), content);
  parts.push(u32(1), Buffer.from([0x00]), u32(0));
  return {
    message: ['DLMessageUploadFiles', dict({}), new PlistReal(1), content.length],
    stream: Buffer.concat(parts),
    answer: 'status',
  };
}

export function hostileDownload(...paths: string[]): HostileStep {
  return { message: ['DLMessageDownloadFiles', paths, dict({}), new PlistReal(0), 0], answer: 'download' };
}

export function hostileMove(pairs: readonly (readonly [string, string])[]): HostileStep {
  return { message: ['DLMessageMoveItems', new Map(pairs), dict({}), new PlistReal(0)], answer: 'status' };
}

export function hostileRemove(...paths: string[]): HostileStep {
  return { message: ['DLMessageRemoveItems', paths, dict({}), new PlistReal(0)], answer: 'status' };
}

/** Any other message, for example `['DLMessageCreateDirectory', path]`. */
export function hostileMessage(...message: PlistValue[]): HostileStep {
  return { message, answer: 'status' };
}

/** A step as it travels over the control connection. */
export interface EncodedHostileStep {
  /** Base64 of a binary property list, or of bytes that are none. */
  readonly message: string;
  /** Base64. */
  readonly stream?: string;
  /** Absent: `status`. */
  readonly answer?: HostileStep['answer'];
}

export function encodeHostileStep({ message, stream, answer }: HostileStep): EncodedHostileStep {
  const bytes = Buffer.isBuffer(message) ? message : encodeBinaryPlist(message);
  return {
    message: bytes.toString('base64'),
    answer,
    ...(stream === undefined ? {} : { stream: stream.toString('base64') }),
  };
}

export function decodeHostileStep(step: EncodedHostileStep): HostileStep {
  const bytes = Buffer.from(step.message, 'base64');
  let message: PlistArray | Buffer = bytes;
  try {
    const value = decodeBinaryPlist(bytes);
    if (isArray(value)) message = value;
  } catch {
    // Then these very bytes are what the test wants to send.
  }
  return {
    message,
    answer: step.answer ?? 'status',
    ...(step.stream === undefined ? {} : { stream: Buffer.from(step.stream, 'base64') }),
  };
}

async function readDownloads(link: DeviceLink): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (;;) {
    const nameLength = await link.readLength();
    if (nameLength === 0) return Buffer.concat(parts);
    parts.push(u32(nameLength), await link.read(nameLength));
    for (;;) {
      const length = await link.readLength();
      const block = await link.read(length);
      parts.push(u32(length), block);
      if (block[0] !== 0x0c) break;
    }
  }
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value, 0);
  return bytes;
}
