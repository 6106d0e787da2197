import fs from 'node:fs';

/** What a process has in memory, in MiB; 0 where the system does not tell. */
export function residentMiB(pid: number): number {
  return readMiB(pid, 'VmRSS');
}

/** The most that it has had. */
export function peakMiB(pid: number): number {
  return readMiB(pid, 'VmHWM');
}

function readMiB(pid: number, line: 'VmRSS' | 'VmHWM'): number {
  if (process.platform !== 'linux') return 0;
  const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(new RegExp(`${line}:\\s+(\\d+)`).exec(status)?.[1]) / 1024);
}
