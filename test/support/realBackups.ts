import path from 'node:path';
import { openStaging } from '../../src/backups';
import { backUp } from '../../src/device';
import { silentLog } from '../../src/base/log';
import { dict, encodeBinaryPlist } from '../../src/plist';
import { PairedDevice } from '../device/mobilebackup2/pairedDevice';
import { presets, type ContentDescription, type DeviceDescription, type Switches } from '../virtualDevice';
import { sqliteBytes } from './sqliteBytes';

/** Files of every kind that a check looks into: databases and property lists, with and without a digest. */
export async function variedContent(): Promise<ContentDescription> {
  const database = (await sqliteBytes()).toString('base64');
  const plist = encodeBinaryPlist(dict({ greeting: 'hello', list: ['a', 'b'], bytes: Buffer.alloc(100, 7) }));
  const content = Buffer.from(plist).toString('base64');
  const { files } = presets.small().content;
  const file = (domain: string, relativePath: string, bytes: string) => ({
    domain,
    relativePath,
    kind: 'file' as const,
    content: bytes,
  });
  return {
    files: [
      ...files,
      file('HomeDomain', 'Library/SMS/sms.db', database),
      file('AppDomain-org.example.notes', 'Documents/notes.sqlite', database),
      file('HomeDomain', 'Library/Preferences/com.example.settings.plist', content),
      file('AppDomain-org.example.notes', 'Library/Preferences/org.example.notes.plist', content),
    ],
    groups: [
      { domain: 'CameraRollDomain', relativePath: 'Media/DCIM/100APPLE', count: 6, size: 40_000 },
      { domain: 'HomeDomain', relativePath: 'Library/Caches', count: 20, size: 700 },
    ],
  };
}

/** Backups as the product makes them: from a device, through the staging folder, with hashes kept. */
export class RealBackups implements AsyncDisposable {
  private constructor(readonly device: PairedDevice) {}

  static async start(
    state: Partial<Switches> = {},
    description: Partial<DeviceDescription> = {},
  ): Promise<RealBackups> {
    return new RealBackups(await PairedDevice.start(state, { content: await variedContent(), ...description }));
  }

  /** For USBMUXD_SOCKET_ADDRESS. */
  get address(): string {
    return this.device.host.address;
  }

  get udid(): string {
    return this.device.udid;
  }

  /** The next backup of the device in this folder of backups; the one before stays as a version. */
  async make(
    folder: string,
    options: { readonly full?: boolean } = {},
  ): Promise<{ readonly path: string; readonly version?: string }> {
    const staging = await openStaging({ folder, udid: this.udid, ...(options.full && { empty: true }) });
    try {
      await backUp(this.device.device, staging.store, {
        log: silentLog,
        signal: new AbortController().signal,
        report() {},
        ...options,
      });
      return await staging.commit(async () => {});
    } finally {
      await staging.suspend();
    }
  }

  /** The device writes into `count` of its files. */
  async change(count: number, seed: number): Promise<void> {
    await this.device.virtual.changeFiles(count, seed);
  }

  place(folder: string): string {
    return path.join(folder, this.udid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.device[Symbol.asyncDispose]();
  }
}
