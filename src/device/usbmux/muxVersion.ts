import { execFile } from 'node:child_process';
import os from 'node:os';

/** Where distributions put it; it is seldom in the search path of a person who is no administrator. */
const PROGRAMS = ['/usr/sbin/usbmuxd', '/usr/local/sbin/usbmuxd', '/usr/bin/usbmuxd'];
const ANSWER_MS = 3000;

/**
 * The version of the installed usbmuxd, `1.1.1`: its protocol does not tell it. Undefined where there is none, and on
 * macOS and Windows, whose own services tell theirs to nobody. Never fails.
 * @param programs Only tests name others.
 */
export async function muxVersion(
  programs: readonly string[] = os.platform() === 'linux' ? PROGRAMS : [],
): Promise<string | undefined> {
  for (const program of programs) {
    const version = await versionOf(program);
    if (version !== undefined) return version;
  }
  return undefined;
}

function versionOf(program: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const options = { timeout: ANSWER_MS, killSignal: 'SIGKILL', maxBuffer: 64 * 1024 } as const;
    execFile(program, ['--version'], options, (error, answer) =>
      resolve(error ? undefined : /usbmuxd ([\w.+~-]{1,40})/.exec(answer)?.[1]),
    );
  });
}
