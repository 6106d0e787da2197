import { abortable } from '../../base/abort';
import { dict, encodeXmlPlist, isDict } from '../../plist';
import type { Log } from '../../base/log';
import type { TrustedDevice } from '../lockdown/trustedDevice';
import { AfcClient } from '../services/afcClient';
import type { BackupStore } from './backupStore';
import { DeviceJob, type JobOptions } from './deviceJob';
import { LoopFacts } from './loopFacts';
import { openMobileBackup2 } from './openMobileBackup2';
import { readOnlyStore } from './readOnlyStore';
import { readStorePlist } from './readStorePlist';
import { serveRequest } from './serveRequest';
import { settledWithin } from './settledWithin';
import { SyncLock } from './syncLock';
import { withSyncLock } from './withSyncLock';

const FOLDER = '/iTunesRestore';
const APPLICATIONS_FILE = `${FOLDER}/RestoreApplications.plist`;
/** The device asks for files all the time until it has them; then it is silent while it puts them in place. */
const SILENCE_MS = 10_000;
/** In bytes; what the common tools write at once. */
const BLOCK = 64 * 1024;
const CLEAN_UP_MS = 5_000;

export interface RestoreOptions {
  /** Also settings and other parts of the system: what Finder does. */
  readonly systemFiles: boolean;
  /** The settings that the device has now stay. */
  readonly keepSettings: boolean;
  /** What is on the device and not in the backup is removed. */
  readonly removeOthers: boolean;
  readonly restart: boolean;
}

export interface RestoreJobOptions extends JobOptions {
  /** The folder's name in the store's root: the UDID of the backed-up device, which may be another one. */
  readonly sourceIdentifier: string;
  readonly restore: RestoreOptions;
  /** Of an encrypted backup. */
  readonly password?: string;
  /**
   * Resolves when the device has gone and come back; called after success if it restarts. Listen before: it may be gone
   * when this is called. What it throws, also on abort, fails nothing: the restore has succeeded.
   */
  readonly waitForRestart?: (signal: AbortSignal) => Promise<void>;
}

/** The device has taken the backup. */
export interface RestoreResult {
  /** Sent in this run. */
  readonly files: number;
  readonly bytes: number;
  /** Whether it has been seen to restart; undefined if nobody was to look. */
  readonly restarted: boolean | undefined;
}

/**
 * Restores a backup to a device. The backup is only read: whatever the device wants to write there is refused. What was
 * put on the device beside the backup (the list of apps) is removed when it fails.
 * @throws AppError `cancelled`, `cancelledOnDevice`, `wrongPassword`, `findMyOn`, `deviceDiskFull`, `versionNotCompatible`,
 * `deviceNeedsRestart`, `backupDamaged`, `passcodeNotEntered`, `deviceBusy`, `deviceGone`, `deviceStopped` …
 */
export async function restore(
  device: TrustedDevice,
  store: BackupStore,
  options: RestoreJobOptions,
): Promise<RestoreResult> {
  await using job = await DeviceJob.start(device, options);
  try {
    await runRestore(device, readOnlyStore(store), job, options);
  } catch (error) {
    throw job.stop.explain(error);
  }
  const { files, bytes } = job.progress;
  return { files, bytes, restarted: await seeRestart(job, options) };
}

/** The restore has succeeded whatever is seen from here. */
async function seeRestart(
  job: DeviceJob,
  { log, restore: { restart }, waitForRestart }: RestoreJobOptions,
): Promise<boolean | undefined> {
  if (!restart || !waitForRestart) return undefined;
  job.progress.enter('restarting');
  await job.leaveDevice();
  try {
    await waitForRestart(job.stop.signal);
    return true;
  } catch (error) {
    log.info(`the device has not been seen to restart: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}

async function runRestore(
  device: TrustedDevice,
  store: BackupStore,
  job: DeviceJob,
  { log, sourceIdentifier, restore: wanted, password }: RestoreJobOptions,
): Promise<void> {
  const { progress, notifications } = job;
  const { signal } = job.stop;
  await using afc = await AfcClient.open(device, signal);
  const link = await openMobileBackup2(device, signal, log);
  let silence: NodeJS.Timeout | undefined;
  try {
    const lock = await SyncLock.acquire({ afc, notifications, progress, log, signal });
    await withSyncLock(lock, link, async () => {
      await using applications = await PlacedApplications.place(afc, store, { sourceIdentifier, log, signal });
      progress.enter('preparing');
      const request = dict({
        MessageName: 'Restore',
        TargetIdentifier: device.udid,
        SourceIdentifier: sourceIdentifier,
        Options: dict({
          RestoreSystemFiles: wanted.systemFiles,
          RestoreShouldReboot: wanted.restart,
          // The device need not keep a copy of what it had: that would take the room of a second backup on this computer.
          RestoreDontCopyBackup: true,
          RestorePreserveSettings: wanted.keepSettings,
          RemoveItemsNotRestored: wanted.removeOthers,
          Password: password,
        }),
      });
      await serveRequest(request, {
        job,
        link,
        kind: 'restore',
        store,
        facts: new LoopFacts(),
        log,
        onWaiting() {
          if (progress.stage === 'sending') silence = setTimeout(() => progress.hint('moving'), SILENCE_MS);
        },
        onMessage(name) {
          clearTimeout(silence);
          // The first three are the plists and the index; what follows is content.
          if (name === 'DLMessageDownloadFiles' && progress.files >= 3) progress.enter('sending');
        },
      });
      applications.keep();
    });
  } finally {
    clearTimeout(silence);
    await link.disconnect();
  }
}

/** The list of apps that a restored device fetches from the App Store; taken back unless the restore succeeds. */
class PlacedApplications implements AsyncDisposable {
  #placed: boolean;

  private constructor(
    private readonly afc: AfcClient,
    placed: boolean,
  ) {
    this.#placed = placed;
  }

  /** Does nothing for a backup that knows no apps. */
  static async place(
    afc: AfcClient,
    store: BackupStore,
    { sourceIdentifier, log, signal }: { sourceIdentifier: string; log: Log; signal: AbortSignal },
  ): Promise<PlacedApplications> {
    const info = await readStorePlist(store, `${sourceIdentifier}/Info.plist`);
    const applications = info?.get('Applications');
    if (!isDict(applications)) {
      log.info('the backup has no list of apps');
      return new PlacedApplications(afc, false);
    }
    const placed = new PlacedApplications(afc, true);
    try {
      await abortable(afc.makeDirectory(FOLDER), signal);
      const file = await abortable(afc.openFile(APPLICATIONS_FILE, 'readWriteTruncate'), signal);
      const content = Buffer.from(encodeXmlPlist(applications));
      for (let at = 0; at < content.length; at += BLOCK) {
        await abortable(file.write(content.subarray(at, at + BLOCK)), signal);
      }
      await abortable(file.close(), signal);
    } catch (error) {
      await placed[Symbol.asyncDispose]();
      throw error;
    }
    return placed;
  }

  keep(): void {
    this.#placed = false;
  }

  /** Never fails. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#placed) return;
    this.#placed = false;
    const removing = async () => {
      await this.afc.remove(APPLICATIONS_FILE);
      await this.afc.remove(FOLDER);
    };
    await settledWithin(CLEAN_UP_MS, removing());
  }
}
