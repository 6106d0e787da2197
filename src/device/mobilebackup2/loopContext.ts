import type { Log } from '../../base/log';
import type { BackupStore } from './backupStore';
import type { DeviceLink } from './deviceLink';
import type { LoopFacts } from './loopFacts';
import type { ProgressTracker } from './progress';

/** What the handlers of the device's messages work with. */
export interface LoopContext {
  readonly link: DeviceLink;
  readonly store: BackupStore;
  readonly progress: ProgressTracker;
  readonly facts: LoopFacts;
  readonly log: Log;
  /** Aborted when the message in flight is to be given up in its middle; the connection is closed then. */
  readonly cut: AbortSignal;
}
