import { execFile } from 'node:child_process';
import type { FileSystem } from './fileSystem';

/**
 * Asks macOS as Finder does. JavaScript for Automation is part of every macOS, so that no native code is needed; the
 * folder is an argument, never a part of the script.
 */
const SCRIPT = [
  "ObjC.import('Foundation');",
  'function run(argv) {',
  '  const value = Ref();',
  "  const key = 'NSURLVolumeAvailableCapacityForImportantUsageKey';",
  '  $.NSURL.fileURLWithPath(argv[0]).getResourceValueForKeyError(value, key, null);',
  '  return String(ObjC.unwrap(value[0]));',
  '}',
].join('\n');
/** It takes a fraction of a second. A device that waits for the answer waits for minutes. */
const ANSWER_MS = 10_000;

export interface AvailableSpaceOptions {
  readonly platform?: NodeJS.Platform;
  /** Only tests ask another program, or wait for it less. */
  readonly program?: string;
  readonly answerMs?: number;
}

/**
 * Bytes that a backup may take in `folder`: what is free, and on macOS also what the system frees by itself when a person
 * needs room (purgeable: local snapshots, copies of what is in iCloud). statfs() leaves that out, and a device that is told
 * too little refuses a backup that would fit. Where macOS says nothing useful, statfs() counts.
 * @throws Node system errors if the folder cannot be asked
 */
export async function availableSpace(
  fileSystem: Pick<FileSystem, 'freeSpace'>,
  folder: string,
  { platform = process.platform, ...asked }: AvailableSpaceOptions = {},
): Promise<number> {
  const free = await fileSystem.freeSpace(folder);
  return platform === 'darwin' ? Math.max(free, await withPurgeable(folder, asked)) : free;
}

/** 0 if it is not known: volumes that are not APFS say so too. */
function withPurgeable(
  folder: string,
  { program = '/usr/bin/osascript', answerMs = ANSWER_MS }: AvailableSpaceOptions,
): Promise<number> {
  return new Promise((resolve) => {
    const options = { timeout: answerMs, killSignal: 'SIGKILL', maxBuffer: 1024 } as const;
    execFile(program, ['-l', 'JavaScript', '-e', SCRIPT, folder], options, (error, answer) =>
      resolve(!error && /^\d{1,15}$/.test(answer.trim()) ? Number(answer) : 0),
    );
  });
}
