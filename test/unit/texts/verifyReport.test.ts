import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { VerifyFinding } from '../../../src/backups';
import { hidesFromFinder, verifyReportText } from '../../../src/texts/verifyReport';

describe('the report of a check', () => {
  const report = (findings: readonly VerifyFinding[]) =>
    verifyReportText({
      path: '/backups/00008130',
      level: 'full',
      startedAt: '2026-03-04T10:00:00Z',
      endedAt: '2026-03-04T10:00:05Z',
      files: 10,
      bytes: 1000,
      findings,
      damages: findings.filter(({ severity }) => severity === 'damage').length,
      hashesKnown: true,
      notChecked: [],
    });

  it('says because of which file Finder and its like do not list the backup', () => {
    const findings = [
      { kind: 'plist', severity: 'note', file: 'Info.plist', message: 'it is missing' },
      { kind: 'missing', severity: 'damage', file: 'ab/abcd', message: 'it is missing' },
    ] as const;
    assert.deepEqual(hidesFromFinder(findings), ['Info.plist']);
    assert.match(report(findings), /\| Listed by Finder.*\| No.*Info\.plist \|/);
  });

  it('says that nothing speaks against it where only contents are lost', () => {
    const findings = [{ kind: 'missing', severity: 'damage', file: 'ab/abcd', message: 'it is missing' }] as const;
    assert.match(report(findings), /\| Listed by Finder.*\| Nothing speaks against it/);
    assert.match(report([]), /Nothing speaks against it/);
  });

  it('names the place of the second copy that is kept of a list', () => {
    const alsoIn = '/backups/.ios-backup/sidecars/00008130/1';
    assert.match(
      report([{ kind: 'missing', severity: 'damage', file: 'Manifest.db', message: 'it is missing', alsoIn }]),
      /second copy of it is kept in \/backups\/\.ios\\-backup/,
    );
  });
});
