import {
  asArray,
  asDict,
  asString,
  decodeBinaryPlist,
  getUid,
  isDict,
  numberOf,
  PlistUid,
  type PlistDict,
  type PlistValue,
} from '../../../src/plist';

/** What the `file` column says about an item (class MBFile). */
export interface FileRecord {
  readonly relativePath: string;
  /** POSIX, with the type bits. */
  readonly mode: number;
  readonly size: number;
  /** Unix seconds, like the next two. */
  readonly modified: number;
  readonly statusChange: number;
  readonly birth: number;
  readonly userId: number;
  readonly groupId: number;
  readonly inode: number | bigint;
  readonly protectionClass: number;
  /** BSD file flags. */
  readonly flags: number;
  /** u32LE class and 40 bytes of wrapped key. */
  readonly encryptionKey?: Buffer | undefined;
  /** SHA-1 of the stored bytes. */
  readonly digest?: Buffer | undefined;
  readonly extendedAttributes?: Buffer | undefined;
  readonly target?: string | undefined;
}

/*
 * A keyed archive has the same skeleton for every file: only ten numbers, a path and at most four more values differ.
 * The skeleton is laid out once for each combination of optional values, and the values are put behind it. This writes
 * a record in a microsecond, and reads back what was written here as fast.
 */

const INTEGER_KEYS = [
  'LastModified',
  'LastStatusChange',
  'Birth',
  'Size',
  'InodeNumber',
  'UserID',
  'GroupID',
  'Mode',
  'ProtectionClass',
  'Flags',
] as const;

const HAS_KEY = 1;
const HAS_DIGEST = 2;
const HAS_ATTRIBUTES = 4;
const HAS_TARGET = 8;

interface Skeleton {
  /** `bplist00` and all objects that are always the same. */
  readonly head: Buffer;
  /** How many they are. */
  readonly fixed: number;
  /** Their places, in 2 and in 4 bytes each. */
  readonly headTable2: Buffer;
  readonly headTable4: Buffer;
  readonly top: number;
}

const skeletons = new Map<number, Skeleton>();
const valueOffsets = new Uint32Array(INTEGER_KEYS.length + 5);
let scratch = Buffer.allocUnsafe(16 * 1024);

/** @returns a view that the next call overwrites. */
export function encodeFileRecord(record: FileRecord): Buffer {
  const variant =
    (record.encryptionKey ? HAS_KEY : 0) |
    (record.digest ? HAS_DIGEST : 0) |
    (record.extendedAttributes ? HAS_ATTRIBUTES : 0) |
    (record.target !== undefined ? HAS_TARGET : 0);
  const skeleton = skeletonFor(variant);
  const worst =
    skeleton.head.length +
    600 +
    (record.relativePath.length + (record.target?.length ?? 0)) * 2 +
    64 +
    (record.extendedAttributes?.length ?? 0) +
    (record.encryptionKey?.length ?? 0) +
    256 * 4;
  if (scratch.length < worst) scratch = Buffer.allocUnsafe(worst * 2);
  const bytes = scratch;
  let at = skeleton.head.copy(bytes);
  let count = 0;
  valueOffsets[count++] = at;
  at = writeInteger(bytes, at, record.modified);
  valueOffsets[count++] = at;
  at = writeInteger(bytes, at, record.statusChange);
  valueOffsets[count++] = at;
  at = writeInteger(bytes, at, record.birth);
  valueOffsets[count++] = at;
  at = writeInteger(bytes, at, record.size);
  valueOffsets[count++] = at;
  at = writeInteger(bytes, at, record.inode);
  valueOffsets[count++] = at;
  at = writeInteger(bytes, at, record.userId);
  valueOffsets[count++] = at;
  at = writeInteger(bytes, at, record.groupId);
  valueOffsets[count++] = at;
  at = writeInteger(bytes, at, record.mode);
  valueOffsets[count++] = at;
  at = writeInteger(bytes, at, record.protectionClass);
  valueOffsets[count++] = at;
  at = writeInteger(bytes, at, record.flags);
  valueOffsets[count++] = at;
  at = writeString(bytes, at, record.relativePath);
  if (record.encryptionKey) {
    valueOffsets[count++] = at;
    at = writeData(bytes, at, record.encryptionKey);
  }
  if (record.digest) {
    valueOffsets[count++] = at;
    at = writeData(bytes, at, record.digest);
  }
  if (record.extendedAttributes) {
    valueOffsets[count++] = at;
    at = writeData(bytes, at, record.extendedAttributes);
  }
  if (record.target !== undefined) {
    valueOffsets[count++] = at;
    at = writeString(bytes, at, record.target);
  }
  const table = at;
  const offsetSize = table < 0x1_0000 ? 2 : 4;
  at += (offsetSize === 2 ? skeleton.headTable2 : skeleton.headTable4).copy(bytes, at);
  for (let index = 0; index < count; index++) {
    const offset = valueOffsets[index] as number;
    at = offsetSize === 2 ? bytes.writeUInt16BE(offset, at) : bytes.writeUInt32BE(offset, at);
  }
  bytes.fill(0, at, at + 32);
  bytes[at + 6] = offsetSize;
  bytes[at + 7] = 1;
  bytes.writeUInt32BE(skeleton.fixed + count, at + 12);
  bytes.writeUInt32BE(skeleton.top, at + 20);
  bytes.writeUInt32BE(table, at + 28);
  return bytes.subarray(0, at + 32);
}

/**
 * Reads a record, in whatever order its objects are.
 * @throws PlistError or Error when it is none. Data and keys are views of `bytes`.
 */
export function decodeFileRecord(bytes: Buffer): FileRecord {
  return decodeOwn(bytes) ?? decodeAny(bytes);
}

function skeletonFor(variant: number): Skeleton {
  let skeleton = skeletons.get(variant);
  if (!skeleton) {
    skeleton = makeSkeleton(variant);
    skeletons.set(variant, skeleton);
  }
  return skeleton;
}

/**
 * Objects in $objects: $null, the file, class of files, path, then key (object, bytes inline, class), digest,
 * attributes, target as present. Values that differ are plist objects behind the skeleton.
 */
function makeSkeleton(variant: number): Skeleton {
  const objects: Buffer[] = [];
  const add = (bytes: Buffer) => objects.push(bytes) - 1;
  const text = (value: string) => {
    const bytes = Buffer.alloc(value.length + 4);
    return add(bytes.subarray(0, writeString(bytes, 0, value)));
  };
  const uid = (value: number) => add(Buffer.from([0x80, value]));
  const dictionary = (entries: readonly (readonly [number, number])[]) => {
    const bytes = Buffer.alloc(4 + entries.length * 2);
    let at = writeMarker(bytes, 0, 0xd0, entries.length);
    for (const [key] of entries) bytes[at++] = key;
    for (const [, value] of entries) bytes[at++] = value;
    return add(bytes.subarray(0, at));
  };
  const array = (items: readonly number[]) => {
    const bytes = Buffer.alloc(4 + items.length);
    let at = writeMarker(bytes, 0, 0xa0, items.length);
    for (const item of items) bytes[at++] = item;
    return add(bytes.subarray(0, at));
  };

  const optional = [HAS_KEY, HAS_DIGEST, HAS_ATTRIBUTES, HAS_TARGET].filter((bit) => variant & bit);
  // Fixed objects are counted first: the values that follow them get the numbers behind.
  const fixed =
    4 +
    3 +
    1 +
    1 + // four keys of the top, version, archiver, top dictionary with "root" and its UID
    1 +
    1 + // $null, $objects
    (INTEGER_KEYS.length + 2) +
    1 +
    2 + // keys of the file, the file, UIDs of path and class
    (2 + 1 + 1 + 1 + 1) + // class of files
    optional.length * 2 + // key and UID of each optional value
    (variant & HAS_KEY ? 1 + 1 + 1 + 3 : 0) + // NS.data, its dictionary, UID of its class, class with its names
    1; // top
  let variable = fixed;
  const integers = INTEGER_KEYS.map(() => variable++);
  const path = variable++;
  const values = new Map(optional.map((bit) => [bit, variable++]));

  const names = { root: text('root'), classname: text('$classname'), classes: text('$classes'), class: text('$class') };
  const nsObject = text('NSObject');
  const mbFile = text('MBFile');
  const fileClass = dictionary([
    [names.classname, mbFile],
    [names.classes, array([mbFile, nsObject])],
  ]);
  const archived: number[] = [text('$null'), -1, fileClass, path];
  const fields: [number, number][] = INTEGER_KEYS.map((key, index) => [text(key), integers[index] as number]);
  fields.push([text('RelativePath'), uid(3)], [names.class, uid(2)]);
  for (const bit of optional) {
    const value = values.get(bit) as number;
    const position = archived.length;
    if (bit === HAS_KEY) {
      const className = text('NSMutableData');
      const dataClass = dictionary([
        [names.classname, className],
        [names.classes, array([className, nsObject])],
      ]);
      const object = dictionary([
        [text('NS.data'), value],
        [names.class, uid(position + 1)],
      ]);
      archived.push(object, dataClass);
      fields.push([text('EncryptionKey'), uid(position)]);
    } else {
      archived.push(value);
      fields.push([
        text(bit === HAS_DIGEST ? 'Digest' : bit === HAS_TARGET ? 'Target' : 'ExtendedAttributes'),
        uid(position),
      ]);
    }
  }
  archived[1] = dictionary(fields);
  const version = Buffer.alloc(5);
  version[0] = 0x12;
  version.writeUInt32BE(100_000, 1);
  const top = dictionary([
    [text('$version'), add(version)],
    [text('$archiver'), text('NSKeyedArchiver')],
    [text('$top'), dictionary([[names.root, uid(1)]])],
    [text('$objects'), array(archived)],
  ]);
  if (objects.length !== fixed) throw new Error(`${objects.length} fixed objects instead of ${fixed}`);
  const headTable2 = Buffer.alloc(fixed * 2);
  const headTable4 = Buffer.alloc(fixed * 4);
  let offset = 8;
  for (const [index, object] of objects.entries()) {
    headTable2.writeUInt16BE(offset, index * 2);
    headTable4.writeUInt32BE(offset, index * 4);
    offset += object.length;
  }
  return { head: Buffer.concat([Buffer.from('bplist00'), ...objects]), fixed, headTable2, headTable4, top };
}

/** Undefined when the bytes were not laid out here. */
function decodeOwn(bytes: Buffer): FileRecord | undefined {
  for (const variant of [0, HAS_KEY, HAS_DIGEST, HAS_KEY | HAS_DIGEST, 4, 5, 6, 7, HAS_TARGET]) {
    const { head } = skeletonFor(variant);
    if (bytes.length < head.length || bytes.compare(head, 0, head.length, 0, head.length) !== 0) continue;
    return readValues(bytes, head.length, variant);
  }
  return undefined;
}

function readValues(bytes: Buffer, start: number, variant: number): FileRecord {
  let at = start;
  const integer = (): number | bigint => {
    const size = 1 << ((bytes[at] as number) & 0x0f);
    const from = at + 1;
    at = from + size;
    if (size < 8) return bytes.readUIntBE(from, size);
    const value = bytes.readBigInt64BE(from);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  };
  const count = (): number => {
    const low = (bytes[at++] as number) & 0x0f;
    return low < 15 ? low : Number(integer());
  };
  const string = (): string => {
    const ascii = ((bytes[at] as number) & 0xf0) === 0x50;
    const length = count();
    const from = at;
    at += ascii ? length : length * 2;
    return ascii
      ? bytes.toString('latin1', from, at)
      : Buffer.from(bytes.subarray(from, at)).swap16().toString('utf16le');
  };
  const data = (): Buffer => {
    const length = count();
    at += length;
    return bytes.subarray(at - length, at);
  };
  const small = (): number => Number(integer());
  return {
    modified: small(),
    statusChange: small(),
    birth: small(),
    size: small(),
    inode: integer(),
    userId: small(),
    groupId: small(),
    mode: small(),
    protectionClass: small(),
    flags: small(),
    relativePath: string(),
    encryptionKey: variant & HAS_KEY ? data() : undefined,
    digest: variant & HAS_DIGEST ? data() : undefined,
    extendedAttributes: variant & HAS_ATTRIBUTES ? data() : undefined,
    target: variant & HAS_TARGET ? string() : undefined,
  };
}

function decodeAny(bytes: Buffer): FileRecord {
  const archive = asDict(decodeBinaryPlist(bytes), 'file record');
  const objects = asArray(archive.get('$objects'), '$objects');
  const resolve = (value: PlistValue | undefined): PlistValue | undefined =>
    value instanceof PlistUid ? (value.value === 0 ? undefined : objects[value.value]) : value;
  const file: PlistDict = asDict(objects[getUid(asDict(archive.get('$top'), '$top'), 'root')], 'MBFile');
  const number = (key: string): number => numberOf(resolve(file.get(key))) ?? 0;
  const data = (key: string): Buffer | undefined => {
    const value = resolve(file.get(key));
    const inner = isDict(value) ? resolve(value.get('NS.data')) : value;
    return inner instanceof Uint8Array ? Buffer.from(inner) : undefined;
  };
  const targetObject = resolve(file.get('Target'));
  const target = isDict(targetObject) ? resolve(targetObject.get('NS.string')) : targetObject;
  const inode = file.get('InodeNumber');
  return {
    relativePath: asString(resolve(file.get('RelativePath')), 'RelativePath'),
    mode: number('Mode'),
    size: number('Size'),
    modified: number('LastModified'),
    statusChange: number('LastStatusChange'),
    birth: number('Birth'),
    userId: number('UserID'),
    groupId: number('GroupID'),
    inode: typeof inode === 'bigint' ? inode : number('InodeNumber'),
    protectionClass: number('ProtectionClass'),
    flags: number('Flags'),
    encryptionKey: data('EncryptionKey'),
    digest: data('Digest'),
    extendedAttributes: data('ExtendedAttributes'),
    target: typeof target === 'string' ? target : undefined,
  };
}

function writeInteger(bytes: Buffer, at: number, value: number | bigint): number {
  if (typeof value === 'bigint' || value < 0 || value > 0xffff_ffff) {
    bytes[at] = 0x13;
    return bytes.writeBigInt64BE(BigInt(value), at + 1);
  }
  if (value < 0x100) {
    bytes[at] = 0x10;
    bytes[at + 1] = value;
    return at + 2;
  }
  const size = value < 0x1_0000 ? 2 : 4;
  bytes[at] = size === 2 ? 0x11 : 0x12;
  return bytes.writeUIntBE(value, at + 1, size);
}

function writeString(bytes: Buffer, at: number, value: string): number {
  // eslint-disable-next-line no-control-regex
  if (/^[\x00-\x7f]*$/.test(value)) {
    const start = writeMarker(bytes, at, 0x50, value.length);
    return start + bytes.write(value, start, 'latin1');
  }
  const start = writeMarker(bytes, at, 0x60, value.length);
  const end = start + bytes.write(value, start, 'utf16le');
  bytes.subarray(start, end).swap16();
  return end;
}

function writeData(bytes: Buffer, at: number, value: Buffer): number {
  const start = writeMarker(bytes, at, 0x40, value.length);
  return start + value.copy(bytes, start);
}

function writeMarker(bytes: Buffer, at: number, marker: number, count: number): number {
  if (count < 15) {
    bytes[at] = marker | count;
    return at + 1;
  }
  bytes[at] = marker | 15;
  return writeInteger(bytes, at + 1, count);
}
