import { isAppError } from '../../base/errors';
import type { VerifyFinding } from '../types';

/** A folder with a million files missing is damaged all the same; the count goes on, the list does not. */
const MAX_FINDINGS = 5000;

/** What a check has found: all damages are counted, so many of them are listed. */
export class Findings {
  readonly list: VerifyFinding[] = [];
  damages = 0;

  add(finding: VerifyFinding): void {
    if (finding.severity === 'damage') this.damages++;
    if (this.list.length < MAX_FINDINGS) this.list.push(finding);
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
