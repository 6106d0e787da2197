import path from 'node:path';
import { silentLog } from '../../base/log';
import { throwIfAborted } from '../../base/abort';
import type { Disposable } from '../../base/disposable';
import { listBackups } from '../catalogue/listBackups';
import { deleteBackupIf, type DeleteOptions } from './deleteBackup';
import { exists } from './folders';
import { layoutOf } from './layout';
import { nodeFileSystem } from './nodeFileSystem';
import { planRetention, type RetentionPlan, type RetentionPolicy } from './retention';

export type RetentionOptions = Pick<DeleteOptions, 'fileSystem' | 'signal' | 'log'>;

/**
 * What a policy would remove of one device's versions. Only versions that a commit has put aside may go: never the
 * current backup, an archive, a labelled or an unfinished one, or what another program has made.
 */
export async function previewRetention(
  folder: string,
  udid: string,
  policy: RetentionPolicy,
  options: RetentionOptions = {},
): Promise<RetentionPlan> {
  const { fileSystem = nodeFileSystem(), signal } = options;
  const { backups } = await listBackups([{ path: folder, kind: 'added' }], { fileSystem, signal });
  const versions = [];
  for (const backup of backups) {
    if (backup.udid !== udid || backup.date === undefined) continue;
    const automatic = await exists(fileSystem, path.join(layoutOf(folder).automatic, path.basename(backup.path)));
    const pinned = !automatic || backup.role !== 'version' || backup.label !== undefined || backup.state !== 'finished';
    // An unfinished or damaged one must not take the place of a good one in a rule.
    if (backup.state === 'finished')
      versions.push({
        path: backup.path,
        date: new Date(backup.date),
        pinned,
        ...(backup.productVersion !== undefined && { productVersion: backup.productVersion }),
      });
  }
  return planRetention(versions, policy);
}

export interface ApplyRetentionOptions extends RetentionOptions {
  /** What a person has seen in a preview and agreed to: nothing else goes, whatever the policy says by now. */
  readonly only?: readonly string[] | undefined;
  /** Keeps others from a version until disposed of, right before it goes; undefined: it is in use, so it stays. */
  readonly hold?: ((version: string) => Disposable | undefined) | undefined;
}

/**
 * Removes what previewRetention() says, oldest first. Each is looked at again under the lock before it goes: it may have got a
 * label meanwhile, or the backup that made it superfluous may be gone.
 * @returns what went
 */
export async function applyRetention(
  folder: string,
  udid: string,
  policy: RetentionPolicy,
  { only, hold, ...options }: ApplyRetentionOptions = {},
): Promise<readonly string[]> {
  const { log = silentLog } = options;
  const gone: string[] = [];
  const { remove } = await previewRetention(folder, udid, policy, options);
  for (const version of remove) {
    if (only && !only.includes(version)) continue;
    throwIfAborted(options.signal);
    const held = hold?.(version);
    if (hold && !held) {
      log.info(`${version} is in use; it stays for now`);
      continue;
    }
    try {
      const stillSuperfluous = async () => {
        const plan = await previewRetention(folder, udid, policy, options);
        if (plan.remove.includes(version)) log.info(`retention removes ${version}`);
        return plan.remove.includes(version);
      };
      if (await deleteBackupIf(version, stillSuperfluous, options)) gone.push(version);
    } finally {
      held?.dispose();
    }
  }
  return gone;
}
