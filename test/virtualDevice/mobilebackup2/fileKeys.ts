import { createHmac } from 'node:crypto';
import type { ContentEntry } from '../content/contentEntry';
import type { Keybag } from './keybag';
import { wrapKeys } from './keyWrap';

export interface FileKey {
  readonly key: Buffer;
  /** As in EncryptionKey: u32LE class and 40 bytes. */
  readonly wrapped: Buffer;
}

/** Keys of files: each file and each state of it has its own, the same one whenever it is asked for. */
export class FileKeys {
  readonly #seed: string;
  readonly #classKeys: ReadonlyMap<number, Buffer>;

  constructor(seed: number, keybag: Keybag) {
    this.#seed = `${seed} ${keybag.bytes.toString('base64')}`;
    this.#classKeys = keybag.classKeys;
  }

  forFiles(entries: readonly ContentEntry[]): FileKey[] {
    const keys = entries.map((entry) =>
      createHmac('sha256', this.#seed)
        .update(`${entry.name} ${entry.key} ${entry.revision} ${entry.modified} ${entry.size}`)
        .digest(),
    );
    const wrapped: Buffer[] = new Array<Buffer>(entries.length);
    const classes = new Set(entries.map(({ protectionClass }) => protectionClass));
    for (const number of classes) {
      const members = entries.flatMap((entry, index) => (entry.protectionClass === number ? [index] : []));
      const all = wrapKeys(this.#classKey(number), Buffer.concat(members.map((index) => keys[index] as Buffer)));
      members.forEach((index, place) => {
        wrapped[index] = withClass(number, all.subarray(place * 40, place * 40 + 40));
      });
    }
    return keys.map((key, index) => ({ key, wrapped: wrapped[index] as Buffer }));
  }

  wrap(number: number, key: Buffer): Buffer {
    return withClass(number, wrapKeys(this.#classKey(number), key));
  }

  #classKey(number: number): Buffer {
    const key = this.#classKeys.get(number);
    if (!key) throw new Error(`there is no key for protection class ${number}`);
    return key;
  }
}

function withClass(number: number, wrapped: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(44);
  bytes.writeUInt32LE(number, 0);
  wrapped.copy(bytes, 4);
  return bytes;
}
