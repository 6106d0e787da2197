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
      let passwordOpens: boolean | undefined;
      const { path: place } = await staging.commit(
        async (staged) => {
          passwordOpens = await check(staged, staging.mode === 'overlay', commit, options.log);
        },
        {
          signal: commit.signal,
          onStage: (stage) => commit.report({ stage: stage === 'checking' ? 'checking' : 'committing' }),
        },
      );
      const summary = await options.describe(place);
      return passwordOpens === undefined ? summary : { ...summary, passwordOpens };
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

/**
 * @returns whether the password opens it; undefined if none is needed or none was given.
 * @throws AppError `backupIncomplete` with the first fault as `details.file` and the number of them as `details.faults`.
 */
async function check(
  staged: StagedBackup,
  isOverlay: boolean,
  commit: CommitRequest,
  log: Log,
): Promise<boolean | undefined> {
  const { skipped: excused, signal } = commit;
  const manifest = (await staged.locate('Manifest.db')) ?? (await staged.locate('Manifest.mbdb'));
  if (manifest === undefined) throw new AppError('backupIncomplete', 'there is no Manifest.db');
  const folder = path.dirname(manifest);
  const encrypted = await isEncrypted(folder);
  if (commit.encrypted && !encrypted) {
    throw new AppError('backupIncomplete', 'the device encrypts its backups, but this one is not encrypted');
  }
  const opened =
    encrypted && commit.password !== undefined ? await unlock(folder, commit.password, commit, log) : undefined;
  try {
    const keybag = opened?.keybag;
    // Through the staged backup: what is looked at here is not looked at again when its hashes are noted.
    const options = { signal, excused, tree: staged, ...(keybag && { keybag }) };
    refuseFaults(await quickVerify(folder, options));
    if (opened) await refuseUndecryptable(opened, isOverlay ? staged : undefined, commit, log);
  } finally {
    opened?.close();
  }
  return encrypted && commit.password !== undefined ? opened !== undefined : undefined;
}

async function isEncrypted(folder: string): Promise<boolean> {
  const { encrypted } = await readManifestPlist(folder).catch((error: unknown) => {
    if (isAppError(error, 'notABackup') || isAppError(error, 'backupDamaged')) throw incomplete(error);
    throw error;
  });
  return encrypted;
}

/** @returns undefined if the password is another one. @throws AppError `backupIncomplete`, `cancelled` */
async function unlock(
  folder: string,
  password: string,
  { signal }: CommitRequest,
  log: Log,
): Promise<OpenedBackup | undefined> {
  const opened = await OpenedBackup.open(folder);
  try {
    await opened.unlock(password, signal);
    return opened;
  } catch (error) {
    opened.close();
    if (!isAppError(error, 'wrongPassword')) throw isDamage(error) ? incomplete(error) : error;
    // The device has another password than the one that was remembered. Its backup is good all the same.
    log.warn('the password does not open the new backup; it is checked without');
    return undefined;
  }
}

/** @throws AppError `backupIncomplete` if a file of the sample does not decrypt with the password that opened the keybag. */
async function refuseUndecryptable(
  opened: OpenedBackup,
  overlay: StagedBackup | undefined,
  { skipped: excused, signal }: CommitRequest,
  log: Log,
): Promise<void> {
  // An overlay has no single folder that holds all contents.
  const locate = overlay && ((fileID: string) => overlay.locate(`${fileID.slice(0, 2)}/${fileID}`));
  try {
    const options = { perClass: SAMPLE_PER_CLASS, excused, signal, ...(locate && { locate }) };
    log.info(`decrypted ${await decryptSample(opened, options)} files of the new backup`);
  } catch (error) {
    throw isAppError(error, 'fileDamaged') || isAppError(error, 'fileNotFound') ? incomplete(error) : error;
  }
}

function isDamage(error: unknown): error is AppError {
  return isAppError(error, 'keybagDamaged') || isAppError(error, 'backupDamaged');
}

function incomplete(error: AppError): AppError {
  return new AppError('backupIncomplete', error.message, { cause: error, details: error.details });
}

function refuseFaults({ findings, damages: faults }: QuickVerifyResult): void {
  if (faults === 0) return;
  const first = findings.find(({ severity }) => severity === 'damage');
  const file = first?.file ?? '';
  throw new AppError(
    'backupIncomplete',
    `${faults} faults, the first: ${file}: ${first?.message ?? 'beyond the list'}`,
    {
      details: { faults, file },
    },
  );
}
