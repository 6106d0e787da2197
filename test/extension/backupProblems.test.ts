import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import * as vscode from 'vscode';
import type { JobOutcome } from '../../src/engine/protocol';
import { BackupProblems } from '../../src/views/verify/backupProblems';
import { backup, engine, job } from '../unit/views/generalTab/facts';
import { FakeSession } from './fakes';

describe('the Problems panel', () => {
  let session: FakeSession;
  let problems: BackupProblems;
  let ended = 0;

  beforeEach(() => {
    session = new FakeSession();
    problems = new BackupProblems(session.asSession);
  });
  afterEach(() => problems.dispose());

  const catalogue = { ...engine().catalogue, backups: [backup] };
  const end = (kind: 'backup' | 'verify', facts: Omit<Extract<JobOutcome, { kind: 'done' }>, 'kind' | 'endedAt'>) =>
    session.show(
      engine({
        catalogue,
        jobs: [{ ...job(kind, {}, { kind: 'done', endedAt: '', ...facts }), id: `job-${++ended}` }],
      }),
    );
  const shown = () =>
    vscode.languages
      .getDiagnostics()
      .flatMap(([, rows]) => rows)
      .filter(({ source }) => source === 'iOS Backup');

  it('names what the device could not read for its last backup, as warnings, until the next one', () => {
    const files = [{ path: '/private/var/mobile/Library/stuck', reason: 'Input/output error' }];
    end('backup', { backup: { ...backup, notRead: { count: 3, files } } });
    assert.deepEqual(
      shown().map(({ severity }) => severity),
      [vscode.DiagnosticSeverity.Warning, vscode.DiagnosticSeverity.Warning],
    );
    assert.match(shown()[0]?.message ?? '', /Library\/stuck \(Input\/output error\).*whole without it/);
    assert.match(shown()[1]?.message ?? '', /2 more/);
    end('backup', { backup });
    assert.deepEqual(shown(), []);
  });

  it('shows what a check found as errors, and is empty after a clean one', () => {
    const findings = [{ kind: 'missing', severity: 'damage', file: 'ab/abcd', message: 'it is missing' }] as const;
    const report = {
      path: backup.path,
      level: 'quick',
      startedAt: '',
      endedAt: '',
      files: 1,
      bytes: 1,
      hashesKnown: true,
      notChecked: [],
    } as const;
    end('verify', { report: { ...report, findings, damages: 1 } });
    assert.deepEqual(
      shown().map(({ severity, code }) => [severity, code]),
      [[vscode.DiagnosticSeverity.Error, 'missing']],
    );
    end('verify', { report: { ...report, findings: [], damages: 0 } });
    assert.deepEqual(shown(), []);
  });
});
