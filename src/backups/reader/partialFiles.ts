import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { isProcessAlive } from '../../base/isProcessAlive';

/**
 * For a file that is being extracted; threads put a digit behind it. With the process's number: what a killed one has left
 * is told from what another one is writing.
 */
export function newPartialName(): string {
  return `.extracting-${process.pid}-${randomBytes(6).toString('hex')}.part`;
}

/** What extractions that were killed have left of a file: content in the clear, of use to nobody. */
export function removeOrphans(target: string): void {
  // What is no folder is told of when it is written into.
  const names = fs.statSync(target, { throwIfNoEntry: false })?.isDirectory() ? fs.readdirSync(target) : [];
  for (const name of names) {
    const pid = /^\.extracting-(\d{1,10})-[0-9a-f]{12}\.part\d?$/.exec(name)?.[1];
    if (pid !== undefined && !isProcessAlive(Number(pid))) fs.rmSync(path.join(target, name), { force: true });
  }
}
