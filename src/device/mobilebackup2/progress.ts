/** What a running backup, restore or change of password is doing. */
export type DeviceStage =
  | 'starting' // connecting, session, services
  | 'waitingForLock' // another program syncs with the device
  | 'readingApps' // collecting what Info.plist says
  | 'waitingForPasscode' // a sheet is open on the device; a hint, not a state of the protocol
  | 'preparing' // the device scans; it can be silent for many minutes
  | 'receiving' // backup: files come in
  | 'sending' // restore: files go out
  | 'moving' // files are put in place
  | 'removing'
  | 'cancelling'
  | 'restarting';

export interface DeviceProgress {
  readonly stage: DeviceStage;
  /** 0..1 as the device estimates it; never falls; absent while it has not said. */
  readonly fraction?: number;
  /** Content received or sent. */
  readonly bytes: number;
  readonly files: number;
  /** Files with trouble that does not end the job. */
  readonly warnings: number;
}

export type ReportProgress = (progress: DeviceProgress) => void;

const REPORT_INTERVAL_MS = 100;

/** Keeps the numbers of one job; reports a new stage at once and everything else at most ten times a second. */
export class ProgressTracker {
  #stage: DeviceStage = 'starting';
  #hint: DeviceStage | undefined;
  #fraction: number | undefined;
  #bytes = 0;
  #files = 0;
  #warnings = 0;
  #batch: { readonly from: number; readonly to: number; readonly total: number; done: number } | undefined;
  #lastReport = 0;
  #timer: NodeJS.Timeout | undefined;
  #shown: DeviceStage | undefined;

  constructor(private readonly report: ReportProgress) {}

  get stage(): DeviceStage {
    return this.#stage;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get files(): number {
    return this.#files;
  }

  get warnings(): number {
    return this.#warnings;
  }

  /** Cancelling is the last stage, whatever the device still asks for. */
  enter(stage: DeviceStage): void {
    if (this.#stage === 'cancelling') return;
    this.#stage = stage;
    if (stage === 'cancelling') this.#hint = undefined;
    this.#changed();
  }

  /** Shown instead of the stage until taken back: the passcode sheet is known by hearsay only. */
  hint(stage: DeviceStage | undefined): void {
    if (this.#hint === stage || this.#stage === 'cancelling') return;
    this.#hint = stage;
    this.#changed();
  }

  /**
   * A message that the device says to reach `percent` of the whole (0..100) once it is served.
   * @param totalBytes The device's own estimate, which can be wrong either way; 0 for none.
   */
  beginBatch(percent: number | undefined, totalBytes = 0): void {
    const from = this.#fraction ?? 0;
    // Zero and below mean that it does not know.
    const known = percent !== undefined && percent > 0;
    this.#batch = { from, to: known ? Math.max(from, Math.min(1, percent / 100)) : from, total: totalBytes, done: 0 };
  }

  endBatch(): void {
    if (this.#batch) this.#raise(this.#batch.to);
    this.#batch = undefined;
    this.#changed();
  }

  addBytes(count: number): void {
    this.#bytes += count;
    const batch = this.#batch;
    if (batch && batch.total > 0) {
      batch.done += count;
      this.#raise(batch.from + (batch.to - batch.from) * Math.min(1, batch.done / batch.total));
    }
    this.#changed();
  }

  addFile(): void {
    this.#files++;
    this.#changed();
  }

  addWarning(): void {
    this.#warnings++;
    this.#changed();
  }

  /** Reports the last numbers and stays silent afterwards. */
  end(): void {
    this.#emit();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#lastReport = Infinity;
  }

  #raise(fraction: number): void {
    if (fraction > (this.#fraction ?? 0)) this.#fraction = fraction;
  }

  #changed(): void {
    if (this.#timer && this.#shown === (this.#hint ?? this.#stage)) return;
    if (this.#lastReport === Infinity) return;
    const wait = this.#lastReport + REPORT_INTERVAL_MS - performance.now();
    if (wait <= 0 || this.#shown !== (this.#hint ?? this.#stage)) {
      this.#emit();
    } else {
      this.#timer ??= setTimeout(() => this.#emit(), wait);
    }
  }

  #emit(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#lastReport = performance.now();
    this.#shown = this.#hint ?? this.#stage;
    this.report({
      stage: this.#shown,
      ...(this.#fraction === undefined ? {} : { fraction: this.#fraction }),
      bytes: this.#bytes,
      files: this.#files,
      warnings: this.#warnings,
    });
  }
}
