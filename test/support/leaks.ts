import fs from 'node:fs';
import path from 'node:path';

/** Something that must stay in memory, and how it could look where it has got out. */
export interface Secret {
  readonly name: string;
  readonly forms: readonly Buffer[];
}

/** @param text Letters and digits only, so that it stays what it is within JSON, URIs and quotes. */
export function secretText(name: string, text: string): Secret {
  if (!/^[A-Za-z0-9]{16,}$/.test(text)) throw new Error('such a text could be written in other ways too');
  const bytes = Buffer.from(text);
  const utf16 = Buffer.from(text, 'utf16le');
  return { name, forms: [bytes, utf16, Buffer.from(utf16).swap16(), ...encoded(bytes), ...encoded(utf16)] };
}

export function secretBytes(name: string, bytes: Buffer): Secret {
  return { name, forms: [bytes, ...encoded(bytes)] };
}

/** Hexadecimal, and base64 at each of its three alignments. */
function encoded(bytes: Buffer): Buffer[] {
  const hex = bytes.toString('hex');
  const base64 = [0, 1, 2].flatMap((before) => {
    // Only the characters that no neighbour has a part in.
    const from = Math.ceil((before * 8) / 6);
    const to = Math.floor(((before + bytes.length) * 8) / 6);
    const shifted = Buffer.concat([Buffer.alloc(before), bytes]);
    return [shifted.toString('base64').slice(from, to), shifted.toString('base64url').slice(from, to)];
  });
  return [hex, hex.toUpperCase(), ...base64].map((text) => Buffer.from(text));
}

/** @returns the names of the secrets that the bytes hold in some form. */
export function leaksIn(bytes: Buffer, secrets: readonly Secret[]): string[] {
  return secrets.filter(({ forms }) => forms.some((form) => bytes.includes(form))).map(({ name }) => name);
}

/** Every file below, its name too. @returns `secret in file`, and how many files there were. */
export function leaksBelow(folder: string, secrets: readonly Secret[]): { leaks: string[]; files: number } {
  const leaks: string[] = [];
  let files = 0;
  for (const entry of fs.readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    for (const name of leaksIn(Buffer.from(file), secrets)) leaks.push(`${name} in the name ${file}`);
    if (!entry.isFile()) continue;
    files++;
    try {
      for (const name of leaksIn(fs.readFileSync(file), secrets)) leaks.push(`${name} in ${file}`);
    } catch (error) {
      // Temporary files come and go.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return { leaks, files };
}

/** Looks again and again, until it is ended, at what others can see while programs run; at processes on Linux only. */
export class LeakWatch implements Disposable {
  readonly leaks = new Set<string>();
  /** What has been looked at, so that a test sees that it was. */
  readonly seen = new Set<string>();
  readonly #timer: NodeJS.Timeout;

  /** @param folder Of temporary files. */
  constructor(folder: string, secrets: readonly Secret[]) {
    this.#timer = setInterval(() => this.#look(folder, secrets), 50);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(folder: string, secrets: readonly Secret[]): void {
    for (const leak of leaksBelow(folder, secrets).leaks) this.leaks.add(leak);
    if (process.platform !== 'linux') return;
    for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      for (const what of ['cmdline', 'environ']) {
        let bytes: Buffer;
        try {
          bytes = fs.readFileSync(`/proc/${pid}/${what}`);
        } catch {
          continue; // It has ended.
        }
        if (what === 'cmdline') this.seen.add(bytes.toString().replaceAll('\0', ' '));
        for (const name of leaksIn(bytes, secrets)) this.leaks.add(`${name} in ${what} of a process`);
      }
    }
  }
}
