import { isAppError } from '../../base/errors';
import { ReadOnlyDatabase } from '../format/readOnlyDatabase';
import type { BackupFile } from '../format/backupFile';
import type { Selection } from './extract';
import type { OpenedBackup } from './openedBackup';

/** Things that people want out of a backup, wherever they lie in it. */
export type ExtractKind = 'photos' | 'messages' | 'contacts' | 'voiceMemos' | 'voicemail';

const withLog = (domain: string, relativePath: string): readonly Selection[] =>
  ['', '-wal', '-shm'].map((ending) => ({ domain, relativePath: relativePath + ending }));

/** Where each kind lies. Parts that a backup lacks are passed over. */
export const kindSelections: Readonly<Record<ExtractKind, readonly Selection[]>> = {
  photos: [
    { domain: 'CameraRollDomain', relativePath: 'Media/DCIM' },
    // Originals that came from iCloud, and edits.
    { domain: 'CameraRollDomain', relativePath: 'Media/PhotoData/CPLAssets' },
    { domain: 'CameraRollDomain', relativePath: 'Media/PhotoData/Mutations' },
  ],
  messages: [
    ...withLog('HomeDomain', 'Library/SMS/sms.db'),
    { domain: 'MediaDomain', relativePath: 'Library/SMS/Attachments' },
  ],
  contacts: [
    ...withLog('HomeDomain', 'Library/AddressBook/AddressBook.sqlitedb'),
    ...withLog('HomeDomain', 'Library/AddressBook/AddressBookImages.sqlitedb'),
  ],
  voiceMemos: [{ domain: 'MediaDomain', relativePath: 'Media/Recordings' }],
  voicemail: [{ domain: 'HomeDomain', relativePath: 'Library/Voicemail' }],
};

const APPLE_EPOCH = 978_307_200;

/**
 * When each photo was taken, as the photo library of the backup says: the files' own dates are those of their copying.
 * Without a library, or with one of an unknown form, the result knows no date.
 * @returns Unix seconds of a file; undefined if not known.
 */
export async function photoDates(backup: OpenedBackup): Promise<(file: BackupFile) => number | undefined> {
  const dates = new Map<string, number>();
  try {
    const { file } = backup.stat('CameraRollDomain', 'Media/PhotoData/Photos.sqlite');
    if (!file) return () => undefined;
    const library = await ReadOnlyDatabase.open(backup.openContent(file));
    try {
      // The table was renamed with iOS 14.
      const table = library.first("SELECT name FROM sqlite_schema WHERE name IN ('ZASSET', 'ZGENERICASSET')")?.[0];
      if (typeof table !== 'string') return () => undefined;
      const sql = `SELECT ZDIRECTORY, ZFILENAME, ZDATECREATED FROM ${table} WHERE ZDATECREATED IS NOT NULL`;
      for (const [folder, name, date] of library.rows(sql)) {
        if (typeof folder !== 'string' || typeof name !== 'string' || typeof date !== 'number') continue;
        dates.set(`Media/${folder}/${name}`, Math.trunc(date + APPLE_EPOCH));
      }
    } finally {
      library.close();
    }
  } catch (error) {
    if (!isAppError(error) || error.code === 'passwordNeeded') throw error;
  }
  return ({ domain, relativePath }) => (domain === 'CameraRollDomain' ? dates.get(relativePath) : undefined);
}
