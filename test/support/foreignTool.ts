import { execFile } from 'node:child_process';

export interface ToolResult {
  readonly code: number;
  readonly stdout: string;
  /** What it has printed in all. */
  readonly output: string;
}

/** Runs another project's program against a mux. It is killed when it takes longer than `timeoutMs`. */
export function runTool(
  program: string,
  args: readonly string[],
  address: string,
  timeoutMs = 15_000,
): Promise<ToolResult> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, USBMUXD_SOCKET_ADDRESS: address, LC_ALL: 'C.UTF-8' };
    execFile(program, args, { env, timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number')
        return reject(new Error(`${program}: ${error.message}`, { cause: error }));
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, output: stdout + stderr });
    });
  });
}
