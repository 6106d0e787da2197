import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { EngineDirectories } from './directories';

export interface SpawnOptions {
  /** `dist/engine.js`. */
  readonly enginePath: string;
  /** A Node, or an Electron, which then runs as one. Default: the program that runs this. */
  readonly nodePath?: string;
  /** Where usbmuxd listens; empty for the platform's own place. */
  readonly address: string;
  readonly env: NodeJS.ProcessEnv;
}

/** What the engine says before it has a log, and its last words: kept small. */
const MAX_OUTPUT = 256 * 1024;

/** Starts an engine that outlives this process. It ends by itself if another one holds the key already. */
export function spawnEngine(
  { enginePath, nodePath, address, env }: SpawnOptions,
  directories: EngineDirectories,
): ChildProcess {
  const logs = path.join(directories.state, 'logs');
  fs.mkdirSync(logs, { recursive: true, mode: 0o700 });
  const outputFile = path.join(logs, 'engine-output.log');
  const tooLong = (fs.statSync(outputFile, { throwIfNoEntry: false })?.size ?? 0) > MAX_OUTPUT;
  const output = fs.openSync(outputFile, tooLong ? 'w' : 'a', 0o600);
  try {
    const child = spawn(nodePath ?? process.execPath, [enginePath, `--mux=${address}`], {
      detached: true,
      windowsHide: true,
      stdio: ['ignore', output, output],
      // Not the folder of a project, nor a disk that a person wants to eject.
      cwd: directories.state,
      env: engineEnvironment(env),
    });
    child.unref();
    return child;
  } finally {
    fs.closeSync(output);
  }
}

/** Without what belongs to the editor's own processes: NODE_OPTIONS would attach a debugger, VSCODE_* change behaviour. */
function engineEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(
    ([name]) => !/^(VSCODE_|ELECTRON_|NODE_OPTIONS$|NODE_CHANNEL_FD$)/i.test(name),
  );
  return { ...Object.fromEntries(kept), ELECTRON_RUN_AS_NODE: '1' };
}
