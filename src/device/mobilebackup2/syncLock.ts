import { abortable, delay } from '../../base/abort';
import { AppError, isAppError } from '../../base/errors';
import type { Log } from '../../base/log';
import type { AfcClient, AfcFile } from '../services/afcClient';
import { Notification, type NotificationProxy } from '../services/notificationProxy';
import type { ProgressTracker } from './progress';
import { settledWithin } from './settledWithin';

const LOCK_FILE = '/com.apple.itunes.lock_sync';
const TRIES = 50;
const TRY_INTERVAL_MS = 200;
/** A device that does not answer any more must not hold up the end. */
const RELEASE_MS = 3_000;

export interface SyncLockOptions {
  readonly afc: AfcClient;
  readonly notifications: NotificationProxy;
  readonly progress: ProgressTracker;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * The device's lock against two computers or programs that sync at once. While it is held, the device shows that a sync
 * is in progress: release() belongs into every way out.
 */
export class SyncLock {
  private constructor(
    private readonly file: AfcFile,
    private readonly notifications: NotificationProxy,
    private readonly log: Log,
  ) {}

  /** @throws AppError `deviceBusy` after 10 s; `cancelled`, `deviceGone` … The device has been told then. */
  static async acquire({ afc, notifications, progress, log, signal }: SyncLockOptions): Promise<SyncLock> {
    let file: AfcFile | undefined;
    try {
      await notifications.post(Notification.syncWillStart);
      file = await abortable(afc.openFile(LOCK_FILE, 'readWriteCreate'), signal);
      await notifications.post(Notification.syncLockRequest);
      await lockWithRetries(file, progress, signal);
      await notifications.post(Notification.syncDidStart);
      return new SyncLock(file, notifications, log);
    } catch (error) {
      // Closing the file also takes back a lock that was obtained in the same moment.
      if (file) await settledWithin(RELEASE_MS, file.close());
      await settledWithin(RELEASE_MS, notifications.post(Notification.syncFailedToStart));
      throw error;
    }
  }

  /** Never fails, never takes more than 3 s. @returns whether the device still answered. */
  async release(): Promise<boolean> {
    let answered = false;
    const releasing = async () => {
      await this.file.lock('unlock');
      await this.file.close();
      await this.notifications.post(Notification.syncDidFinish);
      answered = true;
    };
    const inTime = await settledWithin(
      RELEASE_MS,
      releasing().catch((error: unknown) => {
        this.log.warn(`the sync lock could not be released: ${error instanceof Error ? error.message : String(error)}`);
        return this.notifications.post(Notification.syncDidFinish);
      }),
    );
    return inTime && answered;
  }
}

async function lockWithRetries(file: AfcFile, progress: ProgressTracker, signal: AbortSignal): Promise<void> {
  for (let tried = 1; ; tried++) {
    try {
      await abortable(file.lock('exclusive'), signal);
      return;
    } catch (error) {
      if (!isAppError(error, 'deviceBusy')) throw error;
      if (tried === TRIES) {
        throw new AppError('deviceBusy', 'another program holds the sync lock of the device', { cause: error });
      }
    }
    if (tried === 1) progress.enter('waitingForLock');
    await delay(TRY_INTERVAL_MS, signal);
  }
}
