import { t } from '@vscode/l10n';
import path from 'node:path';
import * as vscode from 'vscode';
import type { VerifyFinding, VerifyReport } from '../../backups';
import type { NotRead } from '../../engine/protocol';
import type { EngineSession } from '../../app/engineSession';
import { findingText } from '../../texts/verifyReport';

/** More rows help nobody; the report has them all. */
const MAX_SHOWN = 500;

/**
 * What the last check of each backup has found, in the Problems panel, whoever started the check; and what a device could
 * not read of itself for its last backup. A clean check, the next backup, or the end of the backup takes it away.
 */
export class BackupProblems implements vscode.Disposable {
  readonly #engine: EngineSession;
  readonly #collection = vscode.languages.createDiagnosticCollection('iOS Backup');
  readonly #subscription: vscode.Disposable;
  /** Reports that are shown or were looked at; by job. */
  readonly #seen = new Set<string>();
  readonly #shown = new Map<string, readonly vscode.Uri[]>();

  constructor(engine: EngineSession) {
    this.#engine = engine;
    this.#subscription = engine.onChange(() => this.#follow());
    this.#follow();
  }

  dispose(): void {
    this.#subscription.dispose();
    this.#collection.dispose();
  }

  #follow(): void {
    const { jobs = [], catalogue } = this.#engine.state ?? {};
    for (const { id, outcome } of jobs) {
      if (outcome?.kind !== 'done' || this.#seen.has(id)) continue;
      this.#seen.add(id);
      if (outcome.report) this.#show(outcome.report);
      if (outcome.backup) this.#showNotRead(outcome.backup.path, outcome.backup.notRead);
    }
    if (!catalogue) return;
    const there = new Set(catalogue.backups.map((backup) => backup.path));
    for (const backup of this.#shown.keys()) if (!there.has(backup)) this.#clear(backup);
  }

  #show(report: VerifyReport): void {
    this.#clear(report.path);
    const damages = report.findings.filter(({ severity }) => severity === 'damage');
    if (damages.length === 0) return;
    const byFile = new Map<string, vscode.Diagnostic[]>();
    for (const finding of damages.slice(0, MAX_SHOWN)) {
      const place = path.join(report.path, finding.file ?? '');
      const rows = byFile.get(place);
      if (rows) rows.push(diagnostic(finding));
      else byFile.set(place, [diagnostic(finding)]);
    }
    const entries = [...byFile].map(([place, rows]) => [vscode.Uri.file(place), rows] as const);
    const more = report.damages - Math.min(damages.length, MAX_SHOWN);
    const [first] = entries;
    if (more > 0 && first) first[1].push(moreDiagnostic(more));
    this.#collection.set(entries.map(([uri, rows]) => [uri, rows]));
    this.#shown.set(
      report.path,
      entries.map(([uri]) => uri),
    );
  }

  #showNotRead(backup: string, notRead: NotRead | undefined): void {
    this.#clear(backup);
    if (!notRead) return;
    const rows = notRead.files.map(({ path: file, reason }) =>
      warning(t('The device could not read {0} ({1}). The backup is whole without it.', file, reason)),
    );
    const more = notRead.count - rows.length;
    if (more > 0) rows.push(warning(t('The device could not read {0} more files.', more)));
    const place = vscode.Uri.file(backup);
    this.#collection.set(place, rows);
    this.#shown.set(backup, [place]);
  }

  #clear(backup: string): void {
    for (const uri of this.#shown.get(backup) ?? []) this.#collection.delete(uri);
    this.#shown.delete(backup);
  }
}

const nowhere = new vscode.Range(0, 0, 0, 0);

function diagnostic(finding: VerifyFinding): vscode.Diagnostic {
  const row = new vscode.Diagnostic(nowhere, findingText(finding), vscode.DiagnosticSeverity.Error);
  row.source = 'iOS Backup';
  row.code = finding.kind;
  return row;
}

function warning(text: string): vscode.Diagnostic {
  const row = new vscode.Diagnostic(nowhere, text, vscode.DiagnosticSeverity.Warning);
  row.source = 'iOS Backup';
  return row;
}

function moreDiagnostic(count: number): vscode.Diagnostic {
  const row = new vscode.Diagnostic(
    nowhere,
    t('{0} more damaged files: the report of the check counts them.', count),
    vscode.DiagnosticSeverity.Error,
  );
  row.source = 'iOS Backup';
  return row;
}
