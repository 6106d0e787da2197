import fs from 'node:fs';
import type { FileSystem } from '../../src/backups/store/fileSystem';
import { CHANGES, intercepted, type DiskCall } from './fileSystemFaults';

/** Everything that a run did to the disk, in order; `file` is the same for a file whatever its name at the time. */
export type DiskHistory = readonly (DiskCall & { readonly file?: number })[];

const FLUSHES: ReadonlySet<DiskCall['name']> = new Set(['sync', 'syncDirectory', 'syncFileSystem']);

/** @param wholeSync Whether this system has an order to flush a whole file system */
export function recording(
  inner: FileSystem,
  wholeSync: boolean,
): { readonly fileSystem: FileSystem; readonly history: DiskHistory } {
  const history: (DiskCall & { readonly file?: number })[] = [];
  const files = new Map<string, number>();
  const note = (call: DiskCall) => {
    const { name, path, to = '' } = call;
    if (name === 'create' && !files.has(path)) files.set(path, history.length);
    if (name === 'rename') {
      for (const [place, file] of [...files]) {
        if (place !== path && !place.startsWith(`${path}/`)) continue;
        files.delete(place);
        files.set(to + place.slice(path.length), file);
      }
    }
    if (name === 'removeFile') files.delete(path);
    const file = files.get(path);
    history.push({
      ...call,
      ...(call.bytes && { bytes: Uint8Array.from(call.bytes) }),
      ...(file !== undefined && { file }),
    });
  };
  const fileSystem = intercepted(inner, async (call, run) => {
    if (call.name === 'syncFileSystem' && !wholeSync) return false;
    if (FLUSHES.has(call.name)) {
      note(call);
      return true;
    }
    const answer = await run();
    if (CHANGES.has(call.name)) note(call);
    return answer;
  });
  return { fileSystem, history };
}

/**
 * Brings a folder, which is as it was before the run, to a state that a power loss at `at` may leave on a file system
 * with a journal: names and folders up to some moment that is not before the last flush, in their order; and of the
 * contents that were not flushed themselves any part, or none.
 * @param random From 0 to 1
 */
export function losePower(history: DiskHistory, at: number, random: () => number): void {
  const done = history.slice(0, at);
  const flushed = done.reduce((last, { name }, index) => (FLUSHES.has(name) ? index : last), 0);
  const names = flushed + Math.floor(random() * (done.length - flushed + 1));
  const contentIsSafe = (file: number | undefined, from: number) =>
    done.some(
      (call, index) => index > from && (call.name === 'syncFileSystem' || (call.name === 'sync' && call.file === file)),
    );
  done.slice(0, names).forEach((call, index) => {
    if (call.name === 'write' && !contentIsSafe(call.file, index)) {
      const length = call.bytes?.length ?? 0;
      const kept = [0, length, Math.floor(random() * length)][Math.floor(random() * 3)] ?? 0;
      redo({ ...call, bytes: call.bytes?.subarray(0, kept) ?? new Uint8Array() });
    } else {
      redo(call);
    }
  });
}

function redo({ name, path, to = '', bytes }: DiskCall): void {
  switch (name) {
    case 'create':
      return fs.closeSync(fs.openSync(path, 'a', 0o600));
    case 'write':
      return fs.appendFileSync(path, bytes ?? '');
    case 'makeDirectory':
      fs.mkdirSync(path, 0o700);
      return;
    case 'rename':
      return fs.renameSync(path, to);
    case 'link':
      return fs.linkSync(path, to);
    case 'clone':
      return fs.copyFileSync(path, to, fs.constants.COPYFILE_EXCL);
    case 'removeFile':
      return fs.unlinkSync(path);
    case 'removeDirectory':
      return fs.rmdirSync(path);
    default:
  }
}
