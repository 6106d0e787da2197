import { AppError, isAppError } from '../../base/errors';
import type { Log } from '../../base/log';
import type { PlistDict } from '../../plist';
import type { BackupStore } from './backupStore';
import { errorOfResponse, type RequestKind } from './deviceErrors';
import type { DeviceJob } from './deviceJob';
import type { DeviceLink } from './deviceLink';
import type { LoopFacts } from './loopFacts';
import { runMessageLoop } from './messageLoop';

export interface ServeOptions {
  readonly job: DeviceJob;
  readonly link: DeviceLink;
  readonly kind: RequestKind;
  readonly store: BackupStore;
  readonly facts: LoopFacts;
  readonly log: Log;
  /** The connection waits for the device's next message. */
  readonly onWaiting?: () => void;
  readonly onMessage?: (name: string) => void;
}

/**
 * Sends a request and serves the device until it is satisfied.
 * @throws AppError what the device's final word means, `cancelledOnDevice`, or as runMessageLoop().
 */
export async function serveRequest(request: PlistDict, options: ServeOptions): Promise<void> {
  const { job, link, kind, store, facts, log, onWaiting, onMessage } = options;
  const { progress, stop } = job;
  await link.process(request);
  const serving = runMessageLoop({
    link,
    store,
    facts,
    progress,
    log,
    signal: stop.signal,
    onWaiting() {
      job.silence.begins();
      onWaiting?.();
    },
    onMessage(name) {
      job.silence.ends();
      // A device that goes on does not wait for its passcode, whatever it forgot to say.
      progress.hint(undefined);
      onMessage?.(name);
    },
  });
  const response = await serving.catch(async (error: unknown) => {
    // There is nobody to say goodbye to, and to try takes seconds.
    if (stop.reason?.code === 'deviceGone') await link.close();
    throw error;
  });
  const error = errorOfResponse(response, kind, facts);
  if (!error) return;
  if (job.cancelledOnDevice && !isAppError(error, 'cancelledOnDevice')) {
    throw new AppError('cancelledOnDevice', 'the user cancelled on the device', { cause: error });
  }
  throw error;
}
