import { spawn } from 'node:child_process';
import fs from 'node:fs';

/** What a program cost, as far as this computer tells. */
export interface Cost {
  /** Milliseconds from its start to its end. */
  readonly wallMs: number;
  /** Milliseconds of processor time, user and system. */
  readonly cpuMs: number;
  /** Most memory it held, in bytes. */
  readonly peakBytes: number;
}

export interface RunResult extends Cost {
  readonly code: number | null;
  readonly output: string;
}

/** Kernel clock ticks a second, fixed on Linux for user space. */
const TICKS = 100;
const POLL_MS = 20;

/** Runs a program to its end. `also` names processes that work for it; what they use meanwhile is added. Linux only. */
export async function runMeasured(
  command: readonly [string, ...string[]],
  env: NodeJS.ProcessEnv,
  also: () => readonly number[] = () => [],
): Promise<RunResult> {
  const [file, ...args] = command;
  const seen = new Map<number, { readonly before: number; last: number; peak: number }>();
  const look = (pid: number, fresh: boolean) => {
    const used = processorTime(pid);
    const peak = peakMemory(pid);
    if (used === undefined || peak === undefined) return;
    const known = seen.get(pid);
    if (known) Object.assign(known, { last: used, peak: Math.max(known.peak, peak) });
    else seen.set(pid, { before: fresh ? 0 : used, last: used, peak });
  };
  const running = new Set(also());
  for (const pid of running) look(pid, false);
  const start = process.hrtime.bigint();
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk) => (output = (output + String(chunk)).slice(-20_000)));
  child.stderr.on('data', (chunk) => (output = (output + String(chunk)).slice(-20_000)));
  const timer = setInterval(() => {
    if (child.pid !== undefined) look(child.pid, true);
    for (const pid of also()) look(pid, !running.has(pid));
  }, POLL_MS);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const wallMs = Number(process.hrtime.bigint() - start) / 1e6;
  clearInterval(timer);
  for (const pid of also()) look(pid, !running.has(pid));
  const all = [...seen.values()];
  return {
    code,
    output,
    wallMs,
    cpuMs: all.reduce((sum, { before, last }) => sum + last - before, 0),
    peakBytes: Math.max(0, ...all.map(({ peak }) => peak)),
  };
}

/** Milliseconds of processor time that a process has used; undefined if it is gone. */
export function processorTime(pid: number): number | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name stands in brackets and may hold spaces; user and system time are the 12th and 13th field behind it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return ((Number(fields[11]) + Number(fields[12])) / TICKS) * 1000;
  } catch {
    return undefined;
  }
}

function peakMemory(pid: number): number | undefined {
  try {
    const found = /VmHWM:\s+(\d+) kB/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'));
    return found ? Number(found[1]) * 1024 : undefined;
  } catch {
    return undefined;
  }
}

/** The middle one: a single slow run does not move it. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? (sorted[middle] ?? NaN) : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}
