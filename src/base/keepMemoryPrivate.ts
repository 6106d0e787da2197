import fs from 'node:fs';

/**
 * Called first by every process that holds passwords or keys: what its end leaves on the disk, however hard that end is,
 * holds nothing of its memory. Turns off Node's diagnostic reports, whoever asked for them (they tell the environment and
 * what was going on), and on Linux keeps the memory out of core dumps; elsewhere the system makes none unless told to.
 */
export function keepMemoryPrivate(): void {
  const { report } = process as { readonly report?: NodeJS.ProcessReport };
  if (report) {
    report.reportOnFatalError = false;
    report.reportOnUncaughtException = false;
    report.reportOnSignal = false;
  }
  if (process.platform !== 'linux') return;
  try {
    // A mask of what is dumped: of no kind of mapping anything (core(5)).
    fs.writeFileSync('/proc/self/coredump_filter', '0');
  } catch {
    // A kernel without core dumps, or a sandbox that hides this: there is nothing to keep private from.
  }
}
