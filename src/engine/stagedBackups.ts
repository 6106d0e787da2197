import path from 'node:path';
import { AppError, isAppError } from '../base/errors';
import type { Log } from '../base/log';
import {
  decryptSample,
  OpenedBackup,
  openStaging,
  quickVerify,
  readManifestPlist,
  type BackupSummary,
  type QuickVerifyResult,
  type StagedBackup,
  type Staging as StoreStaging,
} from '../backups';
import type { CommitRequest, Staging, StagingRequest } from './ports';

/** Files of each protection class that are decrypted when a new backup is checked with its password. */
const SAMPLE_PER_CLASS = 3;

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
      const { path: place } = await staging.commit(
        (staged) => check(staged, staging.mode === 'overlay', commit, options.log),
        {
          signal: commit.signal,
          onStage: (stage) => commit.report({ stage: stage === 'checking' ? 'checking' : 'committing' }),
        },
      );
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
async function check(staged: StagedBackup, isOverlay: boolean, commit: CommitRequest, log: Log): Promise<void> {
  const { skipped, signal } = commit;
  const manifest = (await staged.locate('Manifest.db')) ?? (await staged.locate('Manifest.mbdb'));
  if (manifest === undefined) throw new AppError('backupIncomplete', 'there is no Manifest.db');
  const folder = path.dirname(manifest);
  const opened = await unlock(folder, commit, log);
  try {
    const keybag = opened?.keybag;
    const options = { signal, ...(isOverlay && { tree: staged }), ...(keybag && { keybag }) };
    refuseFaults(await quickVerify(folder, options), skipped);
    // An overlay has no single folder whose contents could be opened.
    if (opened && !isOverlay) await refuseUndecryptable(opened, skipped, signal, log);
  } finally {
    opened?.close();
  }
}

/** An encrypted backup, opened as far as the password is known; undefined for one that needs none. */
async function unlock(folder: string, commit: CommitRequest, log: Log): Promise<OpenedBackup | undefined> {
  const { encrypted } = await readManifestPlist(folder).catch((error: unknown) => {
    if (isAppError(error, 'notABackup') || isAppError(error, 'backupDamaged')) throw incomplete(error);
    throw error;
  });
  if (commit.encrypted && !encrypted) {
    throw new AppError('backupIncomplete', 'the device encrypts its backups, but this one is not encrypted');
  }
  if (!encrypted || commit.password === undefined) return undefined;
  const opened = await OpenedBackup.open(folder);
  try {
    await opened.unlock(commit.password, commit.signal);
    return opened;
  } catch (error) {
    opened.close();
    if (!isAppError(error, 'wrongPassword')) throw isAppError(error, 'keybagDamaged') ? incomplete(error) : error;
    // The device has another password than the one that was remembered. Its backup is good all the same.
    log.warn('the password does not open the new backup; it is checked without');
    return undefined;
  }
}

/** @throws AppError `backupIncomplete` if a file of the sample does not decrypt with the password that opened the keybag. */
async function refuseUndecryptable(
  opened: OpenedBackup,
  skipped: readonly string[],
  signal: AbortSignal,
  log: Log,
): Promise<void> {
  try {
    log.info(`decrypted ${await decryptSample(opened, SAMPLE_PER_CLASS, signal)} files of the new backup`);
  } catch (error) {
    if (isAppError(error, 'fileNotFound') && skipped.length > 0) return;
    throw isAppError(error, 'fileDamaged') || isAppError(error, 'fileNotFound') ? incomplete(error) : error;
  }
}

function incomplete(error: AppError): AppError {
  return new AppError('backupIncomplete', error.message, { cause: error, details: error.details });
}

/** @param skipped What the device could not send is missing without being a fault. */
function refuseFaults({ findings, damages }: QuickVerifyResult, skipped: readonly string[]): void {
  const allowed = new Set(skipped.map((file) => file.split('/').slice(1).join('/')));
  const damage = findings.filter(({ severity }) => severity === 'damage');
  const excused = damage.filter(({ file }) => file !== undefined && allowed.has(file));
  const faults = damages - excused.length;
  if (faults === 0) return;
  const first = damage.find((finding) => !excused.includes(finding));
  const file = first?.file ?? '';
  throw new AppError(
    'backupIncomplete',
    `${faults} faults, the first: ${file}: ${first?.message ?? 'beyond the list'}`,
    {
      details: { faults, file },
    },
  );
}
