import { randomBytes } from 'node:crypto';
import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import { type Contents, contentsHtml } from './contentsHtml';

const panels = new Map<string, vscode.WebviewPanel>();

/** Opens the page of a backup's contents, or shows the one that is open with new numbers. @param key One page for each */
export function showContents(key: string, contents: Contents): void {
  const name = t('What Is in It');
  let panel = panels.get(key);
  if (!panel) {
    panel = vscode.window.createWebviewPanel('iosBackup.contents', name, vscode.ViewColumn.Active, {
      enableFindWidget: true,
      localResourceRoots: [],
    });
    panel.onDidDispose(() => panels.delete(key));
    panels.set(key, panel);
  }
  panel.title = t('{0}: {1}', name, contents.title);
  panel.webview.html = contentsHtml(contents, randomBytes(16).toString('base64'));
  panel.reveal();
}
