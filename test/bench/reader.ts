import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { ReaderProcess } from '../../src/reader/client';
import { madePassword, makeBackup } from '../support/madeBackup';
import { startReader } from '../support/readerProcess';
import { median } from './measure';
import type { BenchLine } from './table';

const INDEX_FILES = 500_000;
const LARGE_INDEX_FILES = 1_300_000;
const EXTRACT_FILES = 20_000;
const EXTRACT_BYTES = 52_000;

/** The reader beside a sequential Python script, `cp -r` and `openssl enc -d`. Linux only. */
export async function benchReader(scratch: string, rounds: number): Promise<BenchLine[]> {
  return [
    ...(await benchIndex(scratch, rounds)),
    await benchLargeIndex(scratch),
    ...(await benchExtract(scratch, rounds)),
  ];
}

interface Timed {
  readonly ms: number;
  readonly cpuMs: number;
}

/** What is asked of an index, in the order in which a person does. */
async function askIndex(folder: string, rows: number) {
  const { reader } = await startReader();
  try {
    await reader.call('open', { folder, idleMs: 0 });
    await reader.call('unlock', { password: madePassword });
    const measured = (work: () => Promise<unknown>) => timed(reader, work);
    const first = await measured(() => reader.call('list', { path: '' }));
    const rare = await measured(() =>
      reader.call('searchNames', { text: `item-${String(rows - 1).padStart(7, '0')}`, limit: 200 }),
    );
    const large = await measured(() => reader.call('list', { path: 'Camera Roll/Media/PhotoData/Thumbnails' }));
    const folders = await reader.call('list', { path: 'Camera Roll/Media/PhotoData/Thumbnails/V2/DCIM' });
    const listing = await measured(() =>
      Promise.all(
        folders
          .slice(0, 5)
          .map(({ name }) => reader.call('list', { path: `Camera Roll/Media/PhotoData/Thumbnails/V2/DCIM/${name}` })),
      ),
    );
    return { first, rare, large, listing, bytes: memoryOf(reader) };
  } finally {
    reader.end();
    await reader.ended;
  }
}

async function benchIndex(scratch: string, rounds: number): Promise<BenchLine[]> {
  const folder = path.join(scratch, 'index');
  makeBackup(folder, '--rows', String(INDEX_FILES));
  const [ours, peers]: [Awaited<ReturnType<typeof askIndex>>[], Record<string, number>[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    ours.push(await askIndex(folder, INDEX_FILES));
    peers.push(sequential('index', folder, `item-${String(INDEX_FILES - 1).padStart(7, '0')}`));
  }
  fs.rmSync(folder, { recursive: true });
  const line = (what: string, key: 'first' | 'rare' | 'large' | 'listing', peer: string, aim: number): BenchLine => {
    const [ms, cpuMs] = [median(ours.map((one) => one[key].ms)), median(ours.map((one) => one[key].cpuMs))];
    const theirs = median(peers.map((one) => (one[peer] ?? NaN) * 1000));
    return {
      what: `${what}, 500,000 files`,
      ours: `${ms.toFixed(0)} ms (${cpuMs.toFixed(0)} ms of processor)`,
      peer: `${theirs.toFixed(0)} ms`,
      peerName: 'Python',
      ratio: theirs / ms,
      aim: { text: `≤ ${aim} ms`, reached: ms <= aim },
      why: `It takes ${cpuMs.toFixed(0)} ms of processor time; what is more than that is waiting.`,
    };
  };
  return [
    line('First level after unlocking', 'first', 'open', 300),
    line('Name search, complete', 'rare', 'search', 700),
    line('First folder of the largest domain', 'large', 'listing', 300),
    line('Five folders of 1,000 entries each', 'listing', 'listing', 20),
  ];
}

async function benchLargeIndex(scratch: string): Promise<BenchLine> {
  const folder = path.join(scratch, 'large');
  makeBackup(folder, '--rows', String(LARGE_INDEX_FILES));
  const { bytes, large } = await askIndex(folder, LARGE_INDEX_FILES);
  fs.rmSync(folder, { recursive: true });
  return {
    what: 'Memory with 1,300,000 files',
    ours: `${megabytes(bytes)} MB`,
    peer: `${large.ms.toFixed(0)} ms`,
    peerName: 'first folder of its largest domain',
    aim: { text: '≤ 300 MB', reached: bytes <= 300e6 },
  };
}

async function benchExtract(scratch: string, rounds: number): Promise<BenchLine[]> {
  const folder = path.join(scratch, 'extract');
  makeBackup(folder, '--files', String(EXTRACT_FILES), '--bytes', String(EXTRACT_BYTES));
  const target = path.join(scratch, 'target');
  const copies: Timed[] = [];
  const ours: (Timed & { readonly bytes: number })[] = [];
  const python: number[] = [];
  let bytes = 0;
  // All read from the cache: this measures the work, not the disk's reading.
  execFileSync('cp', ['-r', folder, target]);
  for (let round = 0; round < rounds; round++) {
    fs.rmSync(target, { recursive: true });
    copies.push(timedCommand('cp', ['-r', folder, target]));
    fs.rmSync(target, { recursive: true });
    const one = await extractOnce(folder, target);
    ours.push(one);
    ({ total: bytes } = one);
    fs.rmSync(target, { recursive: true });
    python.push((sequential('extract', folder, target)['extract'] ?? NaN) * 1000);
  }
  const openssl = opensslRate(scratch);
  for (const one of [folder, target]) fs.rmSync(one, { recursive: true });
  const [ms, cpuMs] = [median(ours.map((one) => one.ms)), median(ours.map((one) => one.cpuMs))];
  const [copyMs, copyCpu] = [median(copies.map((one) => one.ms)), median(copies.map((one) => one.cpuMs))];
  const rate = (time: number) => `${(bytes / 1e6 / (time / 1000)).toFixed(0)} MB/s`;
  const what = 'Extract, encrypted, 1 GB in 20,000 files';
  const peak = Math.max(...ours.map((one) => one.bytes));
  return [
    {
      what: `${what}: time`,
      ours: `${seconds(ms)} (${rate(ms)})`,
      peer: `${seconds(copyMs)} (${rate(copyMs)})`,
      peerName: 'cp -r',
      ratio: copyMs / ms,
      aim: { text: '≥ 0.6 ×', reached: copyMs / ms >= 0.6 },
      why:
        `It takes ${seconds(cpuMs)} of processor time on three threads, cp ${seconds(copyCpu)}: opening, decrypting and ` +
        'checking each file comes on top of the copying, and two cores cannot share it further.',
    },
    {
      what: `${what}: beside a script`,
      ours: rate(ms),
      peer: rate(median(python)),
      peerName: 'Python',
      ratio: median(python) / ms,
    },
    {
      what: `${what}: beside the cipher alone`,
      ours: rate(ms),
      peer: `${openssl.toFixed(0)} MB/s`,
      peerName: 'openssl enc -d',
    },
    {
      what: `${what}: memory`,
      ours: `${megabytes(peak)} MB`,
      peer: 'no bound of its own',
      peerName: 'Python',
      aim: { text: '≤ 300 MB', reached: peak <= 300e6 },
    },
  ];
}

async function extractOnce(folder: string, target: string): Promise<Timed & { bytes: number; total: number }> {
  const { reader } = await startReader();
  try {
    await reader.call('open', { folder, idleMs: 0 });
    await reader.call('unlock', { password: madePassword });
    let total = 0;
    const time = await timed(reader, async () => {
      ({ bytes: total } = await reader.call('extract', { target, what: { kind: 'everything' } }));
    });
    return { ...time, bytes: memoryOf(reader), total };
  } finally {
    reader.end();
    await reader.ended;
  }
}

/** MB/s of decrypting one file. */
function opensslRate(scratch: string): number {
  const file = path.join(scratch, 'one');
  fs.writeFileSync(file, Buffer.alloc(256 << 20));
  const key = ['-K', '00'.repeat(32), '-iv', '00'.repeat(16)];
  const { ms } = timedCommand('openssl', [
    'enc',
    '-d',
    '-aes-256-cbc',
    '-nopad',
    ...key,
    '-in',
    file,
    '-out',
    `${file}.out`,
  ]);
  for (const one of [file, `${file}.out`]) fs.rmSync(one);
  return (256 << 20) / 1e6 / (ms / 1000);
}

function sequential(mode: 'index' | 'extract', folder: string, third: string): Record<string, number> {
  const script = path.join(PROJECT_ROOT, 'test/bench/sequentialReader.py');
  const output = execFileSync('/usr/bin/python3', [script, mode, folder, third], { input: `${madePassword}\n` });
  return JSON.parse(output.toString('utf8')) as Record<string, number>;
}

async function timed(reader: ReaderProcess, work: () => Promise<unknown>): Promise<Timed> {
  const [before, start] = [cpuOf(reader), performance.now()];
  await work();
  return { ms: performance.now() - start, cpuMs: cpuOf(reader) - before };
}

function timedCommand(command: string, args: readonly string[]): Timed {
  const start = performance.now();
  const script = '"$@"; status=$?; times >&3; exit $status';
  const output = execFileSync('bash', ['-c', `exec 3>&1; ${script}`, 'bash', command, ...args]).toString('utf8');
  const ms = performance.now() - start;
  // The last line: user and system time of what the shell has waited for.
  const parts = [...(output.trim().split('\n').at(-1) ?? '').matchAll(/(\d+)m([\d.]+)s/g)];
  return {
    ms,
    cpuMs: parts.reduce((sum, [, minutes, rest]) => sum + Number(minutes) * 60_000 + Number(rest) * 1000, 0),
  };
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`;
const megabytes = (bytes: number) => (bytes / 1e6).toFixed(0);

/** Milliseconds of processor time so far. */
function cpuOf({ pid }: ReaderProcess): number {
  const [, rest = ''] = fs.readFileSync(`/proc/${pid ?? 0}/stat`, 'utf8').split(') ');
  const fields = rest.split(' ').map(Number);
  // utime and stime, in hundredths of a second.
  return ((fields[11] ?? 0) + (fields[12] ?? 0)) * 10;
}

/** The most that the process ever had in memory, in bytes. */
function memoryOf({ pid }: ReaderProcess): number {
  return Number(/VmHWM:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid ?? 0}/status`, 'utf8'))?.[1] ?? 0) * 1024;
}
