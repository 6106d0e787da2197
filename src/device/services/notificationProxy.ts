import { isAppError } from '../../base/errors';
import type { Log } from '../../base/log';
import { dict } from '../../plist';
import { dictOf, shown } from '../lockdown/dictOf';
import { PlistChannel } from '../lockdown/plistChannel';
import type { TrustedDevice } from '../lockdown/trustedDevice';

const SERVICE = 'com.apple.mobile.notification_proxy';
/** How long the device may take to confirm the end. */
const FAREWELL_MS = 1_000;

/** Names that matter around a backup. */
export const Notification = {
  // The host posts these.
  syncWillStart: 'com.apple.itunes-mobdev.syncWillStart',
  syncLockRequest: 'com.apple.itunes-mobdev.syncLockRequest',
  syncDidStart: 'com.apple.itunes-mobdev.syncDidStart',
  syncFailedToStart: 'com.apple.itunes-mobdev.syncFailedToStart',
  syncDidFinish: 'com.apple.itunes-mobdev.syncDidFinish',
  // The device sends these to those who observe them.
  syncCancelRequest: 'com.apple.itunes-client.syncCancelRequest',
  syncSuspendRequest: 'com.apple.itunes-client.syncSuspendRequest',
  syncResumeRequest: 'com.apple.itunes-client.syncResumeRequest',
  backupDomainChanged: 'com.apple.mobile.backup.domain_changed',
  passcodePresented: 'com.apple.LocalAuthentication.ui.presented',
  passcodeDismissed: 'com.apple.LocalAuthentication.ui.dismissed',
} as const;

export interface NotificationEvents {
  onNotification?(name: string): void;
  /** The device or the connection has ended it; not called after close(). */
  onClosed?(error: unknown): void;
}

/** Posts notifications on the device and hears those that it observes there. Open as long as it is needed: no idle limit. */
export class NotificationProxy implements AsyncDisposable {
  readonly #channel: PlistChannel;
  readonly #log: Log;
  readonly #events: NotificationEvents;
  readonly #listening: Promise<void>;
  #closing = false;

  private constructor(channel: PlistChannel, log: Log, events: NotificationEvents) {
    this.#channel = channel;
    this.#log = log;
    this.#events = events;
    this.#listening = this.#listen();
  }

  /** @throws AppError as TrustedDevice.startService(). */
  static async open(
    device: TrustedDevice,
    { log, signal, ...events }: NotificationEvents & { readonly log: Log; readonly signal?: AbortSignal | undefined },
  ): Promise<NotificationProxy> {
    const stream = await device.startService(SERVICE, {}, signal);
    return new NotificationProxy(new PlistChannel(stream, 'notification_proxy'), log, events);
  }

  /** The device does not confirm it: observe before the action whose notifications you want. */
  async observe(...names: readonly string[]): Promise<void> {
    for (const name of names) await this.#channel.send(dict({ Command: 'ObserveNotification', Name: name }));
  }

  /** @throws AppError `deviceGone`. */
  async post(name: string): Promise<void> {
    this.#log.debug(`notification_proxy: post ${name}`);
    await this.#channel.send(dict({ Command: 'PostNotification', Name: name }));
  }

  /** Lets the device deliver what was posted, then ends the connection. Never fails. */
  async close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      const timer = setTimeout(() => this.#channel.stream.abort(), FAREWELL_MS);
      await this.#channel.send(dict({ Command: 'Shutdown' })).catch(() => {});
      await this.#listening;
      clearTimeout(timer);
    }
    await this.#channel.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #listen(): Promise<void> {
    try {
      for (;;) {
        const message = dictOf(await this.#channel.receive({ timeoutMs: Infinity }));
        const command = message.get('Command');
        if (command === 'ProxyDeath') break;
        const name = message.get('Name');
        if (command === 'RelayNotification' && typeof name === 'string') this.#deliver(name);
        else this.#log.debug(`notification_proxy: message ${shown(command)} left aside`);
      }
      if (!this.#closing) this.#events.onClosed?.(undefined);
    } catch (error) {
      if (this.#closing) return;
      if (!isAppError(error, 'deviceGone')) this.#log.warn(`notification_proxy: ${String(error)}`);
      this.#events.onClosed?.(error);
    }
  }

  #deliver(name: string): void {
    if (this.#closing) return;
    this.#log.debug(`notification_proxy: ${name}`);
    this.#events.onNotification?.(name);
  }
}
