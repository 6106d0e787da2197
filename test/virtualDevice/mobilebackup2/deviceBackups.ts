import { createHmac } from 'node:crypto';
import { DeviceContent } from '../content/deviceContent';
import type { ContentEntry } from '../content/contentEntry';
import type { DeviceState } from '../deviceState';
import type { HostileStep, HostileResult } from './hostileScript';
import { makeKeybag, QUICK_ROUNDS, type Keybag } from './keybag';
import { seededSecret, uuidText } from './seededSecret';

/** How a device carries out backups, where phones differ or tests want a choice. */
export interface BackupBehaviour {
  /** After an interrupted run: go on with what is in Snapshot, or throw it away. */
  readonly interrupted: 'resume' | 'clean';
  /** Asks the host to free space before it gives up. idevicebackup2 1.3.0 does not know that message and hangs. */
  readonly purge: boolean;
  /** Files in one UploadFiles message. */
  readonly filesPerBatch: number;
  /** Bytes after which an UploadFiles message ends. */
  readonly bytesPerBatch: number;
  /** Answers Info and List, as devices before iOS 10 did, from the index of today. Later ones refuse them with 205. */
  readonly describesBackups: boolean;
}

const DEFAULT_BEHAVIOUR: BackupBehaviour = {
  interrupted: 'resume',
  purge: true,
  filesPerBatch: 400,
  bytesPerBatch: 32 * 1024 * 1024,
  describesBackups: false,
};

/** What an interrupted run has uploaded and the host has confirmed. */
export interface InterruptedRun {
  readonly uuid: string;
  readonly keybag: Keybag;
  /** By fileID. The entry tells whether the file has changed since. */
  readonly uploaded: Map<string, { readonly entry: ContentEntry; readonly digest: Buffer | undefined }>;
}

const CANCEL_REQUEST = 'com.apple.itunes-client.syncCancelRequest';

const known = new WeakMap<DeviceState, DeviceBackups>();

/** What a device keeps for its backups; made when it is first asked for. */
export function backupsOf(device: DeviceState): DeviceBackups {
  let backups = known.get(device);
  if (!backups) {
    backups = new DeviceBackups(device);
    known.set(device, backups);
  }
  return backups;
}

/** A device's content, and what its backup service remembers from run to run. */
export class DeviceBackups {
  readonly content: DeviceContent;
  behaviour: BackupBehaviour = DEFAULT_BEHAVIOUR;
  interrupted: InterruptedRun | undefined;
  /** A restore that was not followed by a restart: the next one fails. */
  restoredWithoutRestart = false;
  /** The apps that the host of the last restore has asked for; undefined: it has not. */
  restoreApplications: readonly string[] | undefined;
  /** Messages that the next run sends before its normal course. */
  hostileScript: readonly HostileStep[] = [];
  /** What the host has answered to them. */
  readonly hostileResults: HostileResult[] = [];
  readonly #device: DeviceState;
  #cancelRequested = false;
  /** Counts erasures and restores: older backups are not this device's any more. */
  #life = 0;
  #backups = 0;
  #keybag: { readonly serial: number; readonly keybag: Keybag } | undefined;

  constructor(device: DeviceState) {
    this.#device = device;
    this.content = new DeviceContent(device.description.content, device.description.seed);
    device.onErase.on(() => {
      this.content.clear();
      this.beginNewLife();
    });
    device.onRestart.on(() => {
      this.restoredWithoutRestart = false;
    });
    device.onNotification.on((name) => {
      if (name === CANCEL_REQUEST) this.#cancelRequested = true;
    });
  }

  /** A person ends the backup or restore on the device. */
  cancelOnDevice(): void {
    this.#device.postNotification(CANCEL_REQUEST);
  }

  /** True once after a person has cancelled. */
  takeCancellation(): boolean {
    const requested = this.#cancelRequested;
    this.#cancelRequested = false;
    return requested;
  }

  /** Backups made so far are no base for incremental ones any more. */
  beginNewLife(): void {
    this.#life++;
    this.interrupted = undefined;
  }

  /** The keybag stays until the password changes. */
  async keybag(): Promise<Keybag> {
    const password = this.#device.backupPassword;
    if (this.#keybag?.keybag.password === password && this.#keybag) return this.#keybag.keybag;
    const serial = (this.#keybag?.serial ?? 0) + 1;
    const { seed, derivationRounds } = this.#device.description;
    // One salt for a password that is set from the start, another one for each later change.
    const keybag = await makeKeybag(password, derivationRounds ?? QUICK_ROUNDS, seed, serial);
    this.#keybag = { serial, keybag };
    return keybag;
  }

  /** Names a new backup so that this device knows it again, also after the program was started anew. */
  newUuid(): string {
    const start = seededSecret(this.#device.description.seed, `backup ${this.#backups++} ${Date.now()}`, 10);
    return uuidText(Buffer.concat([start, this.#mark(start)]));
  }

  /** The UUID is one that newUuid() has made in this life of the device. */
  isOwnUuid(uuid: string): boolean {
    const bytes = Buffer.from(uuid.replaceAll('-', ''), 'hex');
    return bytes.length === 16 && this.#mark(bytes.subarray(0, 10)).equals(bytes.subarray(10));
  }

  #mark(start: Buffer): Buffer {
    const { seed, udid } = this.#device.description;
    return createHmac('sha256', `${seed} ${udid} ${this.#life}`).update(start).digest().subarray(0, 6);
  }
}
