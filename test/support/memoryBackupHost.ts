import {
  decodeBinaryPlist,
  dict,
  encodeBinaryPlist,
  PlistReal,
  type PlistArray,
  type PlistDict,
  type PlistValue,
} from '../../src/plist';
import { ScriptedPeer } from './scriptedPeer';
import type { DeviceState } from '../virtualDevice';
import { serveMobileBackup2 } from '../virtualDevice/mobilebackup2/serve';
import type { ServiceStream } from '../virtualDevice/serviceConnection';

const NO_VALUE = '___EmptyParameterString___';

export interface Outcome {
  /** ErrorCode of the Response; undefined when the device has closed without one. */
  readonly code: number | undefined;
  readonly description: string | undefined;
  /** Why the device has ended the connection, if it has. */
  readonly refused: string | undefined;
  /** Names of the messages that the device has sent. */
  readonly messages: readonly string[];
}

export type Status = readonly [code: number, text: string, value: PlistValue];

/**
 * A host as simple as can be, with its files in memory, that talks to a virtual device's backup service without sockets.
 * Tests make it misbehave to see whether the device notices.
 */
export class MemoryBackupHost {
  readonly files = new Map<string, Buffer>();
  readonly folders = new Set<string>();
  /** Text of device-side errors, by path. */
  readonly unreadable = new Map<string, string>();
  freeBytes = 1e12;
  escrow = true;
  /** Progress values in the order in which they came. */
  readonly progress: number[] = [];
  /** Looks at a message before it is served. `leave`: says goodbye instead; `hang up`: closes. */
  before: (name: string, message: PlistArray) => 'leave' | 'hang up' | void = () => {};
  /** Replaces a status; several, or none, are wrong on purpose. */
  statuses: (name: string, status: Status, message: PlistArray) => readonly PlistArray[] | undefined = () => undefined;
  /** Replaces the stream of a download. */
  downloadStream: (paths: readonly string[]) => Buffer | undefined = () => undefined;
  /** Replaces the opening and Hello; what is left undefined is as it should be. */
  opening: { readonly version?: PlistArray; readonly hello?: PlistArray } = {};
  #peer = new ScriptedPeer();
  #messages: string[] = [];

  /** The names that a folder holds. */
  list(folder: string): string[] {
    const prefix = `${folder}/`;
    const names = [...this.files.keys(), ...this.folders].filter((path) => path.startsWith(prefix));
    return [...new Set(names.map((path) => path.slice(prefix.length).split('/')[0] as string))];
  }

  backUp(device: DeviceState, options?: PlistDict): Promise<Outcome> {
    const udid = device.udid;
    return this.request(device, {
      MessageName: 'Backup',
      TargetIdentifier: udid,
      SourceIdentifier: udid,
      Options: options,
    });
  }

  restore(
    device: DeviceState,
    options: Readonly<Record<string, PlistValue>> = {},
    source = device.udid,
  ): Promise<Outcome> {
    return this.request(device, {
      MessageName: 'Restore',
      TargetIdentifier: device.udid,
      SourceIdentifier: source,
      Options: dict({
        RestoreSystemFiles: true,
        RemoveItemsNotRestored: true,
        RestoreDontCopyBackup: true,
        RestoreShouldReboot: true,
        ...options,
      }),
    });
  }

  changePassword(device: DeviceState, OldPassword?: string, NewPassword?: string): Promise<Outcome> {
    return this.request(device, {
      MessageName: 'ChangePassword',
      TargetIdentifier: device.udid,
      OldPassword,
      NewPassword,
    });
  }

  async request(device: DeviceState, request: Readonly<Record<string, PlistValue | undefined>>): Promise<Outcome> {
    this.#peer = new ScriptedPeer();
    this.#messages = [];
    const { stream } = this.#peer;
    const serviceStream: ServiceStream = {
      ...stream,
      writeMessage: async (body) => stream.write(framed(body)),
      readMessage: async () => stream.read((await stream.read(4)).readUInt32BE(0)),
    };
    const abort = new AbortController();
    const context = {
      service: 'com.apple.mobilebackup2',
      escrow: this.escrow,
      connection: 'usb' as const,
      signal: abort.signal,
    };
    let refused: string | undefined;
    const serving = Promise.resolve(serveMobileBackup2(serviceStream, device, context))
      .catch((error: unknown) => {
        refused = error instanceof Error ? error.message : String(error);
      })
      .finally(() => this.#peer.close());
    let response: PlistDict | undefined;
    try {
      response = await this.#converse(request);
    } catch (error) {
      if (!(error instanceof Error && error.message.includes('closed'))) throw error;
    } finally {
      if (response) this.#send(['DLMessageDisconnect', NO_VALUE]);
      this.#peer.close();
      await serving;
    }
    const code = response?.get('ErrorCode');
    const description = response?.get('ErrorDescription');
    return {
      code: typeof code === 'number' ? code : undefined,
      description: typeof description === 'string' ? description : undefined,
      refused,
      messages: this.#messages,
    };
  }

  async #converse(request: Readonly<Record<string, PlistValue | undefined>>): Promise<PlistDict | undefined> {
    await this.#receive();
    this.#send(this.opening.version ?? ['DLMessageVersionExchange', 'DLVersionsOk', 400]);
    await this.#receive();
    const versions = [new PlistReal(2), new PlistReal(2.1)];
    this.#send(
      this.opening.hello ?? [
        'DLMessageProcessMessage',
        dict({ MessageName: 'Hello', SupportedProtocolVersions: versions }),
      ],
    );
    await this.#receive();
    this.#messages = [];
    this.#send(['DLMessageProcessMessage', dict(request)]);
    for (;;) {
      const message = await this.#receive();
      const name = message[0] as string;
      if (name === 'DLMessageProcessMessage') return message[1] as PlistDict;
      this.#messages.push(name);
      const way = this.before(name, message);
      if (way === 'leave') this.leave();
      if (way) return undefined;
      const status = await this.#serve(name, message);
      const answers = this.statuses(name, status, message) ?? [['DLMessageStatusResponse', ...status]];
      for (const answer of answers) this.#send(answer);
    }
  }

  async #serve(name: string, message: PlistArray): Promise<Status> {
    const ok: Status = [0, NO_VALUE, dict({})];
    const [, first, second] = message;
    const real = message[name === 'DLMessageUploadFiles' ? 2 : 3];
    if (real instanceof PlistReal) this.progress.push(real.value);
    switch (name) {
      case 'DLMessageDownloadFiles':
        return this.#download(first as string[]);
      case 'DLMessageUploadFiles':
        await this.#upload();
        return ok;
      case 'DLContentsOfDirectory':
        return [0, NO_VALUE, this.#listing(first as string)];
      case 'DLMessageGetFreeDiskSpace':
        return [0, NO_VALUE, this.freeBytes];
      case 'DLMessageCreateDirectory':
        this.folders.add(clean(first as string));
        return [0, NO_VALUE, NO_VALUE];
      case 'DLMessageMoveItems':
        for (const [from, to] of first as Map<string, string>) this.#move(clean(from), clean(to));
        return ok;
      case 'DLMessageRemoveItems':
        for (const path of first as string[]) this.remove(clean(path));
        return ok;
      case 'DLMessageCopyItem':
        for (const [path, bytes] of [...this.files]) {
          const from = clean(first as string);
          if (path.startsWith(`${from}/`)) this.files.set(clean(second as string) + path.slice(from.length), bytes);
        }
        return ok;
      default:
        return [-1, 'Operation not supported', dict({})];
    }
  }

  /** Says goodbye in the middle of things. */
  leave(): void {
    this.#send(['DLMessageDisconnect', NO_VALUE]);
  }

  remove(path: string): void {
    for (const set of [this.files, this.folders]) {
      for (const name of [...set.keys()]) if (name === path || name.startsWith(`${path}/`)) set.delete(name);
    }
  }

  #move(from: string, to: string): void {
    const bytes = this.files.get(from);
    if (!bytes) throw new Error(`the device moves ${from}, which is not there`);
    this.files.set(to, bytes);
    this.files.delete(from);
  }

  #listing(folder: string): PlistDict {
    return new Map(
      this.list(folder).map((name) => {
        const bytes = this.files.get(`${folder}/${name}`);
        const facts = {
          DLFileType: bytes ? 'DLFileTypeRegular' : 'DLFileTypeDirectory',
          DLFileSize: bytes?.length ?? 64,
          DLFileModificationDate: new Date(),
        };
        return [name, dict(facts)];
      }),
    );
  }

  #download(paths: readonly string[]): Status {
    const replaced = this.downloadStream(paths);
    const parts: Buffer[] = [];
    const failures = new Map<string, PlistValue>();
    for (const path of paths) {
      parts.push(u32(Buffer.byteLength(path)), Buffer.from(path));
      const bytes = this.files.get(clean(path));
      if (!bytes) {
        const text = Buffer.from('No such file or directory');
        parts.push(u32(text.length + 1), Buffer.from([6]), text);
        failures.set(path, dict({ DLFileErrorString: text.toString(), DLFileErrorCode: -6 }));
        continue;
      }
      for (let at = 0; at < bytes.length; at += 32_768) {
        const block = bytes.subarray(at, at + 32_768);
        parts.push(u32(block.length + 1), Buffer.from([0x0c]), block);
      }
      parts.push(u32(1), Buffer.from([0]));
    }
    parts.push(u32(0));
    this.#peer.send(replaced ?? Buffer.concat(parts));
    return failures.size > 0 ? [-13, 'Multi status', failures] : [0, NO_VALUE, dict({})];
  }

  async #upload(): Promise<void> {
    for (;;) {
      const length = await this.#u32();
      if (length === 0) return;
      await this.#peer.receive(length);
      const path = clean((await this.#peer.receive(await this.#u32())).toString());
      const parts: Buffer[] = [];
      for (;;) {
        const block = await this.#u32();
        const code = (await this.#peer.receive(1))[0];
        const bytes = block > 1 ? await this.#peer.receive(block - 1) : Buffer.alloc(0);
        if (code === 0x0c) {
          parts.push(bytes);
          continue;
        }
        if (code === 0x0b) this.unreadable.set(path, bytes.toString());
        else this.files.set(path, Buffer.concat(parts));
        break;
      }
    }
  }

  async #receive(): Promise<PlistArray> {
    return decodeBinaryPlist(await this.#peer.receive(await this.#u32())) as PlistArray;
  }

  async #u32(): Promise<number> {
    return (await this.#peer.receive(4)).readUInt32BE(0);
  }

  #send(message: PlistArray): void {
    this.#peer.send(framed(encodeBinaryPlist(message)));
  }
}

/** Without the leading slash of staging names. */
function clean(path: string): string {
  return path.split('/').filter(Boolean).join('/');
}

function framed(body: Uint8Array): Buffer {
  return Buffer.concat([u32(body.length), body]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value, 0);
  return bytes;
}
