import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../app/app';
import { isCancellation } from '../base/errors';
import type { FoundContent } from '../reader/protocol';
import { formatBytes, formatNumber } from '../texts/format';
import { backupUri } from '../views/backupFileSystem/backupUri';
import { withAbort } from '../app/withAbort';
import { backupTextUri } from '../views/compare/backupTextDocuments';
import { openDatabaseAt } from '../views/sqliteEditor/sqliteEditor';
import { type BackupTarget, chooseOpenBackup } from './chooseOpenBackup';

/** Searches the contents of an opened backup, or of the clicked folder; what is found fills a tree as it comes. */
export async function searchBackup(app: App, target?: BackupTarget): Promise<void> {
  const place = await chooseOpenBackup(app, target);
  if (!place) return;
  const { id, path } = place;
  const { name } = app.openBackups.backup(id);
  const text = await vscode.window.showInputBox({
    title: t('Search in {0}', path === '' ? `“${name}”` : `“${path}”`),
    prompt: t('Text in files, property lists and databases. Letters match whatever their case.'),
    validateInput: (value) => (value === '' ? t('Enter what to search for.') : undefined),
  });
  if (text === undefined) return;
  const { searchResults } = app.backupViews;
  searchResults.start(id, text);
  const title = t('Searching for “{0}”', text);
  let files = 0;
  try {
    const result = await withAbort({ title, cancellable: true }, (signal, report) =>
      app.openBackups.call(
        id,
        'searchContents',
        { text, path },
        {
          signal,
          onProgress: ({ files: done, bytes, matches = [] }) => {
            files = done;
            searchResults.add(matches);
            report(t('{0} files, {1}', formatNumber(done), formatBytes(bytes)));
          },
        },
      ),
    );
    searchResults.finish({ ...result, complete: true });
  } catch (error) {
    searchResults.finish({ files, unreadable: 0, complete: false });
    if (!isCancellation(error)) throw error;
  }
}

interface Hit {
  readonly id: string;
  readonly path: string;
  readonly place: FoundContent['place'];
}

/** Opens what a row of the results stands for, at the line or row. */
export async function openSearchHit(_app: App, target?: unknown): Promise<void> {
  if (!isHit(target)) return;
  const { id, path, place } = target;
  const uri = backupUri({ id, path });
  if (place.kind === 'row') {
    await openDatabaseAt(uri, place);
    return;
  }
  const at = new vscode.Position(place.line - 1, 0);
  const selection = new vscode.Range(at, at);
  // Lines of a property list are those of its readable text.
  const name = path.slice(path.lastIndexOf('/') + 1);
  const readable = backupTextUri(id, `${name}.txt`, { kind: 'file', path });
  const document = await vscode.workspace.openTextDocument(readable);
  await vscode.window.showTextDocument(document, { selection, preview: true });
}

function isHit(value: unknown): value is Hit {
  return typeof value === 'object' && value !== null && 'id' in value && 'path' in value && 'place' in value;
}
