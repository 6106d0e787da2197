import type { BackupStore } from '../../src/device';
import { dict, encodeBinaryPlist } from '../../src/plist';
import { blobId, statusPlist, UDID } from './backupFolders';

export const [kept, changed, removed, added] = ['kept', 'changed', 'removed', 'added'].map(blobId) as [
  string,
  string,
  string,
  string,
];

/** Where a blob lies, as a device says it. */
export function blobPath(id: string): string {
  return `${UDID}/${id.slice(0, 2)}/${id}`;
}

/** The orders of an incremental backup, as a device gives them; `round` makes the contents differ. */
export async function incrementalRun(store: BackupStore, round = 1): Promise<void> {
  const date = new Date(Date.UTC(2024, 5, round));
  await store.writeFile(`${UDID}/Status.plist`, statusPlist(date, 'uploading'));
  await store.makeDirectory(`${UDID}/Snapshot/${added.slice(0, 2)}`);
  for (const id of [changed, added]) {
    await store.writeFile(`${UDID}/Snapshot/${id.slice(0, 2)}/${id}`, Buffer.from(`round ${round} of ${id}`));
  }
  const database = await store.create(`${UDID}/Snapshot/Manifest.db`);
  try {
    await database.write(Buffer.from('SQLite format 3\0'));
    await database.write(Buffer.from(`round ${round}`));
    await database.commit();
  } finally {
    await database.abort();
  }
  const lockdown = dict({ UniqueDeviceID: UDID, DeviceName: 'Test iPhone', ProductVersion: '18.2.1' });
  const manifest = encodeBinaryPlist(dict({ Version: '10.0', Date: date, IsEncrypted: false, Lockdown: lockdown }));
  await store.writeFile(`${UDID}/Snapshot/Manifest.plist`, manifest);
  await store.writeFile(`${UDID}/Status.plist`, statusPlist(date, 'moving'));
  for (const id of [changed, added]) await store.move(`${UDID}/Snapshot/${id.slice(0, 2)}/${id}`, blobPath(id));
  await store.move(`${UDID}/Snapshot/Manifest.plist`, `${UDID}/Manifest.plist`);
  await store.move(`${UDID}/Snapshot/Manifest.db`, `${UDID}/Manifest.db`);
  await store.remove(blobPath(removed));
  await store.remove(`${UDID}/Snapshot`);
  await store.writeFile(`${UDID}/Status.plist`, statusPlist(date, 'finished'));
}
