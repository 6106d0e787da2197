import assert from 'node:assert/strict';
import { silentLog } from '../../../../src/base/log';
import { DeviceLink } from '../../../../src/device/mobilebackup2/deviceLink';
import { LoopFacts } from '../../../../src/device/mobilebackup2/loopFacts';
import { runMessageLoop, type FinalResponse } from '../../../../src/device/mobilebackup2/messageLoop';
import { ProgressTracker, type DeviceProgress } from '../../../../src/device/mobilebackup2/progress';
import { dict, encodeBinaryPlist, parsePlist, toPlain, type PlistArray, type PlistValue } from '../../../../src/plist';
import { MemoryStore } from '../../../support/memoryStore';
import { ScriptedPeer, type Segmentation } from '../../../support/scriptedPeer';

/** A file as an upload carries it: content in one block unless `blocks` is given, ended by `end`. */
export interface UploadedFile {
  readonly name: string | Buffer;
  readonly blocks?: readonly (Buffer | string)[];
  /** Code and text of the closing block; success without it. */
  readonly end?: { readonly code: number; readonly text: string };
}

export interface DownloadedFile {
  readonly name: string;
  readonly content: Buffer;
  readonly blockSizes: readonly number[];
  /** The text of the error block, if it ended with one. */
  readonly error?: string;
}

export interface LoopUnderTestOptions {
  readonly segmentation?: Segmentation;
  readonly stallMs?: number;
  readonly graceMs?: number;
  readonly settleMs?: number;
}

/** The device's end of a message loop, and the loop itself running on the other end. */
export class LoopUnderTest {
  readonly store = new MemoryStore();
  readonly facts = new LoopFacts();
  readonly peer: ScriptedPeer;
  readonly link: DeviceLink;
  readonly reports: DeviceProgress[] = [];
  readonly progress = new ProgressTracker((report) => this.reports.push(report));
  readonly cancel = new AbortController();
  readonly outcome: Promise<FinalResponse>;

  constructor({ segmentation = 'asSent', stallMs, ...limits }: LoopUnderTestOptions = {}) {
    this.peer = new ScriptedPeer(segmentation);
    this.link = new DeviceLink(this.peer.stream, stallMs);
    const { store, facts, link, progress } = this;
    this.outcome = runMessageLoop({
      link,
      store,
      facts,
      progress,
      log: silentLog,
      signal: this.cancel.signal,
      ...limits,
    });
    this.outcome.catch(() => {});
  }

  send(...elements: PlistValue[]): void {
    this.peer.send(message(elements));
  }

  async receive(): Promise<PlistArray> {
    const length = (await this.peer.receive(4)).readUInt32BE(0);
    return parsePlist(await this.peer.receive(length)) as PlistArray;
  }

  /** The next message of the host must be this status. */
  async expectStatus(code: number, value: unknown = {}): Promise<void> {
    const [name, actual, text, actualValue] = await this.receive();
    assert.deepEqual(
      [name, actual, toPlain(actualValue!)],
      ['DLMessageStatusResponse', code, value],
      typeof text === 'string' ? text : undefined,
    );
  }

  upload(files: readonly UploadedFile[], { total = 0, percent = 0 } = {}): void {
    this.send('DLMessageUploadFiles', new Map(), percent, total);
    this.peer.send(uploadStream(files));
  }

  async download(paths: readonly string[]): Promise<DownloadedFile[]> {
    this.send('DLMessageDownloadFiles', paths, new Map(), 0, 0);
    return this.receiveFiles();
  }

  async receiveFiles(): Promise<DownloadedFile[]> {
    const files: DownloadedFile[] = [];
    for (;;) {
      const length = (await this.peer.receive(4)).readUInt32BE(0);
      if (length === 0) return files;
      const name = (await this.peer.receive(length)).toString();
      const blocks: Buffer[] = [];
      for (;;) {
        const header = await this.peer.receive(5);
        const content = await this.peer.receive(header.readUInt32BE(0) - 1);
        if (header[4] === 0x0c) {
          blocks.push(content);
          continue;
        }
        files.push({
          name,
          content: Buffer.concat(blocks),
          blockSizes: blocks.map((block) => block.length),
          ...(header[4] === 0 ? {} : { error: content.toString() }),
        });
        break;
      }
    }
  }

  /** Ends the loop with the device's final word and returns what the loop made of it. */
  async finish(errorCode = 0, description?: string): Promise<FinalResponse> {
    this.send(
      'DLMessageProcessMessage',
      dict({ MessageName: 'Response', ErrorCode: errorCode, ErrorDescription: description }),
    );
    const response = await this.outcome;
    assert.equal(this.peer.unread().length, 0, 'the host said more than it was asked');
    this.progress.end();
    await this.link.close();
    return response;
  }
}

export function message(elements: PlistArray): Buffer {
  const body = encodeBinaryPlist(elements);
  return Buffer.concat([uint32(body.length), body]);
}

export function uploadStream(files: readonly UploadedFile[]): Buffer {
  const parts: Buffer[] = [];
  for (const { name, blocks = [], end } of files) {
    const host = Buffer.from(name as string);
    const device = Buffer.from(`/private/var/${host.toString()}`);
    parts.push(uint32(device.length), device, uint32(host.length), host);
    for (const content of blocks) parts.push(block(0x0c, content));
    parts.push(end ? block(end.code, end.text) : block(0, ''));
  }
  parts.push(uint32(0));
  return Buffer.concat(parts);
}

export function block(code: number, content: Buffer | string): Buffer {
  const bytes = Buffer.from(content as string);
  return Buffer.concat([uint32(bytes.length + 1), Buffer.from([code]), bytes]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
