import type { ErrorCode } from '../../base/errors';
import type { EngineState, HistoryEntry } from '../../engine/protocol';

/** Everything the page is a function of. */
export interface PageFacts {
  readonly udid: string;
  /** Undefined until the engine has answered. */
  readonly engine: EngineState | undefined;
  /** Why the engine could not be started or found again. */
  readonly engineProblem?: ErrorCode;
  /** Where this device's backups go. */
  readonly folder: string;
  readonly automatic: { readonly on: boolean; readonly everyHours: number };
  readonly estimate?: {
    readonly neededBytes?: number;
    readonly freeBytes?: number;
    readonly deviceFreeBytes?: number;
  };
  /** Newest first. */
  readonly history: readonly HistoryEntry[];
  /** After so many days without a good backup the page says so; 0: never. */
  readonly reminderDays: number;
  /** Milliseconds since 1970: until then a person does not want to be reminded of this device. */
  readonly reminderQuietUntil?: number;
  /** What can be asked for in this window. */
  readonly can: { readonly openBackup: boolean; readonly restore: boolean };
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Of the computer with the cable. */
  readonly platform?: NodeJS.Platform;
}
