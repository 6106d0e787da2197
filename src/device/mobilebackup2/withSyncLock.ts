import { AppError, isAppError } from '../../base/errors';
import type { DeviceLink } from './deviceLink';
import type { SyncLock } from './syncLock';

/**
 * Runs the part of a job that holds the sync lock, and lets go of lock and connection in the order that devices know:
 * unlock, syncDidFinish, goodbye.
 * @throws AppError `deviceStopped` for a connection that broke while the device still answers elsewhere.
 */
export async function withSyncLock<T>(lock: SyncLock, link: DeviceLink, work: () => Promise<T>): Promise<T> {
  let failure: { readonly error: unknown } | undefined;
  let result: T | undefined;
  try {
    result = await work();
  } catch (error) {
    failure = { error };
  }
  const answers = await lock.release();
  await link.disconnect();
  if (!failure) return result as T;
  if (isAppError(failure.error, 'deviceGone') && answers) {
    throw new AppError('deviceStopped', 'the device ended the connection without a result', { cause: failure.error });
  }
  throw failure.error;
}
