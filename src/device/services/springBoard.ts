import { dict } from '../../plist';
import { dictOf } from '../lockdown/dictOf';
import { PlistChannel } from '../lockdown/plistChannel';
import type { TrustedDevice } from '../lockdown/trustedDevice';

const SERVICE = 'com.apple.springboardservices';

/** The home screen. Fails with `deviceGone`, `unexpectedReply`, `timedOut`, `cancelled`. */
export class SpringBoardClient implements AsyncDisposable {
  readonly #channel: PlistChannel;

  private constructor(channel: PlistChannel) {
    this.#channel = channel;
  }

  /** @throws AppError as TrustedDevice.startService(). */
  static async open(device: TrustedDevice, signal?: AbortSignal): Promise<SpringBoardClient> {
    const stream = await device.startService(SERVICE, {}, signal);
    return new SpringBoardClient(new PlistChannel(stream, 'springboardservices', 'binary'));
  }

  /** An app's icon as PNG; undefined if the device gives none. One request at a time. */
  async icon(bundleId: string, signal?: AbortSignal): Promise<Buffer | undefined> {
    await this.#channel.send(dict({ command: 'getIconPNGData', bundleId }));
    const png = dictOf(await this.#channel.receive({ signal })).get('pngData');
    return png instanceof Uint8Array && png.length > 0
      ? Buffer.from(png.buffer, png.byteOffset, png.byteLength)
      : undefined;
  }

  close(): Promise<void> {
    return this.#channel.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
