import fs from 'node:fs';

/**
 * Ends what a run has left behind: every process whose environment names the run's folder. A detached engine is no
 * child of anybody here, but it has the run's home. Linux only; elsewhere it does nothing.
 *
 * @returns the ids of the ended processes
 */
export function endProcessesOf(folder: string): number[] {
  return processesOf(folder).filter((pid) => {
    try {
      process.kill(pid, 'SIGKILL');
      return true;
    } catch {
      return false; // It was faster.
    }
  });
}

export function processesOf(folder: string): number[] {
  if (process.platform !== 'linux') return [];
  const own = new RegExp(`(^|\\0)HOME=${folder.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}/`);
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => own.test(environmentOf(pid)))
    .map(Number);
}

function environmentOf(pid: string): string {
  try {
    return fs.readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    return ''; // Gone, or another user's.
  }
}
