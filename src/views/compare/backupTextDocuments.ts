import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../../app/app';
import { toErrorData } from '../../base/errors';
import { problem } from '../../texts/problems';
import { BACKUP_TEXT_SCHEME } from '../backupFileSystem/backupUri';

/** Which text: a file of the backup itself, or of either side of its open comparison. */
export type BackupText =
  | { readonly kind: 'file'; readonly path: string }
  | {
      readonly kind: 'side';
      readonly side: 'before' | 'after';
      readonly domain: string;
      readonly relativePath: string;
    };

/** @param name Shown in the editor's tab. */
export function backupTextUri(id: string, name: string, text: BackupText): vscode.Uri {
  return vscode.Uri.from({ scheme: BACKUP_TEXT_SCHEME, authority: id, path: `/${name}`, query: JSON.stringify(text) });
}

/** Files of backups as readable text: property lists, databases with sorted rows, hexadecimal dumps. In memory only. */
export class BackupTextDocuments implements vscode.TextDocumentContentProvider {
  constructor(private readonly app: App) {}

  async provideTextDocumentContent(uri: vscode.Uri, token: vscode.CancellationToken): Promise<string> {
    const abort = new AbortController();
    token.onCancellationRequested(() => abort.abort());
    const text = readQuery(uri.query);
    const { openBackups } = this.app;
    const options = { signal: abort.signal };
    try {
      if (!text) throw new Error(`no text is named by ${uri.query}`);
      if (text.kind === 'file')
        return await openBackups.call(uri.authority, 'readableText', { path: text.path }, options);
      const { side, domain, relativePath } = text;
      return await openBackups.call(uri.authority, 'comparedText', { side, domain, relativePath }, options);
    } catch (error) {
      const { code, details } = toErrorData(error);
      const { text: what, next } = problem(code, details);
      return `${t('This file cannot be shown.')}\n${what} ${next}\n`;
    }
  }
}

/** Addresses can come from anywhere, a restored window for instance: looked at field by field. */
function readQuery(query: string): BackupText | undefined {
  let value: unknown;
  try {
    value = JSON.parse(query);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { kind, path, side, domain, relativePath } = value as Readonly<Record<string, unknown>>;
  if (kind === 'file' && typeof path === 'string') return { kind, path };
  if (kind !== 'side' || (side !== 'before' && side !== 'after')) return undefined;
  if (typeof domain !== 'string' || typeof relativePath !== 'string') return undefined;
  return { kind, side, domain, relativePath };
}
