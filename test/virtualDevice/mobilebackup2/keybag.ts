import { pbkdf2 as pbkdf2WithCallback } from 'node:crypto';
import { promisify } from 'node:util';
import { unwrapKey, wrapKeys } from './keyWrap';
import { seededSecret } from './seededSecret';

const pbkdf2 = promisify(pbkdf2WithCallback);

/** Rounds of the first derivation (SHA-256) and the second (SHA-1). */
export interface DerivationRounds {
  readonly first: number;
  readonly second: number;
}

/** Quick; real phones do 10,000,000 and 10,000. */
export const QUICK_ROUNDS: DerivationRounds = { first: 1000, second: 100 };

export interface Keybag {
  /** As in BackupKeyBag. */
  readonly bytes: Buffer;
  /** Undefined: of unencrypted backups, opened by the empty password. */
  readonly password: string | undefined;
  readonly classKeys: ReadonlyMap<number, Buffer>;
}

/** Classes whose keys the password alone opens; the others need the device's own key too. */
const PASSWORD_ONLY = new Set([1, 2, 3, 4, 6, 7, 8]);
const CLASSES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

/** A keybag for a password, or for unencrypted backups. The same seed and serial number give the same. */
export async function makeKeybag(
  password: string | undefined,
  rounds: DerivationRounds,
  seed: number,
  serial: number,
): Promise<Keybag> {
  const random = (label: string, length: number) => seededSecret(seed, `keybag ${serial} ${label}`, length);
  const encrypted = password !== undefined;
  const salt = random('SALT', 20);
  const firstSalt = random('DPSL', 20);
  const second = encrypted ? rounds.second : 10_000;
  const key = await passwordKey(
    password ?? '',
    salt,
    second,
    encrypted ? { salt: firstSalt, rounds: rounds.first } : undefined,
  );
  const fields: [tag: string, value: Buffer][] = [
    ['VERS', u32(encrypted ? 5 : 3)],
    ['TYPE', u32(1)],
    ['UUID', random('UUID', 16)],
    ['HMCK', encrypted ? random('HMCK', 40) : Buffer.alloc(40)],
    ['WRAP', u32(0)],
    ['SALT', salt],
    ['ITER', u32(second)],
  ];
  if (encrypted) fields.push(['DPWT', u32(1)], ['DPIC', u32(rounds.first)], ['DPSL', firstSalt]);
  const classKeys = new Map<number, Buffer>();
  for (const number of CLASSES) {
    const classKey = random(`class ${number}`, 32);
    const passwordOnly = encrypted ? PASSWORD_ONLY.has(number) : number < 5;
    if (passwordOnly) classKeys.set(number, classKey);
    fields.push(
      ['UUID', random(`class UUID ${number}`, 16)],
      ['CLAS', u32(number)],
      ['WRAP', u32(passwordOnly ? 2 : 3)],
      ['KTYP', u32(0)],
      ['WPKY', wrapKeys(key, classKey)],
    );
  }
  const bytes = Buffer.concat(fields.flatMap(([tag, value]) => [Buffer.from(tag, 'latin1'), u32(value.length), value]));
  return { bytes, password, classKeys };
}

/** Opens the keybag of a backup. @returns undefined when the password is wrong. @throws Error when it is damaged. */
export async function openKeybag(bytes: Buffer, password: string): Promise<ReadonlyMap<number, Buffer> | undefined> {
  const blocks: Map<string, Buffer>[] = [];
  for (let at = 0; at < bytes.length;) {
    if (at + 8 > bytes.length) throw new Error('the keybag ends within a tag');
    const tag = bytes.toString('latin1', at, at + 4);
    const length = bytes.readUInt32BE(at + 4);
    if (at + 8 + length > bytes.length) throw new Error(`${tag} of the keybag is cut off`);
    if (blocks.length === 0 || (tag === 'UUID' && blocks.at(-1)?.has('UUID'))) blocks.push(new Map());
    blocks.at(-1)?.set(tag, bytes.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  const header = blocks.shift();
  const salt = header?.get('SALT');
  const rounds = header?.get('ITER')?.readUInt32BE(0);
  if (!salt || !rounds) throw new Error('the keybag has no SALT or ITER');
  const firstSalt = header?.get('DPSL');
  const firstRounds = header?.get('DPIC')?.readUInt32BE(0);
  const first = firstSalt && firstRounds ? { salt: firstSalt, rounds: firstRounds } : undefined;
  const key = await passwordKey(password, salt, rounds, first);
  const classKeys = new Map<number, Buffer>();
  for (const block of blocks) {
    const number = block.get('CLAS')?.readUInt32BE(0);
    const wrapped = block.get('WPKY');
    const wrap = block.get('WRAP')?.readUInt32BE(0) ?? 0;
    if (number === undefined || !wrapped || !(wrap & 2)) continue;
    const classKey = unwrapKey(key, wrapped);
    if (!classKey) return undefined;
    if (wrap === 2) classKeys.set(number, classKey);
  }
  return classKeys;
}

async function passwordKey(
  password: string,
  salt: Buffer,
  rounds: number,
  first: { readonly salt: Buffer; readonly rounds: number } | undefined,
): Promise<Buffer> {
  let key: Buffer = Buffer.from(password, 'utf8');
  if (first) key = await pbkdf2(key, first.salt, first.rounds, 32, 'sha256');
  return pbkdf2(key, salt, rounds, 32, 'sha1');
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value, 0);
  return bytes;
}
