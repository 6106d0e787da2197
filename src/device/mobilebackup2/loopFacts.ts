/** A file that the device could not send whole. It has said so itself and goes on; the backup is valid without it. */
export interface SkippedFile {
  /** Where the file lives on the device, as far as it told. */
  readonly devicePath: string;
  /** Where it was to be stored, relative to the backup root. */
  readonly hostPath: string;
  /** The device's own words. */
  readonly reason: string;
  /** True if content came before the device gave up: it is stored, and may be cut short. */
  readonly kept: boolean;
}

/** Names are kept for the first so many; the rest is only counted. */
const MAX_SKIPPED = 1_000;
const MAX_TEXT_LENGTH = 1_024;
/** About 20 MB. A device that cannot read more of its own files than this has no whole backup to give. */
const MAX_SKIPPED_CONTENTS = 250_000;
/** How contents are named: by the SHA-1 of where they belong. Lists and plists have other names. */
const CONTENT = /\/([0-9a-f]{40})$/;

/** What happened in a message loop besides the device's final word. */
export class LoopFacts {
  readonly skipped: SkippedFile[] = [];
  /** The names of all skipped contents, without folders: for a check of what is there. */
  readonly skippedContents = new Set<string>();
  skippedCount = 0;
  /** The first failure on this computer that was reported to the device, if any. It explains what the device says at the end. */
  localError: unknown;
  /** Bytes that were last reported as free. */
  freeBytes: number | undefined;
  /** Bytes that the device asked this computer to free, which we do not do. */
  purgeBytes: number | undefined;

  addSkipped(file: SkippedFile): void {
    this.skippedCount++;
    const name = CONTENT.exec(file.hostPath)?.[1];
    // A copy: a part of a text keeps the whole text in memory.
    if (name !== undefined && this.skippedContents.size < MAX_SKIPPED_CONTENTS) {
      this.skippedContents.add(Buffer.from(name, 'latin1').toString('latin1'));
    }
    if (this.skipped.length >= MAX_SKIPPED) return;
    const { devicePath, hostPath, reason, kept } = file;
    const cut = (text: string) => text.slice(0, MAX_TEXT_LENGTH);
    this.skipped.push({ devicePath: cut(devicePath), hostPath: cut(hostPath), reason: cut(reason), kept });
  }

  addLocalError(error: unknown): void {
    this.localError ??= error;
  }
}
