import { encodeXmlPlist, parsePlist, type PlistValue } from '../../../src/plist';

/** The daemon's pair records, in memory. Whatever was saved is read back as XML, as usbmuxd writes it. */
export class PairRecords {
  readonly #records = new Map<string, PlistValue>();

  /** @throws PlistError when the bytes are no property list. */
  save(udid: string, bytes: Uint8Array): void {
    this.#records.set(udid, parsePlist(bytes));
  }

  read(udid: string): Buffer | undefined {
    const record = this.#records.get(udid);
    return record === undefined ? undefined : Buffer.from(encodeXmlPlist(record));
  }

  delete(udid: string): boolean {
    return this.#records.delete(udid);
  }

  get udids(): readonly string[] {
    return [...this.#records.keys()];
  }
}
