import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../../app/app';
import { toErrorData } from '../../base/errors';
import { problem } from '../../texts/problems';
import { parseBackupUri } from '../backupFileSystem/backupUri';
import { escapeHtml, pageFrame } from '../pageFrame';
import { backupTextUri } from '../compare/backupTextDocuments';

/** A property list of a backup, binary or XML, as readable text. It has no script: what it shows is somebody else's. */
export class PlistEditor implements vscode.CustomReadonlyEditorProvider {
  constructor(private readonly app: App) {}

  openCustomDocument(uri: vscode.Uri): vscode.CustomDocument {
    return { uri, dispose() {} };
  }

  async resolveCustomEditor({ uri }: vscode.CustomDocument, panel: vscode.WebviewPanel): Promise<void> {
    const { id, path } = parseBackupUri(uri);
    panel.webview.options = {
      enableScripts: false,
      // Only the one link in the frame; text of the file is escaped and cannot be one.
      enableCommandUris: ['vscode.open'],
      localResourceRoots: [
        vscode.Uri.joinPath(this.app.extensionUri, 'dist'),
        vscode.Uri.joinPath(this.app.extensionUri, 'media'),
      ],
    };
    const name = path.slice(path.lastIndexOf('/') + 1);
    const frame = (body: string) =>
      pageFrame(panel.webview, this.app.extensionUri, { title: name, styles: ['backup.css'], body });
    const draw = async () => {
      try {
        const text = await this.app.openBackups.call(id, 'plistText', { path });
        const asText = backupTextUri(id, `${name}.txt`, { kind: 'file', path });
        const link = `command:vscode.open?${encodeURIComponent(JSON.stringify([asText]))}`;
        panel.webview.html = frame(
          `<header class="bar"><span class="dim">${escapeHtml(path)}</span><a href="${escapeHtml(link)}">${escapeHtml(t('Open as Text'))}</a></header>` +
            `<pre class="plist" tabindex="0">${coloured(text)}</pre>`,
        );
      } catch (error) {
        const { code, details, message } = toErrorData(error);
        this.app.log.warn(`plist editor: ${code}: ${message}`);
        const { text, next } = problem(code, details);
        const what = code === 'unexpected' ? t('This property list cannot be read.') : `${text} ${next}`;
        panel.webview.html = frame(`<p role="alert">${escapeHtml(what)}</p>`);
      }
    };
    // An editor that came back with the window waits for the password.
    const subscription = this.app.openBackups.onChange((change) => {
      if (change.id === id && !change.locked) void draw();
    });
    panel.onDidDispose(() => void subscription.dispose());
    await draw();
  }
}

/** Characters that get colours; more would make the page slow. */
const MAX_COLOURED = 400_000;

/** Keys, texts, numbers and remarks in the theme's colours. */
function coloured(text: string): string {
  if (text.length > MAX_COLOURED) return escapeHtml(text);
  return text.split('\n').map(colouredLine).join('\n');
}

function colouredLine(line: string): string {
  const [, indent = '', key = '', rest = ''] =
    /^(\s*(?:- |= |\? )*)((?:"(?:[^"\\]|\\.)*"|[^":]+?):(?= |$))?(.*)$/.exec(line) ?? [];
  const value = rest.trimStart();
  const kind = value.startsWith('"')
    ? 'string'
    : value.startsWith('#') || value.startsWith('&') || value.startsWith('*')
      ? 'remark'
      : value.startsWith('<')
        ? 'data'
        : 'number';
  const shownKey = key === '' ? '' : `<span class="key">${escapeHtml(key)}</span>`;
  return `${escapeHtml(indent)}${shownKey}<span class="${kind}">${escapeHtml(rest)}</span>`;
}
