import { AppError } from '../../base/errors';
import type { Log } from '../../base/log';
import type { TrustedDevice } from '../lockdown/trustedDevice';
import { Heartbeat } from '../services/heartbeat';
import { keepAwake } from '../services/keepAwake';
import { Notification, NotificationProxy } from '../services/notificationProxy';
import { JobStop } from './jobStop';
import { ProgressTracker, type ReportProgress } from './progress';
import { SilenceWatch } from './silenceWatch';

/** What every job takes. */
export interface JobOptions {
  readonly log: Log;
  readonly signal?: AbortSignal;
  /** A new stage is reported at once, numbers at most ten times a second. */
  readonly report?: ReportProgress;
  /** A value in the backup domain changed on the device, such as WillEncrypt: read it again. */
  readonly onBackupSettingsChanged?: () => void;
}

/** After the user has cancelled on the device, it may still say so itself. */
const DEVICE_CANCEL_MS = 2_000;
const OBSERVED = [
  Notification.syncCancelRequest,
  Notification.syncSuspendRequest,
  Notification.syncResumeRequest,
  Notification.backupDomainChanged,
  Notification.passcodePresented,
  Notification.passcodeDismissed,
];

/**
 * What surrounds a request to mobilebackup2: the device's notifications, kept open from before the request to the end;
 * over Wi-Fi also its heartbeat and its staying awake.
 */
export class DeviceJob implements AsyncDisposable {
  readonly progress: ProgressTracker;
  readonly stop: JobStop;
  /** Told of every wait for the device's next message. */
  readonly silence: SilenceWatch;
  readonly #device: TrustedDevice;
  readonly #options: JobOptions;
  #notifications: NotificationProxy | undefined;
  #heartbeat: Heartbeat | undefined;
  #awake: AsyncDisposable | undefined;
  #cancelTimer: NodeJS.Timeout | undefined;

  private constructor(device: TrustedDevice, options: JobOptions) {
    this.#device = device;
    this.#options = options;
    this.progress = new ProgressTracker(options.report ?? (() => {}));
    this.stop = new JobStop(options.signal);
    this.silence = new SilenceWatch(device, options.log, (error) => this.stop.stop(error));
    const onStop = () => {
      if (this.stop.reason?.code !== 'deviceGone') this.progress.enter('cancelling');
    };
    this.stop.signal.addEventListener('abort', onStop, { once: true });
  }

  /** @throws AppError as TrustedDevice.startService(). */
  static async start(device: TrustedDevice, options: JobOptions): Promise<DeviceJob> {
    const job = new DeviceJob(device, options);
    try {
      job.progress.enter('starting');
      await job.#open();
      return job;
    } catch (error) {
      await job[Symbol.asyncDispose]();
      throw job.stop.explain(error);
    }
  }

  get notifications(): NotificationProxy {
    if (!this.#notifications) throw new Error('the job has not been started');
    return this.#notifications;
  }

  /** Ends all connections: for what is left to do without the device, or while it restarts. Never fails. */
  async leaveDevice(): Promise<void> {
    clearTimeout(this.#cancelTimer);
    await this.#notifications?.close();
    await this.#awake?.[Symbol.asyncDispose]();
    await this.#heartbeat?.close();
  }

  /** Never fails. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.stop[Symbol.dispose]();
    this.silence[Symbol.dispose]();
    await this.leaveDevice();
    this.progress.end();
  }

  async #open(): Promise<void> {
    const { log } = this.#options;
    const { signal } = this.stop;
    if (this.#device.connection === 'network') {
      // First of all: without it the device closes the other services.
      this.#heartbeat = await Heartbeat.start(this.#device, {
        log,
        signal,
        onLost: (error) =>
          this.stop.stop(new AppError('deviceGone', 'the device does not answer any more', { cause: error })),
      });
      this.#awake = await keepAwake(this.#device, 'Backup', { log, signal });
    }
    this.#notifications = await NotificationProxy.open(this.#device, {
      log,
      signal,
      onNotification: (name) => this.#onNotification(name),
      // The DeviceLink connection tells whether the device is still there; without notifications a job can end well.
      onClosed: () => log.warn('the device ended notification_proxy'),
    });
    await this.#notifications.observe(...OBSERVED);
  }

  #onNotification(name: string): void {
    switch (name) {
      case Notification.passcodePresented:
        return this.progress.hint('waitingForPasscode');
      case Notification.passcodeDismissed:
        return this.progress.hint(undefined);
      case Notification.backupDomainChanged:
        return this.#options.onBackupSettingsChanged?.();
      case Notification.syncCancelRequest:
        this.#options.log.info('the user cancelled on the device');
        this.progress.enter('cancelling');
        this.#cancelTimer ??= setTimeout(
          () => this.stop.stop(new AppError('cancelledOnDevice', 'the user cancelled on the device')),
          DEVICE_CANCEL_MS,
        );
        return;
      default:
        this.#options.log.debug(`notification: ${name}`);
    }
  }

  /** True once the user has cancelled on the device; what it says afterwards is only the consequence. */
  get cancelledOnDevice(): boolean {
    return this.#cancelTimer !== undefined;
  }
}
