import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../app/app';
import type { ExtractReport } from '../backups';
import type { ExtractWhat } from '../reader/protocol';
import { extractReportText } from '../texts/extractReport';
import { formatBytes, formatNumber } from '../texts/format';
import { BACKUP_SCHEME, parseBackupUri } from '../views/backupFileSystem/backupUri';
import { withAbort } from '../app/withAbort';
import { type BackupTarget, chooseOpenBackup } from './chooseOpenBackup';

/**
 * Takes files out of an opened backup, decrypted: the explorer's selection, or from the palette a kind of things.
 * @param also All selected entries, as the explorer gives them.
 */
export async function extractFromBackup(app: App, target?: BackupTarget, also?: unknown): Promise<void> {
  const place = await chooseOpenBackup(app, target);
  if (!place) return;
  const clicked = target instanceof vscode.Uri;
  const what = clicked ? ofSelection(place.id, place.path, also) : await chooseKind();
  if (what) await extractTo(app, place.id, what);
}

/** Documents, Library and the rest of one app, straight into a folder: for the app's developer. */
export async function copyAppContainer(app: App, target?: BackupTarget): Promise<void> {
  const place = await chooseOpenBackup(app, target);
  if (!place) return;
  const entries = await app.openBackups.call(place.id, 'domains', {});
  const apps = entries.flatMap(({ domain, path }) =>
    domain.startsWith('AppDomain-')
      ? [{ label: path.replace(/^Apps\//, ''), description: domain.slice('AppDomain-'.length) }]
      : [],
  );
  const picked = await vscode.window.showQuickPick(apps, {
    title: t('Copy App Container'),
    placeHolder: t('Name or bundle identifier of the app'),
    matchOnDescription: true,
  });
  if (picked) await extractTo(app, place.id, { kind: 'container', bundleID: picked.description });
}

function ofSelection(id: string, path: string, also: unknown): ExtractWhat {
  const selected = (Array.isArray(also) ? also : []).filter((one): one is vscode.Uri => one instanceof vscode.Uri);
  const paths = selected
    .filter(({ scheme, authority }) => scheme === BACKUP_SCHEME && authority === id)
    .map((uri) => parseBackupUri(uri).path);
  const all = [...new Set([path, ...paths])];
  if (all.includes('')) return { kind: 'everything' };
  // What lies inside another selected folder comes with it.
  return {
    kind: 'paths',
    paths: all.filter((one) => !all.some((other) => one !== other && one.startsWith(`${other}/`))),
  };
}

async function chooseKind(): Promise<ExtractWhat | undefined> {
  const kinds: readonly (vscode.QuickPickItem & { readonly what: ExtractWhat })[] = [
    {
      label: `$(device-camera) ${t('Photos and videos')}`,
      detail: t('With the dates of the photo library'),
      what: { kind: 'photos' },
    },
    {
      label: `$(comment-discussion) ${t('Messages')}`,
      detail: t('The database and all attachments'),
      what: { kind: 'messages' },
    },
    { label: `$(person) ${t('Contacts')}`, what: { kind: 'contacts' } },
    { label: `$(mic) ${t('Voice memos')}`, what: { kind: 'voiceMemos' } },
    { label: `$(unmute) ${t('Voicemail')}`, what: { kind: 'voicemail' } },
    { label: `$(files) ${t('Everything')}`, detail: t('As DIR/<domain>/<path>'), what: { kind: 'everything' } },
  ];
  return (await vscode.window.showQuickPick(kinds, { title: t('What should be taken out of the backup?') }))?.what;
}

async function extractTo(app: App, id: string, what: ExtractWhat): Promise<void> {
  const chosen = await vscode.window.showOpenDialog({
    canSelectFolders: true,
    canSelectFiles: false,
    title: t('Folder to extract to'),
    openLabel: t('Extract Here'),
  });
  const target = chosen?.[0];
  if (!target) return;
  const report = await withAbort({ title: t('Extracting'), cancellable: true }, (signal, show) =>
    app.openBackups.call(
      id,
      'extract',
      { target: target.fsPath, what },
      {
        signal,
        onProgress: ({ files, bytes }) => show(t('{0} files, {1}', formatNumber(files), formatBytes(bytes))),
      },
    ),
  );
  await tell(app, report, target);
}

async function tell(app: App, report: ExtractReport, target: vscode.Uri): Promise<void> {
  const { failed, renamed } = report;
  for (const { domain, relativePath, code, message } of failed)
    app.log.warn(`not extracted: ${domain}/${relativePath}: ${code} ${message}`);
  for (const { from, to } of renamed) app.log.info(`extracted under another name: ${from} as ${to}`);
  const text = extractReportText(report);
  const reveal = t('Show in File Manager');
  const choice = await (failed.length > 0
    ? vscode.window.showWarningMessage(text, reveal, t('Show Log'))
    : vscode.window.showInformationMessage(text, reveal));
  if (choice === reveal) await vscode.commands.executeCommand('revealFileInOS', target);
  else if (choice !== undefined) app.log.show();
}
