import fs from 'node:fs';

/*
 * The engine on a disk that is not like others, below FAULTY_FOLDER:
 *   FAULTY_LINKS=none      files cannot share their content
 *   FAULTY_DELAY_MS=5      each call that changes something takes so long
 *   FAULTY_CODE=EIO FAULTY_AT=17   the 17th call that changes something fails (0 is the first)
 */
const { env } = process;
const folder = env['FAULTY_FOLDER'] ?? '';
const delayMs = Number(env['FAULTY_DELAY_MS']) || 0;
const failAt = env['FAULTY_CODE'] === undefined ? -1 : Number(env['FAULTY_AT']);
const clock = new Int32Array(new SharedArrayBuffer(4));
/** Open files below the folder. */
const files = new Set<number>();
let changes = 0;

type Call = (...parameters: unknown[]) => unknown;

/** What is to happen instead of a call; undefined: the call. */
function trouble(name: string, parameters: readonly unknown[]): Error | undefined {
  if (!parameters.slice(0, 2).some(isBelow)) return undefined;
  if (env['FAULTY_LINKS'] === 'none' && (name === 'link' || name === 'copyFile')) return refusal('EPERM', name);
  if (name === 'open' && typeof parameters[1] === 'number' && (parameters[1] & fs.constants.O_CREAT) === 0) {
    return undefined;
  }
  return changes++ === failAt ? refusal(env['FAULTY_CODE'] ?? '', name) : undefined;
}

function isBelow(place: unknown): boolean {
  if (typeof place === 'number') return files.has(place);
  return folder !== '' && typeof place === 'string' && `${place}/`.startsWith(`${folder}/`);
}

function refusal(code: string, call: string): Error {
  return Object.assign(new Error(`${code}: asked for by a test, ${call}`), { code, syscall: call });
}

/** A slow disk holds whoever asks it directly, and a thread of the pool otherwise. */
function replace(name: string, opens = false): void {
  const direct = Reflect.get(fs, `${name}Sync`) as Call;
  const pooled = Reflect.get(fs, name) as Call;
  Reflect.set(fs, `${name}Sync`, (...parameters: unknown[]) => {
    const error = trouble(name, parameters);
    if (error) throw error;
    if (delayMs > 0 && parameters.slice(0, 2).some(isBelow)) Atomics.wait(clock, 0, 0, delayMs);
    const result = direct.apply(fs, parameters);
    if (opens && isBelow(parameters[0])) files.add(result as number);
    return result;
  });
  Reflect.set(fs, name, (...parameters: unknown[]) => {
    const done = parameters.at(-1) as Call;
    const error = trouble(name, parameters);
    if (error) return setImmediate(() => done(error));
    const told: Call = (problem, result) => {
      if (opens && !problem && isBelow(parameters[0])) files.add(result as number);
      return done(problem, result);
    };
    const call = () => pooled.apply(fs, [...parameters.slice(0, -1), told]);
    return delayMs > 0 && parameters.slice(0, 2).some(isBelow) ? setTimeout(call, delayMs) : call();
  });
}

if (folder !== '') {
  replace('open', true);
  for (const name of ['write', 'fsync', 'rename', 'link', 'copyFile', 'mkdir', 'unlink', 'rmdir']) replace(name);
  const { closeSync, close } = fs;
  fs.closeSync = (fd) => {
    files.delete(fd);
    closeSync(fd);
  };
  Reflect.set(fs, 'close', (...parameters: unknown[]) => {
    files.delete(parameters[0] as number);
    return (close as Call).apply(fs, parameters);
  });
}
