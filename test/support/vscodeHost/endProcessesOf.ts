import path from 'node:path';
import { processesWith } from '../../../scripts/processesWith.mjs';

/**
 * Ends what a run has left behind: every process that has its home in the run's folder, a detached engine too.
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
  return processesWith('HOME', folder + path.sep);
}
