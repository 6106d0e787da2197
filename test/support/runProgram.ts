import { spawn, type ChildProcess } from 'node:child_process';

/** A program under test: what it prints, and how it ends. */
export class RunningProgram {
  readonly child: ChildProcess;
  /** Resolves when it has ended and all of its output was read. */
  readonly ended: Promise<ProgramResult>;
  #stdout = '';
  #stderr = '';
  #changed: () => void = () => {};

  constructor(file: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    this.child = spawn(process.execPath, [file, ...args], { env, stdio: 'pipe' });
    this.child.stdout?.on('data', (chunk) => this.#add(() => (this.#stdout += String(chunk))));
    this.child.stderr?.on('data', (chunk) => this.#add(() => (this.#stderr += String(chunk))));
    this.ended = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (code, signal) => {
        this.#changed();
        resolve({ code, signal, stdout: this.#stdout, stderr: this.#stderr });
      });
    });
  }

  get stdout(): string {
    return this.#stdout;
  }

  /** Writes to its standard input and, unless told otherwise, ends it. */
  input(text: string, { end = true } = {}): this {
    this.child.stdin?.write(text);
    if (end) this.child.stdin?.end();
    return this;
  }

  /** Resolves when its standard output holds this. @throws if it ends before. */
  async printed(wanted: RegExp): Promise<void> {
    while (!wanted.test(this.#stdout)) {
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        throw new Error(`ended without printing ${String(wanted)}: ${this.#stdout}\n${this.#stderr}`);
      }
      await new Promise<void>((resolve) => (this.#changed = resolve));
    }
  }

  #add(append: () => void): void {
    append();
    this.#changed();
  }
}

export interface ProgramResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The JSON objects of a program that prints one a line. */
export function jsonLines({ stdout }: Pick<ProgramResult, 'stdout'>): readonly Record<string, unknown>[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
