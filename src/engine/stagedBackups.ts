import path from 'node:path';
import { AppError } from '../base/errors';
import type { Log } from '../base/log';
import { openStaging, quickVerify, type StagedBackup, type Staging as StoreStaging } from '../backups';
import type { BackupSummary } from '../backups';
import type { CommitRequest, Staging, StagingRequest } from './ports';

export interface StagedBackupOptions {
  readonly log: Log;
  /** What is to be said of a backup that has just been put in its place. */
  readonly describe: (path: string) => Promise<BackupSummary>;
}

/** Opens the next backup of a device, whole-checked before it takes its place. */
export async function openStagedBackup(request: StagingRequest, options: StagedBackupOptions): Promise<Staging> {
  const staging = await open(request, options.log);
  return {
    store: staging.store,
    resumed: staging.resumed,
    incremental: staging.mode !== 'empty',
    close: () => staging.suspend(),
    async commit(commit) {
      const { path: place } = await staging.commit((staged) => check(staged, staging.mode === 'overlay', commit), {
        signal: commit.signal,
        onStage: (stage) => commit.report({ stage: stage === 'checking' ? 'checking' : 'committing' }),
      });
      return options.describe(place);
    },
  };
}

async function open({ folder, udid, full, fresh, report, signal }: StagingRequest, log: Log): Promise<StoreStaging> {
  const options = {
    folder,
    udid,
    signal,
    log,
    empty: full,
    // The count is of what is linked from the last backup, not of what has come from the device.
    onSeeded: () => report({ stage: 'seeding' }),
  };
  const staging = await openStaging(options);
  if (!fresh || !staging.resumed) return staging;
  await staging.discard();
  return openStaging(options);
}

/** @throws AppError `backupIncomplete` with the first fault as `details.file` and the number of them as `details.faults`. */
async function check(staged: StagedBackup, isOverlay: boolean, { skipped, signal }: CommitRequest): Promise<void> {
  const manifest = (await staged.locate('Manifest.db')) ?? (await staged.locate('Manifest.mbdb'));
  if (manifest === undefined) throw new AppError('backupIncomplete', 'there is no Manifest.db');
  const result = await quickVerify(path.dirname(manifest), { signal, ...(isOverlay && { tree: staged }) });
  const allowed = new Set(skipped.map((file) => file.split('/').slice(1).join('/')));
  const damages = result.findings.filter(({ severity }) => severity === 'damage');
  const excused = damages.filter(({ file }) => file !== undefined && allowed.has(file));
  const faults = result.damages - excused.length;
  if (faults === 0) return;
  const first = damages.find((finding) => !excused.includes(finding));
  const file = first?.file ?? '';
  throw new AppError(
    'backupIncomplete',
    `${faults} faults, the first: ${file}: ${first?.message ?? 'beyond the list'}`,
    {
      details: { faults, file },
    },
  );
}
