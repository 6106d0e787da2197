import { AppError } from '../../base/errors';
import { dict, encodeXmlPlist } from '../../plist';
import type { TrustedDevice } from '../lockdown/trustedDevice';
import { AfcClient } from '../services/afcClient';
import type { BackupStore } from './backupStore';
import { DeviceJob, type JobOptions } from './deviceJob';
import { readInfoPlist } from './infoPlist';
import { LoopFacts, type SkippedFile } from './loopFacts';
import { openMobileBackup2 } from './openMobileBackup2';
import { readStorePlist } from './readStorePlist';
import { serveRequest } from './serveRequest';
import { SyncLock } from './syncLock';
import { withSyncLock } from './withSyncLock';

export interface BackUpOptions extends JobOptions {
  /** Asks for everything, also what an earlier backup already holds. Without it the device decides. */
  readonly full?: boolean;
  /** The model's name for Info.plist, such as `iPhone 15 Pro`. */
  readonly productName?: string;
}

/** The device is satisfied. Whether the folder really holds a whole backup is the caller's to check. */
export interface BackUpResult {
  /** Received in this run. */
  readonly files: number;
  readonly bytes: number;
  /** Files that the device could not read, at most 1,000 of them by name. */
  readonly skipped: readonly SkippedFile[];
  readonly skippedCount: number;
  /** All contents among them, by their file IDs; at most 250,000. */
  readonly skippedContents: ReadonlySet<string>;
  /** From Status.plist; undefined if it does not tell. */
  readonly full: boolean | undefined;
  /** The device encrypts its backups (WillEncrypt), as it said before this one. */
  readonly encrypted: boolean;
}

/**
 * Backs up a device into `<UDID>/` of the store: all that Finder does, in its order. The sync lock and the device's
 * notifications are released on every way out; after `options.signal` aborts the device is left cleanly, which takes
 * seconds at most.
 * @throws AppError `cancelled`, `cancelledOnDevice`, `deviceBusy`, `passcodeNotEntered`, `hostDiskFull` (details
 * `freeBytes`, `neededBytes` where known), `deviceGone`, `deviceStopped`, `backupIncomplete` (it has sent nothing new),
 * `deviceReportedError` and the other answers of the device (details `number`, `description`), and what the store throws.
 */
export async function backUp(device: TrustedDevice, store: BackupStore, options: BackUpOptions): Promise<BackUpResult> {
  await using job = await DeviceJob.start(device, options);
  try {
    return await runBackup(device, store, job, options);
  } catch (error) {
    throw job.stop.explain(error);
  }
}

async function runBackup(
  device: TrustedDevice,
  store: BackupStore,
  job: DeviceJob,
  { log, full = false, productName }: BackUpOptions,
): Promise<BackUpResult> {
  const { progress, notifications } = job;
  const { signal } = job.stop;
  const { udid } = device;
  const willEncrypt = await device.getValue('com.apple.mobile.backup', 'WillEncrypt', signal);
  await using afc = await AfcClient.open(device, signal);
  const link = await openMobileBackup2(device, signal, log);
  const facts = new LoopFacts();
  try {
    const lock = await SyncLock.acquire({ afc, notifications, progress, log, signal });
    await withSyncLock(lock, link, async () => {
      progress.enter('readingApps');
      const info = await readInfoPlist(device, {
        afc,
        log,
        signal,
        now: new Date(),
        ...(productName === undefined ? {} : { productName }),
      });
      await store.writeFile(`${udid}/Info.plist`, Buffer.from(encodeXmlPlist(info)));
      const before = await readStatus(store, udid);
      progress.enter('preparing');
      const request = dict({
        MessageName: 'Backup',
        TargetIdentifier: udid,
        SourceIdentifier: udid,
        Options: full ? dict({ ForceFullBackup: true }) : undefined,
      });
      await serveRequest(request, { job, link, kind: 'backup', store, facts, log });
      if (before !== undefined && (await readStatus(store, udid)) === before) {
        throw new AppError('backupIncomplete', 'the device says that it is done, and has sent no new Status.plist');
      }
    });
  } finally {
    await link.disconnect();
  }
  return {
    files: progress.files,
    bytes: progress.bytes,
    skipped: facts.skipped,
    skippedCount: facts.skippedCount,
    skippedContents: facts.skippedContents,
    full: await readIsFull(store, udid),
    encrypted: willEncrypt === true,
  };
}

/** What differs after every run: a folder that began as the last backup would pass for a new one without it. */
async function readStatus(store: BackupStore, udid: string): Promise<string | undefined> {
  const status = await readStorePlist(store, `${udid}/Status.plist`);
  return status && JSON.stringify(['UUID', 'Date', 'SnapshotState'].map((key) => status.get(key)));
}

async function readIsFull(store: BackupStore, udid: string): Promise<boolean | undefined> {
  const status = await readStorePlist(store, `${udid}/Status.plist`);
  const full = status?.get('IsFullBackup');
  return typeof full === 'boolean' ? full : undefined;
}
