import { isMissing } from './diskErrors';
import type { FileSystem } from './fileSystem';
import { layoutOf } from './layout';
import { readJson, replaceSmallFile } from './smallFiles';

/** A commit that is decided: from the moment this note is on the disk, it will be completed whatever happens. */
export interface CommitJournal {
  readonly version: 1;
  readonly kind: 'swap' | 'merge';
  readonly udid: string;
  /** `createdAt` of the staging folder that it is about. */
  readonly stage: string;
  /** The name that the backup before gets; absent if there was none. */
  readonly versionName?: string;
  /** The new sidecar's id, if there is one. */
  readonly sidecar?: string;
}

export async function writeJournal(fileSystem: FileSystem, folder: string, journal: CommitJournal): Promise<void> {
  // Our own folder may be new as well.
  await fileSystem.syncDirectory(folder);
  await replaceSmallFile(fileSystem, layoutOf(folder).journal(journal.udid), JSON.stringify(journal));
}

export async function readJournal(
  fileSystem: FileSystem,
  folder: string,
  udid: string,
): Promise<CommitJournal | undefined> {
  const journal = (await readJson(fileSystem, layoutOf(folder).journal(udid))) as
    Partial<CommitJournal> | null | undefined;
  if (journal?.version !== 1 || journal.udid !== udid || (journal.kind !== 'swap' && journal.kind !== 'merge'))
    return undefined;
  return journal as CommitJournal;
}

export async function removeJournal(fileSystem: FileSystem, folder: string, udid: string): Promise<void> {
  const { journal, own } = layoutOf(folder);
  try {
    await fileSystem.removeFile(journal(udid));
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  await fileSystem.syncDirectory(own);
}
