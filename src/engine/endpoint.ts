import crypto from 'node:crypto';
import fs from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { delay } from '../base/abort';

/** How a running engine is reached. Kept in a file that only the user can read, because of the token. */
export interface Endpoint {
  readonly pid: number;
  /** Path of a unix socket, or a Windows named pipe. */
  readonly socket: string;
  /** The first message of a client must carry it. */
  readonly token: string;
}

interface Claim {
  readonly file: string;
  readonly generation: number;
  /** Absent while it is being written, or if it is damaged. */
  readonly endpoint?: Endpoint;
}

/** Names one engine: another user, service address or data folder gets another engine. 16 hex digits. */
export function engineKey(address: string, stateDirectory: string): string {
  const user = process.getuid?.() ?? process.env['USERNAME'] ?? '';
  return crypto
    .createHash('sha256')
    .update(JSON.stringify([user, address, stateDirectory]))
    .digest('hex')
    .slice(0, 16);
}

/** A fresh name to listen on. */
export function newSocketPath(runtime: string, key: string, platform: NodeJS.Platform): string {
  const name = `${key}-${crypto.randomBytes(4).toString('hex')}`;
  return platform === 'win32' ? `\\\\.\\pipe\\ios-backup-${name}` : path.join(runtime, `${name}.s`);
}

/** The engine that holds the key, dead or alive. */
export async function findEndpoint(runtime: string, key: string): Promise<Endpoint | undefined> {
  return (await readClaims(runtime, key))[0]?.endpoint;
}

/**
 * Makes `endpoint`, which already listens, the one engine of this key. Claims are files with a growing number: the
 * highest holds, a number can be created only once, and nobody removes a claim that could still hold. So any number of
 * engines may try at the same moment, whatever a killed one left behind.
 * @returns undefined if another engine is there already.
 */
export async function claimEndpoint(runtime: string, key: string, endpoint: Endpoint): Promise<HeldClaim | undefined> {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const before = await readClaims(runtime, key);
    if (before[0] && !before[0].endpoint && (await isYoung(before[0].file))) {
      await delay(50);
      continue;
    }
    if (await anyAlive(before)) return undefined;
    const generation = (before[0]?.generation ?? 0) + 1;
    const file = path.join(runtime, `${key}.${generation}.json`);
    if (!(await createWhole(file, JSON.stringify(endpoint)))) continue;
    const others = (await readClaims(runtime, key)).filter((claim) => claim.generation !== generation);
    if (others.some((claim) => claim.generation > generation) || (await anyAlive(others))) {
      await fs.rm(file, { force: true });
      continue;
    }
    await Promise.all(others.map(removeClaim));
    return new HeldClaim(file, endpoint);
  }
  return undefined;
}

/** Held until release(); a program that tidies the folder of temporary files is kept away by touch(). */
export class HeldClaim {
  readonly #file: string;
  readonly #endpoint: Endpoint;

  constructor(file: string, endpoint: Endpoint) {
    this.#file = file;
    this.#endpoint = endpoint;
  }

  async touch(): Promise<void> {
    const now = new Date();
    await createWhole(this.#file, JSON.stringify(this.#endpoint));
    await fs.utimes(this.#file, now, now).catch(() => {});
    await fs.utimes(this.#endpoint.socket, now, now).catch(() => {});
  }

  release(): Promise<void> {
    return fs.rm(this.#file, { force: true }).catch(() => {});
  }
}

/** Newest first. */
async function readClaims(runtime: string, key: string): Promise<Claim[]> {
  const claims: Claim[] = [];
  for (const name of await fs.readdir(runtime).catch(() => [])) {
    const generation = name.startsWith(`${key}.`) ? /^\.(\d{1,9})\.json$/.exec(name.slice(key.length))?.[1] : undefined;
    if (!generation) continue;
    const file = path.join(runtime, name);
    const endpoint = await readEndpoint(file);
    claims.push({ file, generation: Number(generation), ...(endpoint && { endpoint }) });
  }
  return claims.sort((a, b) => b.generation - a.generation);
}

async function readEndpoint(file: string): Promise<Endpoint | undefined> {
  try {
    const value: unknown = JSON.parse(await fs.readFile(file, 'utf8'));
    if (typeof value !== 'object' || value === null) return undefined;
    const { pid, socket, token } = value as Record<string, unknown>;
    if (typeof pid !== 'number' || typeof socket !== 'string' || typeof token !== 'string') return undefined;
    return { pid, socket, token };
  } catch {
    return undefined;
  }
}

async function anyAlive(claims: readonly Claim[]): Promise<boolean> {
  for (const { endpoint } of claims) if (endpoint && (await listens(endpoint.socket))) return true;
  return false;
}

/** Whether anybody accepts connections there. A killed process leaves the path of its socket, but refuses. */
export function listens(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(socketPath);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.destroy();
      resolve(!isNobodyThere(error));
    });
  });
}

export function isNobodyThere(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code === 'ECONNREFUSED' || code === 'ENOENT' || code === 'ENOTSOCK';
}

async function isYoung(file: string): Promise<boolean> {
  const stats = await fs.stat(file).catch(() => undefined);
  return stats !== undefined && Date.now() - stats.mtimeMs < 2000;
}

/** Creates the file with all its content, or not at all; false if it exists. */
async function createWhole(file: string, content: string): Promise<boolean> {
  const temporary = `${file}.${crypto.randomBytes(4).toString('hex')}`;
  try {
    await fs.writeFile(temporary, content, { flag: 'wx', mode: 0o600 });
    await fs.link(temporary, file);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EEXIST') return false;
    // A file system without hard links: a reader may see it half-written, and takes it for one that is being written.
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'EOPNOTSUPP' || code === 'ENOSYS') {
      return await fs.writeFile(file, content, { flag: 'wx', mode: 0o600 }).then(
        () => true,
        () => false,
      );
    }
    throw error;
  } finally {
    await fs.rm(temporary, { force: true });
  }
}

async function removeClaim({ file, endpoint }: Claim): Promise<void> {
  if (endpoint && !endpoint.socket.startsWith('\\\\')) await fs.rm(endpoint.socket, { force: true }).catch(() => {});
  await fs.rm(file, { force: true }).catch(() => {});
}
