import type { ReadStream } from 'node:tty';
import { StringDecoder } from 'node:string_decoder';
import { AppError, cancelled } from '../base/errors';

/** Where secrets come from: standard input, one line each; never arguments, never the environment. */
export interface Secrets {
  readonly isTerminal: boolean;
  /**
   * Without an echo on a terminal, where `prompt` is shown.
   * @throws AppError `passwordNeeded` at the end of input; `cancelled`.
   */
  read(prompt: string): Promise<string>;
  /** A new one: on a terminal typed twice. @throws AppError `wrongUsage` if the two differ. */
  readNew(prompt: string): Promise<string>;
  /** For what can do without: undefined if there is no input, or none comes soon. */
  readIfGiven(prompt: string): Promise<string | undefined>;
  /** An answer that is no secret; on a terminal with echo. Undefined without a terminal. */
  ask(prompt: string): Promise<string | undefined>;
  /** Lets go of standard input, which would keep the program alive. */
  close(): void;
}

/** A program that was started with a pipe which nobody writes to must not wait for ever. */
const SILENCE_MS = 5000;
/** No password is as long; a file that was piped in by mistake is. */
const MAX_LENGTH = 64 * 1024;

export interface SecretSources {
  readonly input: NodeJS.ReadStream;
  readonly showPrompt: (text: string) => void;
  readonly signal: AbortSignal;
  /** Ctrl-C, which a terminal in raw mode hands over as a character. */
  readonly interrupt: () => void;
}

export function standardInputSecrets({ input, showPrompt, signal, interrupt }: SecretSources): Secrets {
  const isTerminal = input.isTTY === true;
  const lines = new InputLines(input);

  async function line(prompt: string, echo: boolean, timeoutMs?: number): Promise<string | undefined> {
    if (!isTerminal) return lines.next(signal, timeoutMs);
    showPrompt(`${prompt}: `);
    if (echo) return lines.next(signal);
    try {
      return await typedWithoutEcho(input, signal, interrupt);
    } finally {
      showPrompt('\n');
    }
  }

  async function read(prompt: string): Promise<string> {
    const text = await line(prompt, false);
    if (text === undefined) throw new AppError('passwordNeeded', 'standard input ended before the password');
    return text;
  }

  return {
    isTerminal,
    read,
    async readNew(prompt) {
      const first = await read(prompt);
      if (isTerminal && (await read(`${prompt}, again`)) !== first) {
        throw new AppError('wrongUsage', 'the two passwords differ');
      }
      return first;
    },
    async readIfGiven(prompt) {
      const text = await line(`${prompt} (Enter for none)`, false, SILENCE_MS);
      return text === '' ? undefined : text;
    },
    ask: async (prompt) => (isTerminal ? line(prompt, true) : undefined),
    close: () => input.pause(),
  };
}

/** Lines of a stream, read as they are asked for. */
class InputLines {
  readonly #input: NodeJS.ReadStream;
  readonly #decoder = new StringDecoder('utf8');
  #text = '';
  #ended = false;
  #started = false;
  #wake: () => void = () => {};

  constructor(input: NodeJS.ReadStream) {
    this.#input = input;
  }

  /** Undefined at the end, or after `timeoutMs` without a whole line. */
  async next(signal: AbortSignal, timeoutMs?: number): Promise<string | undefined> {
    this.#start();
    const until = timeoutMs === undefined ? undefined : Date.now() + timeoutMs;
    for (;;) {
      if (signal.aborted) throw cancelled();
      const end = this.#text.indexOf('\n');
      if (end >= 0) {
        const text = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 1);
        return text.replace(/\r$/, '');
      }
      if (this.#text.length > MAX_LENGTH) throw new AppError('wrongUsage', 'the line on standard input is too long');
      if (this.#ended) {
        // The last line need not end with a newline.
        const rest = this.#text;
        this.#text = '';
        return rest === '' ? undefined : rest;
      }
      if (until !== undefined && Date.now() >= until) return undefined;
      await this.#more(signal, until);
    }
  }

  #start(): void {
    this.#input.resume();
    if (this.#started) return;
    this.#started = true;
    this.#input.on('data', (chunk: Buffer | string) => {
      this.#text += typeof chunk === 'string' ? chunk : this.#decoder.write(chunk);
      this.#wake();
    });
    const end = () => {
      this.#ended = true;
      this.#wake();
    };
    this.#input.once('end', end);
    this.#input.once('close', end);
    // A closed standard input: nothing comes.
    this.#input.once('error', end);
  }

  #more(signal: AbortSignal, until: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      const timer = until === undefined ? undefined : setTimeout(resolve, until - Date.now());
      this.#wake = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', this.#wake);
        resolve();
      };
      signal.addEventListener('abort', this.#wake, { once: true });
    });
  }
}

const CTRL_C = '\x03';
const CTRL_D = '\x04';
const CTRL_U = '\x15';

/** A line from a terminal, nothing of which is shown. Undefined for Ctrl-D on an empty line. */
function typedWithoutEcho(input: ReadStream, signal: AbortSignal, interrupt: () => void): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const decoder = new StringDecoder('utf8');
    let typed: string[] = [];
    const finish = (settle: () => void) => {
      input.off('data', onData);
      signal.removeEventListener('abort', onAbort);
      input.setRawMode(false);
      input.pause();
      settle();
    };
    const onAbort = () => finish(() => reject(cancelled()));
    const onData = (chunk: Buffer) => {
      for (const character of decoder.write(chunk)) {
        if (character === '\r' || character === '\n') return finish(() => resolve(typed.join('')));
        if (character === CTRL_C) return interrupt();
        if (character === CTRL_D && typed.length === 0) return finish(() => resolve(undefined));
        if (character === '\x7f' || character === '\b') typed.pop();
        else if (character === CTRL_U) typed = [];
        else if (character >= ' ') typed.push(character);
      }
    };
    if (signal.aborted) return reject(cancelled());
    signal.addEventListener('abort', onAbort, { once: true });
    input.setRawMode(true);
    input.on('data', onData);
    input.resume();
  });
}
