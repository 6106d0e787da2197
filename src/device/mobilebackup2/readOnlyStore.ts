import fs from 'node:fs/promises';
import os from 'node:os';
import { AppError } from '../../base/errors';
import type { BackupStore } from './backupStore';

/** Lets a device read a backup and nothing else: whatever it wants to write, move or remove is refused. */
export function readOnlyStore(store: BackupStore): BackupStore {
  return {
    openRead: (path) => store.openRead(path),
    list: (path) => store.list(path),
    freeSpace: () => store.freeSpace(),
    writeFile: refuse,
    create: refuse,
    makeDirectory: refuse,
    move: refuse,
    remove: refuse,
    copy: refuse,
  };
}

/** Holds nothing and takes nothing: for requests that are not about files, such as a change of password. */
export const emptyStore: BackupStore = readOnlyStore({
  openRead: () => Promise.reject(Object.assign(new Error('there is no file here'), { code: 'ENOENT' })),
  list: () => Promise.resolve([]),
  async freeSpace() {
    const { bavail, bsize } = await fs.statfs(os.homedir());
    return bavail * bsize;
  },
  writeFile: refuse,
  create: refuse,
  makeDirectory: refuse,
  move: refuse,
  remove: refuse,
  copy: refuse,
});

function refuse(): Promise<never> {
  return Promise.reject(new AppError('notAllowed', 'the device wanted to change files that it may only read'));
}
