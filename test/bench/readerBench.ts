import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { ReaderProcess } from '../../src/reader/client';
import { madePassword, makeBackup } from '../support/madeBackup';
import { startReader } from '../support/readerProcess';

/** One measured number, beside what it should be. */
export interface ReaderFigure {
  readonly name: string;
  readonly value: number;
  readonly unit: 'ms' | 'MB' | 'MB/s' | '%';
  /** Milliseconds of processor time behind it: what it takes on a computer that does nothing else. Linux only. */
  readonly cpuMs?: number;
  /** Undefined for what is only there to compare with. */
  readonly atMost?: number;
  readonly atLeast?: number;
}

/**
 * How the reader does with an index of `rows` files: first level after unlocking, names while typing, memory.
 * @param folder Where the backup is made, or is already.
 */
export async function benchIndex(folder: string, rows: number): Promise<readonly ReaderFigure[]> {
  if (!fs.existsSync(folder)) makeBackup(folder, '--rows', String(rows));
  const { reader } = await startReader();
  try {
    await reader.call('open', { folder, idleMs: 0 });
    const measured = async (work: () => Promise<unknown>) => {
      const before = cpuOf(reader);
      const value = await timed(work);
      return { value, unit: 'ms', cpuMs: cpuOf(reader) - before } as const;
    };
    const unlock = await measured(() => reader.call('unlock', { password: madePassword }));
    const first = await measured(() => reader.call('list', { path: '' }));
    const find = (text: string) => measured(() => reader.call('searchNames', { text, limit: 200 }));
    const rare = await find(`item-${String(rows - 1).padStart(7, '0')}`);
    const nothing = await find('no such name');
    const common = await find('img jpg');
    const large = await measured(() => reader.call('list', { path: 'Camera Roll/Media' }));
    const memory = memoryOf(reader);
    const name = `${rows / 1000}k files`;
    return [
      { name: `unlock, ${name}`, ...unlock },
      { name: `first level after unlocking, ${name}`, ...first, atMost: 300 },
      { name: `name search, one match, ${name}`, ...rare, atMost: 700 },
      { name: `name search, no match, ${name}`, ...nothing, atMost: 700 },
      { name: `name search, the first 200, ${name}`, ...common, atMost: 700 },
      { name: `largest domain's folder, ${name}`, ...large },
      { name: `reader memory, ${name}`, value: memory, unit: 'MB', atMost: 300 },
    ];
  } finally {
    reader.end();
    await reader.ended;
  }
}

/** Extracting an encrypted backup beside copying its folder as it is, openssl and Python. */
export async function benchExtract(folder: string, files: number, bytes: number): Promise<readonly ReaderFigure[]> {
  if (!fs.existsSync(folder)) makeBackup(folder, '--files', String(files), '--bytes', String(bytes));
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'bench-extract-'));
  const { reader } = await startReader();
  try {
    await reader.call('open', { folder, idleMs: 0 });
    await reader.call('unlock', { password: madePassword });
    // Both read from the cache: this measures the work, not the disk.
    execFileSync('cp', ['-r', folder, path.join(work, 'warm')]);
    fs.rmSync(path.join(work, 'warm'), { recursive: true });
    const copy = await timed(async () => execFileSync('cp', ['-r', folder, path.join(work, 'copy')]));
    fs.rmSync(path.join(work, 'copy'), { recursive: true });
    const what = { kind: 'everything' } as const;
    const target = path.join(work, 'extract');
    let total = 0;
    const extract = await timed(async () => ({ bytes: total } = await reader.call('extract', { target, what })));
    const rate = (ms: number) => total / 1e6 / (ms / 1000);
    const one = path.join(work, 'one');
    fs.writeFileSync(one, Buffer.alloc(64 << 20));
    const key = '00'.repeat(32);
    const openssl = await timed(async () =>
      execFileSync('openssl', [
        'enc',
        '-d',
        '-aes-256-cbc',
        '-nopad',
        '-K',
        key,
        '-iv',
        '00'.repeat(16),
        '-in',
        one,
        '-out',
        `${one}.out`,
      ]),
    );
    const script = path.join(PROJECT_ROOT, 'test/support/readBackup.py');
    const python = await timed(async () =>
      execFileSync('/usr/bin/python3', [script, folder], { input: `${madePassword}\n`, maxBuffer: 1 << 28 }),
    );
    return [
      { name: 'extract, part of the speed of a raw copy', value: (copy / extract) * 100, unit: '%', atLeast: 60 },
      { name: 'extract', value: rate(extract), unit: 'MB/s' },
      { name: 'cp -r', value: rate(copy), unit: 'MB/s' },
      { name: 'openssl enc -d, one file', value: (64 << 20) / 1e6 / (openssl / 1000), unit: 'MB/s' },
      { name: 'Python, reading and decrypting alone', value: rate(python), unit: 'MB/s' },
      { name: 'reader memory after extracting', value: memoryOf(reader), unit: 'MB', atMost: 300 },
    ];
  } finally {
    reader.end();
    await reader.ended;
    fs.rmSync(work, { recursive: true });
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Milliseconds of processor time so far; Linux only, else 0. */
function cpuOf({ pid }: ReaderProcess): number {
  try {
    const [, rest = ''] = fs.readFileSync(`/proc/${pid ?? 0}/stat`, 'utf8').split(') ');
    const fields = rest.split(' ').map(Number);
    // utime and stime, in hundredths of a second.
    return ((fields[11] ?? 0) + (fields[12] ?? 0)) * 10;
  } catch {
    return 0;
  }
}

/** The most that the process ever had in memory; Linux only, else 0. */
function memoryOf({ pid }: ReaderProcess): number {
  try {
    const status = fs.readFileSync(`/proc/${pid ?? 0}/status`, 'utf8');
    return (Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024) / 1e6;
  } catch {
    return 0;
  }
}
