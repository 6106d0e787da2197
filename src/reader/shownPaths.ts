import { AppError } from '../base/errors';
import type { BackupFile, BackupPaths } from '../backups';
import type { EntryKind } from './protocol';

/** The domains, or the part of one, that a shown path covers. */
export function scopesOf(
  paths: BackupPaths,
  at: string,
): readonly { readonly domain?: string; readonly relativePath?: string }[] {
  const target = paths.resolve(at);
  if (!target) throw notFound(at);
  if (target.kind === 'entry') return [{ domain: target.domain, relativePath: target.relativePath }];
  if (at === '') return [{}];
  return paths.folders.filter((folder) => folder.path.startsWith(`${at}/`)).map(({ domain }) => ({ domain }));
}

export function shownKind(kind: BackupFile['kind']): EntryKind {
  return kind === 'directory' ? 'folder' : kind;
}

export function notFound(at: string): AppError {
  return new AppError('fileNotFound', `the backup has no ${at}`);
}
