import { throwIfAborted } from '../../base/abort';
import { AppError } from '../../base/errors';
import type { BackupFile } from '../format/backupFile';
import { type ByteSource, DecryptedSource } from '../format/byteSource';
import type { OpenedBackup } from '../reader/openedBackup';

/** Larger files prove no more, and take long. */
const MAX_SIZE = 32 << 20;
/** Rows looked at for files of each class: enough to meet every class that a phone uses. */
const MAX_ROWS = 50_000;
const TURN = 200;
const CHUNK = 1 << 20;

export interface SampleOptions {
  /** Files of each protection class. */
  readonly perClass: number;
  /** File IDs of contents that may be missing or cut short: they are no part of the sample. */
  readonly excused?: ReadonlySet<string>;
  /** Where a content lies, if not all of them lie in the backup's folder; undefined for one that is missing. */
  readonly locate?: (fileID: string) => Promise<string | undefined>;
  readonly signal?: AbortSignal;
}

/**
 * Decrypts a few files of every protection class to their end: the keys fit, and the padding is whole.
 * @returns how many were decrypted.
 * @throws AppError `fileDamaged`, `fileNotFound`, `cancelled`
 */
export async function decryptSample(
  backup: OpenedBackup,
  { perClass, excused, locate, signal }: SampleOptions,
): Promise<number> {
  const taken = new Map<number, number>();
  const buffer = Buffer.allocUnsafe(CHUNK);
  let rows = 0;
  try {
    for (const entry of backup.manifest.entries()) {
      if (++rows > MAX_ROWS) break;
      if (rows % TURN === 0) {
        throwIfAborted(signal);
        await new Promise(setImmediate);
      }
      if (!entry.ok || !isSample(entry.file) || excused?.has(entry.file.fileID)) continue;
      const { protectionClass } = entry.file;
      const count = taken.get(protectionClass) ?? 0;
      if (count >= perClass) continue;
      taken.set(protectionClass, count + 1);
      const place = await locate?.(entry.file.fileID);
      if (locate && place === undefined) throw new AppError('fileNotFound', `${entry.file.fileID} is missing`);
      decrypt(backup.openContent(entry.file, place), entry.file, buffer);
    }
  } finally {
    buffer.fill(0);
  }
  return [...taken.values()].reduce((sum, count) => sum + count, 0);
}

function isSample({ kind, size, encryptionKey }: BackupFile): boolean {
  return kind === 'file' && size > 0 && size <= MAX_SIZE && encryptionKey !== undefined;
}

function decrypt(content: ByteSource, file: BackupFile, buffer: Buffer): void {
  try {
    if (content instanceof DecryptedSource && content.damage) {
      throw new AppError('fileDamaged', `${file.fileID} does not decrypt (${content.damage})`);
    }
    for (let offset = 0; offset < content.size;) {
      const count = content.read(buffer, offset);
      if (count === 0) throw new AppError('fileDamaged', `${file.fileID} ends at ${offset} of ${content.size} bytes`);
      offset += count;
    }
  } finally {
    content.close();
  }
}
