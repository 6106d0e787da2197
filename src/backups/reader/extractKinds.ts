import type { BackupFile } from '../format/backupFile';
import type { Selection } from './extract';
import type { OpenedBackup } from './openedBackup';
import { readPhotoLibrary } from './photoLibrary';

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

/**
 * When each photo was taken, as the photo library of the backup says: the files' own dates are those of their copying.
 * Without a library, or with one of an unknown form, the result knows no date.
 * @returns Unix seconds of a file; undefined if not known.
 */
export async function photoDates(
  backup: OpenedBackup,
): Promise<(file: Pick<BackupFile, 'domain' | 'relativePath'>) => number | undefined> {
  const dates = new Map<string, number>();
  await readPhotoLibrary(backup, ({ relativePath, takenAt }) => {
    if (takenAt !== undefined) dates.set(relativePath, takenAt);
  });
  return ({ domain, relativePath }) => (domain === 'CameraRollDomain' ? dates.get(relativePath) : undefined);
}
