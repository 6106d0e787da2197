import { AppError } from '../../base/errors';
import { type BackupFile, kindOfMode } from './backupFile';
import { fileID } from './fileID';

const HEADER = Buffer.from('mbdb\x05\x00', 'latin1');
/** A string or data length that stands for "absent". */
const ABSENT = 0xffff;

/** What a Manifest.mbdb holds, and where reading had to stop. */
export interface ManifestMbdb {
  readonly files: readonly BackupFile[];
  /** Byte offset of the first record that could not be read: all that follows is lost. */
  readonly damagedAt?: number;
}

/**
 * Reads the index of backups before iOS 10. A record with a bad length makes everything behind it unreadable; what came
 * before is kept.
 * @throws AppError `backupDamaged` if it is no mbdb at all.
 */
export function parseManifestMbdb(bytes: Buffer): ManifestMbdb {
  if (!bytes.subarray(0, HEADER.length).equals(HEADER)) {
    throw new AppError('backupDamaged', `Manifest.mbdb begins with ${bytes.subarray(0, 6).toString('hex')}`);
  }
  const files: BackupFile[] = [];
  const cursor = new Cursor(bytes, HEADER.length);
  while (cursor.offset < bytes.length) {
    const start = cursor.offset;
    try {
      files.push(record(cursor));
    } catch {
      // The bytes end inside the record.
      return { files, damagedAt: start };
    }
  }
  return { files };
}

function record(cursor: Cursor): BackupFile {
  const domain = cursor.text();
  const relativePath = cursor.text();
  const linkTarget = cursor.data();
  const digest = cursor.data();
  const encryptionKey = cursor.data();
  const mode = cursor.uint(2);
  const inode = cursor.uint64();
  const userID = cursor.uint(4);
  const groupID = cursor.uint(4);
  const [modified, changed, born] = [cursor.uint(4), cursor.uint(4), cursor.uint(4)];
  const size = Number(cursor.uint64());
  const protectionClass = cursor.uint(1);
  for (let left = cursor.uint(1); left > 0; left--) {
    cursor.data();
    cursor.data();
  }
  const kind = kindOfMode(mode) ?? 'file';
  return {
    fileID: fileID(domain, relativePath),
    domain,
    relativePath,
    kind,
    size: kind === 'file' ? size : 0,
    mode,
    modified,
    changed,
    born,
    userID,
    groupID,
    inode,
    protectionClass,
    flags: 0,
    ...(encryptionKey.length > 0 ? { encryptionKey } : {}),
    ...(digest.length > 0 ? { digest } : {}),
    ...(kind === 'link' ? { linkTarget: linkTarget.toString('utf8') } : {}),
  };
}

/** Reads big-endian fields in turn. @throws RangeError at the end of the bytes. */
class Cursor {
  constructor(
    private readonly bytes: Buffer,
    public offset: number,
  ) {}

  uint(length: 1 | 2 | 4): number {
    return this.take(length).readUIntBE(0, length);
  }

  uint64(): bigint {
    return this.take(8).readBigUInt64BE();
  }

  /** Absent and empty are alike. */
  data(): Buffer {
    const length = this.uint(2);
    return length === ABSENT ? Buffer.alloc(0) : this.take(length);
  }

  text(): string {
    return this.data().toString('utf8');
  }

  private take(length: number): Buffer {
    const end = this.offset + length;
    if (end > this.bytes.length) throw new RangeError(`record ends at ${end} of ${this.bytes.length}`);
    const taken = this.bytes.subarray(this.offset, end);
    this.offset = end;
    return taken;
  }
}
