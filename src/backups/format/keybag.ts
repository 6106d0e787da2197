import { AppError } from '../../base/errors';
import { unwrapKey, unwrapKeys } from './keyWrap';

/** The password key opens a class key marked with this bit; the other bit means the device's own hardware key as well. */
const WRAPPED_BY_PASSWORD = 2;
const WRAPPED_BY_DEVICE = 1;
/** 4 bytes of protection class, 40 bytes of wrapped key. */
const PERSISTENT_KEY = 44;
const MAX_KEYBAG_LENGTH = 1 << 20;
/** Real phones use 10,000,000. A count beyond this would keep the computer busy for minutes: a damaged or hostile keybag. */
const MAX_ROUNDS = 100_000_000;

/** `BackupKeyBag` of Manifest.plist: how the password becomes a key, and the class keys wrapped with it. */
export interface Keybag {
  readonly version: number;
  /** 1: backup. */
  readonly type: number;
  readonly uuid: string;
  readonly derivation: KeyDerivation;
  readonly classes: readonly ClassKey[];
}

export interface KeyDerivation {
  readonly salt: Buffer;
  readonly rounds: number;
  /** Since iOS 10.2: a first, longer derivation with SHA-256. */
  readonly first?: { readonly salt: Buffer; readonly rounds: number };
}

export interface ClassKey {
  readonly protectionClass: number;
  readonly wrap: number;
  /** 0: AES, 1: Curve25519. */
  readonly keyType: number;
  readonly wrapped?: Buffer;
  readonly publicKey?: Buffer;
}

/** Parses the tag-length-value list. Unknown tags are passed over. @throws AppError `keybagDamaged` */
export function parseKeybag(bytes: Uint8Array): Keybag {
  if (bytes.length > MAX_KEYBAG_LENGTH) throw damaged(`a keybag of ${bytes.length} bytes`);
  const header = new Map<string, Buffer>();
  const blocks: Map<string, Buffer>[] = [];
  for (const { tag, value } of tags(Buffer.from(bytes))) {
    // The header has a UUID of its own; every later one starts a class.
    if (tag === 'UUID' && header.has('UUID')) blocks.push(new Map());
    const target = blocks.at(-1) ?? header;
    if (!target.has(tag)) target.set(tag, value);
  }
  const firstSalt = header.get('DPSL');
  const firstRounds = header.get('DPIC');
  return {
    version: integer(header, 'VERS'),
    type: integer(header, 'TYPE') & 0x3fffffff,
    uuid: (header.get('UUID') ?? Buffer.alloc(0)).toString('hex'),
    derivation: {
      salt: bytesOf(header, 'SALT'),
      rounds: rounds(integer(header, 'ITER')),
      ...(firstSalt && firstRounds ? { first: { salt: firstSalt, rounds: rounds(integer(header, 'DPIC')) } } : {}),
    },
    classes: blocks.map(classKey),
  };
}

/** The class keys of an unlocked keybag. They live until clear(). */
export class UnlockedKeybag {
  /** Opens the records in Manifest.db of iOS 10.0; undefined for any other. */
  recordKey: Buffer | undefined;
  readonly #keys: Map<number, Buffer>;

  constructor(keys: Map<number, Buffer>) {
    this.#keys = keys;
  }

  get protectionClasses(): readonly number[] {
    return [...this.#keys.keys()];
  }

  /**
   * Unwraps a file's or the Manifest's key.
   * @param persistent 4 bytes little-endian protection class, then the wrapped key (40 bytes).
   * @throws AppError `keyNotAvailable` for a class that only the device can open; `fileDamaged` for a damaged key.
   */
  unwrap(persistent: Uint8Array): Buffer {
    const [key = fileDamaged('no key')] = this.unwrapAll([persistent]);
    if (key instanceof AppError) throw key;
    return key;
  }

  /** The same for many at once, which takes a tenth of the time; one that does not open costs only itself. */
  unwrapAll(persistent: readonly Uint8Array[]): readonly (Buffer | AppError)[] {
    const found: (Buffer | AppError)[] = [];
    const byClass = new Map<Buffer, number[]>();
    persistent.forEach((bytes, index) => {
      if (bytes.length !== PERSISTENT_KEY) {
        found[index] = fileDamaged(`an encryption key of ${bytes.length} bytes`);
        return;
      }
      const number = classOf(bytes);
      const classKey = this.#keys.get(number) ?? this.#keys.get(number & 0xf);
      if (!classKey) {
        found[index] = new AppError('keyNotAvailable', `no key for protection class ${number}`);
        return;
      }
      const group = byClass.get(classKey);
      if (group) group.push(index);
      else byClass.set(classKey, [index]);
    });
    for (const [classKey, indices] of byClass) {
      const wrapped = indices.flatMap((index) => persistent[index]?.subarray(4) ?? []);
      unwrapKeys(classKey, wrapped).forEach((key, place) => {
        const index = indices[place] ?? 0;
        const number = classOf(persistent[index] ?? Buffer.alloc(4));
        found[index] = key ?? fileDamaged(`a key of protection class ${number} does not unwrap`);
      });
    }
    return found;
  }

  /** Overwrites the keys in memory. */
  clear(): void {
    for (const key of this.#keys.values()) key.fill(0);
    this.#keys.clear();
    this.recordKey?.fill(0);
    this.recordKey = undefined;
  }
}

/**
 * Opens every class key that the password alone opens.
 * @param passwordKey 32 bytes, from deriveKey().
 * @throws AppError `wrongPassword` if none opens; `keybagDamaged` if only some do.
 */
export function unlockKeybag(keybag: Keybag, passwordKey: Uint8Array): UnlockedKeybag {
  const keys = new Map<number, Buffer>();
  let tried = 0;
  for (const { protectionClass, wrap, keyType, wrapped } of keybag.classes) {
    if (!wrapped || keyType !== 0 || (wrap & WRAPPED_BY_PASSWORD) === 0) continue;
    tried++;
    const key = unwrapKey(passwordKey, wrapped);
    if (!key) continue;
    // Wrapped once more by the device: useless elsewhere, so it is not kept, but it proves the password.
    if (wrap & WRAPPED_BY_DEVICE) key.fill(0);
    keys.set(protectionClass, key);
  }
  const opened = new UnlockedKeybag(usable(keybag, keys));
  if (tried === 0) throw damaged('no class key in it is wrapped with the password');
  if (keys.size === 0) throw new AppError('wrongPassword', 'no class key opens');
  if (keys.size < tried) {
    opened.clear();
    throw damaged(`only ${keys.size} of ${tried} class keys open`);
  }
  return opened;
}

function usable(keybag: Keybag, keys: ReadonlyMap<number, Buffer>): Map<number, Buffer> {
  const bound = new Set(keybag.classes.filter((one) => one.wrap & WRAPPED_BY_DEVICE).map((one) => one.protectionClass));
  return new Map([...keys].filter(([number]) => !bound.has(number)));
}

function* tags(bytes: Buffer): Generator<{ readonly tag: string; readonly value: Buffer }> {
  let offset = 0;
  while (offset < bytes.length) {
    if (offset + 8 > bytes.length) throw damaged(`${bytes.length - offset} stray bytes at the end`);
    const tag = bytes.toString('latin1', offset, offset + 4);
    const length = bytes.readUInt32BE(offset + 4);
    const end = offset + 8 + length;
    if (end > bytes.length) throw damaged(`${tag} at ${offset} claims ${length} bytes`);
    yield { tag, value: bytes.subarray(offset + 8, end) };
    offset = end;
  }
}

function classKey(block: ReadonlyMap<string, Buffer>): ClassKey {
  const wrapped = block.get('WPKY');
  const publicKey = block.get('PBKY');
  return {
    protectionClass: integer(block, 'CLAS'),
    wrap: block.has('WRAP') ? integer(block, 'WRAP') : 0,
    keyType: block.has('KTYP') ? integer(block, 'KTYP') : 0,
    ...(wrapped ? { wrapped } : {}),
    ...(publicKey ? { publicKey } : {}),
  };
}

function bytesOf(block: ReadonlyMap<string, Buffer>, tag: string): Buffer {
  const value = block.get(tag);
  if (!value) throw damaged(`${tag} is missing`);
  return value;
}

function integer(block: ReadonlyMap<string, Buffer>, tag: string): number {
  const value = bytesOf(block, tag);
  if (value.length !== 4) throw damaged(`${tag} has ${value.length} bytes; expected 4`);
  return value.readUInt32BE(0);
}

function rounds(count: number): number {
  if (count < 1 || count > MAX_ROUNDS) throw damaged(`${count} rounds of key derivation`);
  return count;
}

function classOf(persistent: Uint8Array): number {
  return Buffer.from(persistent.buffer, persistent.byteOffset, 4).readUInt32LE(0);
}

function fileDamaged(why: string): AppError {
  return new AppError('fileDamaged', why);
}

function damaged(why: string): AppError {
  return new AppError('keybagDamaged', `the keybag cannot be read: ${why}`);
}
