import { isAppError } from '../../base/errors';
import type { Log } from '../../base/log';
import { dict, numberOf } from '../../plist';
import { dictOf, shown } from '../lockdown/dictOf';
import { PlistChannel } from '../lockdown/plistChannel';
import type { TrustedDevice } from '../lockdown/trustedDevice';

const SERVICE = 'com.apple.mobile.heartbeat';
/** Until the first Marco tells its interval. */
const FIRST_INTERVAL_S = 15;
const GRACE_S = 5;
/** A longer interval than any device has; the bound keeps a broken peer from switching the watch off. */
const MAX_INTERVAL_S = 300;

/**
 * Keeps a device's services open over Wi-Fi: it ends them when its heartbeat is not answered. Runs beside a job, from
 * before the first other service on.
 */
export class Heartbeat implements AsyncDisposable {
  readonly #channel: PlistChannel;
  readonly #log: Log;
  readonly #running: Promise<void>;
  #closing = false;

  private constructor(channel: PlistChannel, log: Log, onLost: (error: unknown) => void) {
    this.#channel = channel;
    this.#log = log;
    this.#running = this.#run(onLost);
  }

  /**
   * @param onLost The device fell silent, or the connection ended: it is out of reach.
   * @throws AppError as TrustedDevice.startService().
   */
  static async start(
    device: TrustedDevice,
    { log, signal, onLost }: { log: Log; signal?: AbortSignal | undefined; onLost: (error: unknown) => void },
  ): Promise<Heartbeat> {
    const stream = await device.startService(SERVICE, {}, signal);
    return new Heartbeat(new PlistChannel(stream, 'heartbeat'), log, onLost);
  }

  /** Without a call of onLost. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#channel.close();
    await this.#running;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(onLost: (error: unknown) => void): Promise<void> {
    let interval = FIRST_INTERVAL_S;
    try {
      for (;;) {
        const message = dictOf(await this.#channel.receive({ timeoutMs: (interval + GRACE_S) * 1000 }));
        const command = message.get('Command');
        if (command === 'Marco') {
          const told = numberOf(message.get('Interval'));
          if (told !== undefined && told > 0 && told <= MAX_INTERVAL_S) interval = told;
          await this.#channel.send(dict({ Command: 'Polo' }));
        } else {
          this.#log.debug(`heartbeat: ${shown(command)}`);
        }
      }
    } catch (error) {
      if (this.#closing) return;
      if (!isAppError(error)) throw error;
      this.#channel.stream.abort();
      this.#log.warn(`heartbeat: ${error.message}`);
      onLost(error);
    }
  }
}
