import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { VerifyReport } from '../../backups';
import { verifyReportText } from '../../texts/verifyReport';

const SCHEME = 'ios-backup-report';
/** Of this window; a report is in the engine's folder as well. */
const MAX_KEPT = 50;

const texts = new Map<string, string>();
const changed = new vscode.EventEmitter<vscode.Uri>();

/** Reports as documents that can be read, searched and saved. */
export function registerReportDocuments(): vscode.Disposable {
  return vscode.workspace.registerTextDocumentContentProvider(SCHEME, {
    onDidChange: changed.event,
    provideTextDocumentContent: (uri) => texts.get(uri.toString()) ?? t('This report is not kept any more.'),
  });
}

/** Shows a report as a page; as text where no Markdown preview is installed. */
export async function showVerifyReport(report: VerifyReport): Promise<void> {
  const name = report.path.replace(/.*[\\/]/, '');
  const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${t('Check of {0}', name)}.md`, query: report.path });
  texts.delete(uri.toString());
  texts.set(uri.toString(), verifyReportText(report));
  const [oldest] = texts.keys();
  if (texts.size > MAX_KEPT && oldest !== undefined) texts.delete(oldest);
  changed.fire(uri);
  try {
    await vscode.commands.executeCommand('markdown.showPreview', uri);
  } catch {
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: true });
  }
}
