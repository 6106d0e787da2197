import { AppError, isAppError, type ErrorCode } from '../../base/errors';
import type { Log } from '../../base/log';
import type { TrustedDevice } from '../lockdown/trustedDevice';

/** After so much silence between two messages, and again and again after that, the device is asked whether it is there. */
const QUIET_MS = 2 * 60_000;
/** How long an answer may take. */
const ANSWER_MS = 45_000;
/** A single question can be lost. */
const QUESTIONS = 2;
/** Nobody answers. Every other failure is an answer. */
const ABSENT: ReadonlySet<ErrorCode> = new Set(['deviceGone', 'deviceNotFound', 'noDevice', 'timedOut', 'cancelled']);

/**
 * Tells a device that prepares from one that has left without a word. A phone may be silent for half an hour between two
 * messages; its lockdown answers all the same. One that does not answer there either is gone: out of reach, or with a
 * connection that nobody has ended.
 */
export class SilenceWatch implements Disposable {
  readonly #device: TrustedDevice;
  readonly #log: Log;
  readonly #onLost: (error: AppError) => void;
  readonly #quietMs: number;
  readonly #answerMs: number;
  readonly #end = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #since = 0;
  #asking = false;

  constructor(device: TrustedDevice, log: Log, onLost: (error: AppError) => void) {
    const { silenceMs = Infinity } = device;
    this.#device = device;
    this.#log = log;
    this.#onLost = onLost;
    this.#quietMs = Math.min(QUIET_MS, silenceMs);
    this.#answerMs = Math.min(ANSWER_MS, silenceMs);
    this.#timer = setInterval(() => void this.#look(), this.#quietMs / 4).unref();
  }

  /** We wait for the device from now on. */
  begins(): void {
    this.#since = performance.now();
  }

  /** It has said something. */
  ends(): void {
    this.#since = 0;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#end.abort();
  }

  async #look(): Promise<void> {
    const since = this.#since;
    if (this.#asking || since === 0 || performance.now() - since < this.#quietMs) return;
    this.#asking = true;
    const answered = await this.#answers();
    this.#asking = false;
    // Whoever has spoken meanwhile is there.
    if (this.#end.signal.aborted || this.#since !== since) return;
    if (answered) {
      this.begins();
      return;
    }
    const seconds = Math.round((performance.now() - since) / 1000);
    this.#onLost(new AppError('deviceGone', `silent for ${seconds} s, and lockdown does not answer either`));
  }

  async #answers(): Promise<boolean> {
    for (let asked = 0; asked < QUESTIONS && !this.#end.signal.aborted; asked++) {
      try {
        const limit = AbortSignal.any([this.#end.signal, AbortSignal.timeout(this.#answerMs)]);
        await this.#device.getValue(undefined, 'UniqueDeviceID', limit);
        return true;
      } catch (error) {
        if (!isAppError(error) || !ABSENT.has(error.code)) return true;
        this.#log.info(`the device is silent; asked whether it is there: ${error.message}`);
      }
    }
    return false;
  }
}
