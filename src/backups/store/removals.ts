import { isMissing } from './diskErrors';
import type { FileSystem, OpenFile } from './fileSystem';
import { readSmallFile } from './smallFiles';
import { writeFully } from './writeFully';

const MAX_BYTES = 1024 * 1024 * 1024;

/**
 * What an overlay hides of the finished backup: paths inside it, one JSON string a line, appended as they come. A path
 * hides everything below it too.
 */
export class Removals {
  readonly #fileSystem: FileSystem;
  readonly #path: string;
  readonly #paths: Set<string>;
  #file: OpenFile | undefined;

  private constructor(fileSystem: FileSystem, path: string, paths: Set<string>) {
    this.#fileSystem = fileSystem;
    this.#path = path;
    this.#paths = paths;
  }

  static async load(fileSystem: FileSystem, path: string): Promise<Removals> {
    return new Removals(fileSystem, path, new Set(await readRemovals(fileSystem, path)));
  }

  /** @returns whether the path or a folder above it is hidden */
  hides(parts: readonly string[]): boolean {
    if (this.#paths.size === 0) return false;
    let path = '';
    for (const part of parts) {
      path = path === '' ? part : `${path}/${part}`;
      if (this.#paths.has(path)) return true;
    }
    return false;
  }

  async add(parts: readonly string[]): Promise<void> {
    if (this.hides(parts)) return;
    const path = parts.join('/');
    this.#file ??= await this.#fileSystem.open(this.#path, 'append');
    // The first newline ends a line that a crash may have torn.
    await writeFully(this.#fileSystem, this.#file, Buffer.from(`\n${JSON.stringify(path)}\n`), this.#path);
    this.#paths.add(path);
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }
}

/** Only the topmost ones: what lies below a removed folder goes with it. */
export async function readRemovals(fileSystem: FileSystem, path: string): Promise<readonly string[]> {
  let bytes;
  try {
    bytes = await readSmallFile(fileSystem, path, MAX_BYTES);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  const paths = new Set<string>();
  for (const line of (bytes?.toString('utf8') ?? '').split('\n')) {
    const removed = parseLine(line);
    if (removed !== undefined) paths.add(removed);
  }
  return [...paths].filter((removed) => !foldersAbove(removed).some((above) => paths.has(above)));
}

function parseLine(line: string): string | undefined {
  if (line === '') return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'string' && value !== '' ? value : undefined;
  } catch {
    return undefined;
  }
}

function foldersAbove(path: string): string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}
