import { createHash } from 'node:crypto';
import type { DeviceState } from '../deviceState';
import { Operation, Status, u64, type AfcRequest } from './afcPacket';
import { newFile, type MediaFile, type MediaNode } from './mediaTree';

export interface AfcReply {
  readonly operation: number;
  readonly body: Buffer;
  readonly dataOnly?: boolean;
}

/** An open file. It is its own lock holder. */
interface Handle {
  readonly file: MediaFile;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly appends: boolean;
  position: number;
}

/** Open modes: [readable, writable, creates, truncates, appends]. */
const modes: Readonly<Record<number, readonly [boolean, boolean, boolean, boolean, boolean]>> = {
  1: [true, false, false, false, false],
  2: [true, true, true, false, false],
  3: [false, true, true, true, false],
  4: [true, true, true, true, false],
  5: [false, true, true, false, true],
  6: [true, true, true, false, true],
};

const MAX_FILE = 1024 * 1024 * 1024;
const MAX_READ = 8 * 1024 * 1024;

/** One AFC connection: its open files, and the answer to each packet. */
export class AfcSession {
  readonly #device: DeviceState;
  readonly #handles = new Map<number, Handle>();
  #nextHandle = 1;

  constructor(device: DeviceState) {
    this.#device = device;
  }

  closeAll(): void {
    for (const number of [...this.#handles.keys()]) this.#close(number);
  }

  answer(request: AfcRequest): AfcReply {
    try {
      return this.#answer(request, new Parameters(request.parameters));
    } catch (error) {
      if (!(error instanceof AfcError)) throw error;
      return status(error.status);
    }
  }

  #answer({ operation, payload }: AfcRequest, parameters: Parameters): AfcReply {
    const { media } = this.#device;
    switch (operation) {
      case Operation.readDir: {
        const node = this.#existing(parameters.text());
        if (node.kind !== 'folder') throw new AfcError(Status.invalidArgument);
        return strings(['.', '..', ...node.entries.keys()]);
      }
      case Operation.makeDir:
        if (!media.makeFolder(parameters.text())) throw new AfcError(Status.objectExists);
        return status(Status.success);
      case Operation.getFileInfo:
        return strings(fileInfo(this.#existing(parameters.text(), false)));
      case Operation.getDeviceInfo: {
        const { productType, capacity, free } = this.#device.description;
        return strings([
          'Model',
          productType,
          'FSTotalBytes',
          `${capacity}`,
          'FSFreeBytes',
          `${free}`,
          'FSBlockSize',
          '4096',
        ]);
      }
      case Operation.fileOpen:
        return { operation: Operation.fileOpenResult, body: u64(this.#open(parameters.number(), parameters.text())) };
      case Operation.fileRead: {
        const handle = this.#handle(parameters.number());
        const size = parameters.number();
        if (!handle.readable) throw new AfcError(Status.permissionDenied);
        const { file, position } = handle;
        const end = Math.min(file.size, position + Math.min(size, MAX_READ));
        const bytes = file.content.subarray(Math.min(position, end), end);
        handle.position += bytes.length;
        return data(bytes);
      }
      case Operation.fileWrite:
        this.#write(this.#handle(parameters.number()), payload.length > 0 ? payload : parameters.rest());
        return status(Status.success);
      case Operation.fileSeek:
        seek(this.#handle(parameters.number()), parameters.number(), parameters.signed());
        return status(Status.success);
      case Operation.fileTell:
        return { operation: Operation.fileTellResult, body: u64(this.#handle(parameters.number()).position) };
      case Operation.fileClose: {
        const number = parameters.number();
        this.#handle(number);
        this.#close(number);
        return status(Status.success);
      }
      case Operation.fileSetSize:
        resize(this.#writable(parameters.number()).file, parameters.number());
        return status(Status.success);
      case Operation.truncate: {
        const size = parameters.number();
        const node = this.#existing(parameters.text());
        if (node.kind !== 'file') throw new AfcError(Status.objectIsDirectory);
        resize(node, size);
        return status(Status.success);
      }
      case Operation.fileLock:
        return status(this.#lock(this.#handle(parameters.number()), parameters.number()));
      case Operation.removePath:
        this.#remove(parameters.text(), false);
        return status(Status.success);
      case Operation.removePathAndContents:
        this.#remove(parameters.text(), true);
        return status(Status.success);
      case Operation.renamePath:
        this.#rename(parameters.text(), parameters.text());
        return status(Status.success);
      case Operation.makeLink:
        this.#link(parameters.number(), parameters.text(), parameters.text());
        return status(Status.success);
      case Operation.setFileModTime: {
        const nanoseconds = parameters.big();
        this.#existing(parameters.text()).modified = Number(nanoseconds / 1_000_000n);
        return status(Status.success);
      }
      case Operation.getFileHash: {
        const node = this.#existing(parameters.text());
        if (node.kind !== 'file') throw new AfcError(Status.objectIsDirectory);
        return data(createHash('sha1').update(node.content.subarray(0, node.size)).digest());
      }
      case Operation.getSizeOfPathContents: {
        const [size, count] = sizeOf(this.#existing(parameters.text()));
        return strings(['FileCount', `${count}`, 'TotalSize', `${size}`]);
      }
      case Operation.getConnectionInfo:
        return strings(['Version', '2']);
      case Operation.setConnectionOptions:
      case Operation.setFsBlockSize:
      case Operation.setSocketBlockSize:
        return status(Status.success);
      default:
        this.#device.log(`AFC: operation ${operation} is not supported`);
        return status(Status.unknownPacketType);
    }
  }

  #existing(path: string, follow = true): MediaNode {
    const { media } = this.#device;
    const node = follow ? media.resolve(path) : media.find(path);
    if (!node) throw new AfcError(Status.objectNotFound);
    return node;
  }

  #handle(number: number): Handle {
    const handle = this.#handles.get(number);
    if (!handle) throw new AfcError(Status.invalidArgument);
    return handle;
  }

  #writable(number: number): Handle {
    const handle = this.#handle(number);
    if (!handle.writable) throw new AfcError(Status.permissionDenied);
    return handle;
  }

  #open(mode: number, path: string): number {
    const flags = modes[mode];
    if (!flags) throw new AfcError(Status.invalidArgument);
    const [readable, writable, creates, truncates, appends] = flags;
    const parent = this.#device.media.parent(path);
    let node = this.#device.media.resolve(path);
    if (!node) {
      if (!creates || !parent) throw new AfcError(Status.objectNotFound);
      node = newFile(Buffer.alloc(0));
      parent.folder.entries.set(parent.name, node);
    }
    if (node.kind !== 'file') throw new AfcError(Status.objectIsDirectory);
    if (truncates) resize(node, 0);
    const number = this.#nextHandle++;
    this.#handles.set(number, { file: node, readable, writable, appends, position: 0 });
    return number;
  }

  #write(handle: Handle, bytes: Buffer): void {
    if (!handle.writable) throw new AfcError(Status.permissionDenied);
    const { file } = handle;
    const start = handle.appends ? file.size : handle.position;
    const end = start + bytes.length;
    grow(file, end);
    bytes.copy(file.content, start);
    file.size = Math.max(file.size, end);
    file.modified = Date.now();
    handle.position = end;
  }

  #close(number: number): void {
    const handle = this.#handles.get(number);
    if (handle) this.#unlock(handle);
    this.#handles.delete(number);
  }

  #lock(handle: Handle, operation: number): number {
    const { file } = handle;
    // flock(2) with LOCK_NB: 5 shared, 6 exclusive, 12 unlock.
    if ((operation & ~4) === 8) {
      this.#unlock(handle);
      return Status.success;
    }
    const exclusive = (operation & ~4) === 2;
    if (!exclusive && (operation & ~4) !== 1) return Status.invalidArgument;
    const held = file.lock;
    const others = held !== undefined && [...held.holders].some((holder) => holder !== handle);
    if (held && others && (exclusive || held.exclusive)) return Status.operationWouldBlock;
    file.lock = { exclusive, holders: new Set(others ? [...held.holders, handle] : [handle]) };
    return Status.success;
  }

  #unlock(handle: Handle): void {
    const { lock } = handle.file;
    if (!lock?.holders.delete(handle)) return;
    if (lock.holders.size === 0) delete handle.file.lock;
  }

  #remove(path: string, withContents: boolean): void {
    const parent = this.#device.media.parent(path);
    const node = parent?.folder.entries.get(parent.name);
    if (!parent || !node) throw new AfcError(Status.objectNotFound);
    if (node.kind === 'folder' && node.entries.size > 0 && !withContents) throw new AfcError(Status.unknownError);
    parent.folder.entries.delete(parent.name);
  }

  #rename(from: string, to: string): void {
    const { media } = this.#device;
    const [source, target] = [media.parent(from), media.parent(to)];
    const node = source?.folder.entries.get(source.name);
    if (!source || !node || !target) throw new AfcError(Status.objectNotFound);
    const inTheWay = target.folder.entries.get(target.name);
    if (inTheWay?.kind === 'folder' && inTheWay !== node && inTheWay.entries.size > 0)
      throw new AfcError(Status.objectExists);
    if (`${to}/`.startsWith(`${from}/`) && to !== from) throw new AfcError(Status.invalidArgument);
    source.folder.entries.delete(source.name);
    target.folder.entries.set(target.name, node);
  }

  #link(type: number, target: string, path: string): void {
    const { media } = this.#device;
    const parent = media.parent(path);
    if (!parent) throw new AfcError(Status.objectNotFound);
    if (parent.folder.entries.has(parent.name)) throw new AfcError(Status.objectExists);
    if (type === 2) {
      const now = Date.now();
      parent.folder.entries.set(parent.name, { kind: 'link', target, modified: now, created: now });
    } else if (type === 1) {
      const node = this.#existing(target);
      if (node.kind !== 'file') throw new AfcError(Status.objectIsDirectory);
      parent.folder.entries.set(parent.name, node);
    } else {
      throw new AfcError(Status.invalidArgument);
    }
  }
}

/** An answer that is a status. */
class AfcError extends Error {
  constructor(readonly status: number) {
    super(`AFC status ${status}`);
  }
}

/** Reads a packet's parameters one after another. */
class Parameters {
  #at = 0;

  constructor(readonly bytes: Buffer) {}

  big(): bigint {
    if (this.#at + 8 > this.bytes.length) throw new AfcError(Status.invalidArgument);
    const value = this.bytes.readBigUInt64LE(this.#at);
    this.#at += 8;
    return value;
  }

  number(): number {
    const value = this.big();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new AfcError(Status.invalidArgument);
    return Number(value);
  }

  signed(): number {
    return Number(BigInt.asIntN(64, this.big()));
  }

  text(): string {
    const end = this.bytes.indexOf(0, this.#at);
    if (end < 0) throw new AfcError(Status.invalidArgument);
    const value = this.bytes.toString('utf8', this.#at, end);
    this.#at = end + 1;
    return value;
  }

  rest(): Buffer {
    return this.bytes.subarray(this.#at);
  }
}

function seek(handle: Handle, whence: number, offset: number): void {
  const origin = [0, handle.position, handle.file.size][whence];
  if (origin === undefined || origin + offset < 0) throw new AfcError(Status.invalidArgument);
  handle.position = origin + offset;
}

function resize(file: MediaFile, size: number): void {
  grow(file, size);
  if (size < file.size) file.content.fill(0, size, file.size);
  file.size = size;
  file.modified = Date.now();
}

function grow(file: MediaFile, size: number): void {
  if (size > MAX_FILE) throw new AfcError(Status.invalidArgument);
  if (size <= file.content.length) return;
  const larger = Buffer.alloc(Math.max(size, file.content.length * 2, 256));
  file.content.copy(larger, 0, 0, file.size);
  file.content = larger;
}

function fileInfo(node: MediaNode): string[] {
  const size = node.kind === 'file' ? node.size : node.kind === 'folder' ? 64 : Buffer.byteLength(node.target);
  const format = { file: 'S_IFREG', folder: 'S_IFDIR', link: 'S_IFLNK' }[node.kind];
  const time = (milliseconds: number) => (BigInt(Math.round(milliseconds)) * 1_000_000n).toString();
  return [
    ...['st_size', `${size}`, 'st_blocks', `${Math.ceil(size / 512)}`],
    ...['st_nlink', node.kind === 'folder' ? `${node.entries.size + 2}` : '1', 'st_ifmt', format],
    ...['st_mtime', time(node.modified), 'st_birthtime', time(node.created)],
    ...(node.kind === 'link' ? ['LinkTarget', node.target] : []),
  ];
}

function sizeOf(node: MediaNode): readonly [size: number, count: number] {
  if (node.kind !== 'folder') return [node.kind === 'file' ? node.size : 0, 1];
  let [size, count] = [0, 0];
  for (const entry of node.entries.values()) {
    const [entrySize, entryCount] = sizeOf(entry);
    size += entrySize;
    count += entryCount;
  }
  return [size, count];
}

function status(code: number): AfcReply {
  return { operation: Operation.status, body: u64(code) };
}

function data(body: Buffer): AfcReply {
  return { operation: Operation.data, body, dataOnly: true };
}

function strings(list: readonly string[]): AfcReply {
  return data(Buffer.from(list.map((text) => `${text}\0`).join('')));
}
