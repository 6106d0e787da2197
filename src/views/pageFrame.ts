import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';

/** A page's parts that are ours. Everything in `body` that is not must be escaped already. */
export interface PageParts {
  readonly title: string;
  /** Files of media/. */
  readonly styles: readonly string[];
  readonly body: string;
  /** A file of dist/. Without one nothing can run in the page. */
  readonly script?: string;
  /** Pictures inside the page, as data: addresses. */
  readonly pictures?: boolean;
}

/** The frame of a page that shows what is in a backup: nothing is loaded from anywhere but the extension's own folders. */
export function pageFrame(webview: vscode.Webview, extensionUri: vscode.Uri, parts: PageParts): string {
  const { title, styles, body, script, pictures } = parts;
  const uri = (...names: string[]) => webview.asWebviewUri(vscode.Uri.joinPath(extensionUri, ...names)).toString();
  const nonce = randomBytes(16).toString('base64');
  const policy = [
    "default-src 'none'",
    `style-src ${webview.cspSource}`,
    `font-src ${webview.cspSource}`,
    ...(script === undefined ? [] : [`script-src 'nonce-${nonce}'`]),
    ...(pictures ? ['img-src data:'] : []),
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="${escapeHtml(vscode.env.language)}">
<head>
  <meta charset="UTF-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta http-equiv="Content-Security-Policy" content="${policy}">
  <link rel="stylesheet" href="${uri('dist', 'codicon.css')}">
  ${styles.map((name) => `<link rel="stylesheet" href="${uri('media', name)}">`).join('\n  ')}
  <title>${escapeHtml(title)}</title>
</head>
<body>
${body}
${script === undefined ? '' : `<script nonce="${nonce}" src="${uri('dist', script)}"></script>`}
</body>
</html>`;
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
