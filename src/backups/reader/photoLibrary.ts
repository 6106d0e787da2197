import { throwIfAborted } from '../../base/abort';
import { isAppError } from '../../base/errors';
import { ReadOnlyDatabase } from '../format/readOnlyDatabase';
import type { OpenedBackup } from './openedBackup';
import { Turns } from './turns';

const DOMAIN = 'CameraRollDomain';
const APPLE_EPOCH = 978_307_200;
/** Where originals lie. What others share and what was sent in messages is no photo of this person's. */
const ORIGINALS = /^Media\/(?:DCIM|PhotoData\/CPLAssets)\//;

/** A photo or video as the library knows it. */
export interface PhotoAsset {
  /** Inside CameraRollDomain. */
  readonly relativePath: string;
  /** Unix seconds. */
  readonly takenAt?: number;
}

export interface PhotoCount {
  /** Photos and videos that the library lists. */
  readonly listed: number;
  /** Of these, whose originals are in the backup. The others are in iCloud. */
  readonly here: number;
}

/**
 * Calls `take` with everything that the photo library of the backup lists. Does nothing without a library, or with one of
 * an unknown or damaged form.
 * @throws AppError `passwordNeeded`, `cancelled`; what `take` throws
 */
export async function readPhotoLibrary(
  backup: OpenedBackup,
  take: (asset: PhotoAsset) => void,
  signal?: AbortSignal,
): Promise<void> {
  const turns = new Turns(signal);
  try {
    const { file } = backup.stat(DOMAIN, 'Media/PhotoData/Photos.sqlite');
    if (!file) return;
    const library = await ReadOnlyDatabase.open(backup.openContent(file));
    try {
      // The table was renamed with iOS 14.
      const table = library.first("SELECT name FROM sqlite_schema WHERE name IN ('ZASSET', 'ZGENERICASSET')")?.[0];
      if (typeof table !== 'string') return;
      for (const [folder, name, date] of library.rows(`SELECT ZDIRECTORY, ZFILENAME, ZDATECREATED FROM ${table}`)) {
        await turns.next();
        if (typeof folder !== 'string' || typeof name !== 'string') continue;
        const relativePath = `Media/${folder}/${name}`;
        take(typeof date === 'number' ? { relativePath, takenAt: Math.trunc(date + APPLE_EPOCH) } : { relativePath });
      }
    } finally {
      library.close();
    }
  } catch (error) {
    if (!isAppError(error) || error.code === 'passwordNeeded' || error.code === 'cancelled') throw error;
  }
}

/**
 * How many of the photos in the library are in the backup itself: with iCloud Photos and “Optimise Storage” often few are.
 * @returns undefined if the backup has no library that lists any
 */
export async function countPhotos(backup: OpenedBackup, signal?: AbortSignal): Promise<PhotoCount | undefined> {
  throwIfAborted(signal);
  const turns = new Turns(signal);
  const present = new Set<string>();
  for (const { relativePath, kind } of backup.manifest.namesOfDomain(DOMAIN)) {
    if (kind === 'file' && ORIGINALS.test(relativePath)) present.add(relativePath);
    await turns.next();
  }
  let listed = 0;
  let here = 0;
  const count = ({ relativePath }: PhotoAsset) => {
    if (!ORIGINALS.test(relativePath)) return;
    listed++;
    if (present.has(relativePath)) here++;
  };
  await readPhotoLibrary(backup, count, signal);
  return listed === 0 ? undefined : { listed, here };
}
