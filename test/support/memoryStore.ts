import fs from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../../src/base/errors';
import type { BackupStore, StoreEntry, StoreReader, StoreWriter } from '../../src/device/mobilebackup2/backupStore';

/** A BackupStore in memory, with the same answers as one on disk. Paths in `files` have no leading or doubled slash. */
export class MemoryStore implements BackupStore {
  readonly files = new Map<string, Buffer>();
  readonly folders = new Set<string>(['']);
  /** Each call, as `writeFile U/a`. */
  readonly calls: string[] = [];
  freeBytes = 1e12;
  /** Called before each operation on a path; what it throws is the operation's failure. */
  before: (operation: string, path: string) => void | Promise<void> = () => {};
  /** The most writes that were under way at once. */
  peakWrites = 0;
  #writes = 0;

  async openRead(path: string): Promise<StoreReader> {
    const key = await this.#begin('openRead', path);
    const content = this.files.get(key);
    if (!content) throw systemError(this.folders.has(key) ? 'EISDIR' : 'ENOENT');
    let position = 0;
    return {
      sizeBytes: content.length,
      read: async (buffer) => {
        await this.before('read', key);
        const count = content.copy(buffer, 0, position, position + buffer.length);
        position += count;
        return count;
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  async writeFile(path: string, content: Uint8Array): Promise<void> {
    this.peakWrites = Math.max(this.peakWrites, ++this.#writes);
    try {
      const key = await this.#begin('writeFile', path);
      this.#put(key, Buffer.from(content));
    } finally {
      this.#writes--;
    }
  }

  async create(path: string): Promise<StoreWriter> {
    const key = await this.#begin('create', path);
    const parts: Buffer[] = [];
    return {
      write: async (chunk) => {
        const copy = Buffer.from(chunk);
        await this.before('write', key);
        parts.push(copy);
      },
      commit: async () => {
        await this.before('commit', key);
        this.#put(key, Buffer.concat(parts));
      },
      abort: () => {
        this.calls.push(`abort ${key}`);
        return Promise.resolve();
      },
    };
  }

  async list(path: string): Promise<readonly StoreEntry[]> {
    const key = await this.#begin('list', path);
    const prefix = key === '' ? '' : `${key}/`;
    const entries = new Map<string, StoreEntry>();
    const modified = new Date('2024-05-06T07:08:09Z');
    for (const folder of this.folders) {
      const name = childName(folder, prefix);
      if (name) entries.set(name, { name, type: 'directory', sizeBytes: 0, modified });
    }
    for (const [file, content] of this.files) {
      const name = childName(file, prefix);
      if (name && !entries.has(name)) entries.set(name, { name, type: 'file', sizeBytes: content.length, modified });
    }
    return [...entries.values()];
  }

  async makeDirectory(path: string): Promise<void> {
    this.#makeFolders(await this.#begin('makeDirectory', path));
  }

  async move(from: string, to: string): Promise<void> {
    const source = await this.#begin('move', from);
    const target = normal(to);
    if (source === target) return;
    const moved = this.#subtree(source);
    if (!moved.exists) throw systemError('ENOENT');
    this.#delete(target);
    this.#delete(source);
    for (const folder of moved.folders) this.#makeFolders(target + folder.slice(source.length));
    for (const [file, content] of moved.files) this.#put(target + file.slice(source.length), content);
  }

  async remove(path: string): Promise<void> {
    this.#delete(await this.#begin('remove', path));
  }

  async copy(from: string, to: string): Promise<void> {
    const source = await this.#begin('copy', from);
    const target = normal(to);
    const copied = this.#subtree(source);
    if (!copied.exists) throw systemError('ENOENT');
    for (const folder of copied.folders) this.#makeFolders(target + folder.slice(source.length));
    for (const [file, content] of copied.files) this.#put(target + file.slice(source.length), Buffer.from(content));
  }

  async freeSpace(): Promise<number> {
    await this.before('freeSpace', '');
    return this.freeBytes;
  }

  /** Writes everything below a folder of this computer, for whoever looks at real files. */
  async saveTo(folder: string): Promise<void> {
    for (const name of this.folders) await fs.mkdir(path.join(folder, name), { recursive: true });
    for (const [name, content] of this.files) {
      await fs.mkdir(path.dirname(path.join(folder, name)), { recursive: true });
      await fs.writeFile(path.join(folder, name), content);
    }
  }

  async #begin(operation: string, path: string): Promise<string> {
    const key = normal(path);
    this.calls.push(`${operation} ${key}`);
    await this.before(operation, key);
    return key;
  }

  #put(key: string, content: Buffer): void {
    if (this.folders.has(key)) throw systemError('EISDIR');
    this.#makeFolders(key.split('/').slice(0, -1).join('/'));
    this.files.set(key, content);
  }

  #makeFolders(key: string): void {
    const parts = key.split('/').filter((part) => part !== '');
    for (let i = 1; i <= parts.length; i++) this.folders.add(parts.slice(0, i).join('/'));
  }

  #subtree(key: string) {
    const inside = (path: string) => path === key || path.startsWith(`${key}/`);
    const folders = [...this.folders].filter(inside);
    const files = [...this.files].filter(([path]) => inside(path));
    return { folders, files, exists: folders.length + files.length > 0 };
  }

  #delete(key: string): void {
    const { folders, files } = this.#subtree(key);
    for (const folder of folders) this.folders.delete(folder);
    for (const [file] of files) this.files.delete(file);
  }
}

/** As Node's file system throws it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: made by a test`), { code });
}

function normal(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || path.includes('\0'))
    throw new AppError('unsafePath', `${JSON.stringify(path)} leaves the backup`);
  return parts.join('/');
}

function childName(path: string, prefix: string): string | undefined {
  if (!path.startsWith(prefix) || path === '') return undefined;
  const name = path.slice(prefix.length);
  return name === '' || name.includes('/') ? undefined : name;
}
