import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../../app/app';
import { parseBackupUri } from '../backupFileSystem/backupUri';
import { escapeHtml, pageFrame } from '../pageFrame';

/** A picture of a backup in a format that VS Code has no decoder for: says so, and takes it out. It reads nothing. */
export class HeicEditor implements vscode.CustomReadonlyEditorProvider {
  constructor(private readonly app: Pick<App, 'extensionUri'>) {}

  openCustomDocument(uri: vscode.Uri): vscode.CustomDocument {
    return { uri, dispose() {} };
  }

  resolveCustomEditor({ uri }: vscode.CustomDocument, panel: Pick<vscode.WebviewPanel, 'webview'>): void {
    const { path } = parseBackupUri(uri);
    const { extensionUri } = this.app;
    panel.webview.options = {
      enableScripts: false,
      enableCommandUris: ['iosBackup.extractFromBackup'],
      localResourceRoots: [vscode.Uri.joinPath(extensionUri, 'dist'), vscode.Uri.joinPath(extensionUri, 'media')],
    };
    const link = `command:iosBackup.extractFromBackup?${encodeURIComponent(JSON.stringify([uri]))}`;
    const name = path.slice(path.lastIndexOf('/') + 1);
    panel.webview.html = pageFrame(panel.webview, extensionUri, {
      title: name,
      styles: ['backup.css'],
      body:
        `<header class="bar"><span class="dim">${escapeHtml(path)}</span></header>` +
        `<p role="alert">${escapeHtml(t('VS Code cannot show pictures in HEIC format. Extract this one, and open it with another program.'))}</p>` +
        `<p><a class="button" role="button" href="${escapeHtml(link)}">${escapeHtml(t('Extract…'))}</a></p>`,
    });
  }
}
