import { isAppError } from '../../base/errors';
import type { VerifyFinding } from '../types';

/** A folder with a million files missing is damaged all the same; the count goes on, the list does not. */
export const MAX_FINDINGS = 5000;
/** So that what is lost has room, however much lies about. */
const MAX_NOTES = 1000;
/** An index can name a file with a megabyte of text. */
const MAX_TEXT = 1000;

/** What a check has found: all damages are counted, so many of them are listed. */
export class Findings {
  readonly list: VerifyFinding[] = [];
  damages = 0;
  #notes = 0;

  add(finding: VerifyFinding): void {
    if (finding.severity === 'damage') this.damages++;
    else if (++this.#notes > MAX_NOTES) return;
    if (this.list.length < MAX_FINDINGS) this.list.push(shortened(finding));
  }

  /** Of another part of the check. @param damages All of them, also those beyond the list. */
  addAll(list: readonly VerifyFinding[], damages: number): void {
    const before = this.damages;
    for (const finding of list) this.add(finding);
    this.damages = before + damages;
  }

  damage(finding: Omit<VerifyFinding, 'severity'>): void {
    this.add({ ...finding, severity: 'damage' });
  }

  note(finding: Omit<VerifyFinding, 'severity'>): void {
    this.add({ ...finding, severity: 'note' });
  }

  /** Whether damage of this very file was told already. */
  hasDamageOf(file: string): boolean {
    return this.list.some((finding) => finding.file === file && finding.severity === 'damage');
  }

  /** Waits for a plist; a missing or unreadable one becomes a finding. */
  async plistProblem<T>(
    file: string,
    reading: Promise<T | undefined>,
    severity: VerifyFinding['severity'],
  ): Promise<T | undefined> {
    try {
      const value = await reading;
      if (value === undefined) this.add({ kind: 'plist', severity, file, message: 'it is missing' });
      return value;
    } catch (error) {
      if (!isAppError(error, 'backupDamaged')) throw error;
      this.add({ kind: 'plist', severity, file, message: error.message });
      return undefined;
    }
  }
}

function shortened(finding: VerifyFinding): VerifyFinding {
  const tooLong = Object.entries(finding).filter(([, value]) => String(value).length > MAX_TEXT);
  if (tooLong.length === 0) return finding;
  return {
    ...finding,
    ...Object.fromEntries(tooLong.map(([key, value]) => [key, `${String(value).slice(0, MAX_TEXT)}…`])),
  };
}
