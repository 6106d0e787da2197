import path from 'node:path';
import { AppError } from '../../base/errors';
import { silentLog, type Log } from '../../base/log';
import type { BackupStore } from '../../device';
import { diskFailure } from './diskErrors';
import type { FileSystem } from './fileSystem';
import { FolderStore } from './folderStore';
import { exists, makeDirectories, removeTree } from './folders';
import { nodeFileSystem } from './nodeFileSystem';
import { OverlayStore } from './overlayStore';
import { isUdid } from './pathInside';
import { Removals } from './removals';

export interface RestoreStoreOptions {
  /** The backup's folder, whatever its name. Never changed. */
  readonly path: string;
  /** The name that the device will use for it: the source identifier. */
  readonly udid: string;
  /** A new folder for what the device writes meanwhile; close() removes it. */
  readonly scratch: string;
  readonly fileSystem?: FileSystem | undefined;
  readonly log?: Log | undefined;
}

export interface RestoreStore extends AsyncDisposable {
  readonly store: BackupStore;
  readonly close: () => Promise<void>;
}

/** A finished backup for a device to read from. What the device writes, moves or removes happens beside it. */
export async function openRestoreStore(options: RestoreStoreOptions): Promise<RestoreStore> {
  const { path: base, udid, scratch, fileSystem = nodeFileSystem(), log = silentLog } = options;
  if (!isUdid(udid)) throw new AppError('unsafePath', `no UDID: ${JSON.stringify(udid)}`, { details: { path: udid } });
  try {
    if (!(await exists(fileSystem, path.join(base, 'Manifest.plist')))) {
      throw new AppError('notABackup', `${base} has no Manifest.plist`, { details: { path: base } });
    }
    const temporary = path.join(scratch, '.stage');
    await makeDirectories(fileSystem, temporary);
    const removals = await Removals.load(fileSystem, path.join(temporary, 'removed'));
    const layer = new FolderStore({ fileSystem, root: scratch, udid, temporary });
    const close = async () => {
      await removals.close();
      await removeTree(fileSystem, scratch).catch((error: unknown) => log.warn(`left in ${scratch}: ${String(error)}`));
    };
    return {
      store: new OverlayStore({ fileSystem, base, udid, layer, removals }),
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    throw diskFailure(error, { doing: 'open the backup', path: base });
  }
}
