import { type OpenedBackup, searchContents, searchNames } from '../backups';
import { Batch } from './batch';
import type { CallContext, FoundContent, NamedPath, ReaderCalls } from './protocol';
import { scopesOf, shownKind } from './shownPaths';

/** Names that contain a text, up to a limit. @throws as searchNames() */
export async function findNames(
  backup: OpenedBackup,
  { text, limit }: ReaderCalls['searchNames']['params'],
  { signal }: CallContext,
): Promise<ReaderCalls['searchNames']['result']> {
  const paths = await backup.paths();
  const matches: NamedPath[] = [];
  for await (const { domain, relativePath, kind } of searchNames(backup.manifest, text, signal)) {
    const at = relativePath === '' ? undefined : paths.pathOf(domain, relativePath);
    if (at === undefined) continue;
    if (matches.length >= limit) return { matches, more: true };
    matches.push({ path: at, kind: shownKind(kind) });
  }
  return { matches, more: false };
}

/** Contents that contain a text; they come with the progress. @throws as searchContents() */
export async function findContents(
  backup: OpenedBackup,
  { text, path: at }: ReaderCalls['searchContents']['params'],
  { signal, onProgress }: CallContext,
): Promise<ReaderCalls['searchContents']['result']> {
  const paths = await backup.paths();
  const batch = new Batch<FoundContent>((matches) => onProgress({ files, bytes, unreadable, matches }));
  let [files, bytes, unreadable] = [0, 0, 0];
  for (const scope of scopesOf(paths, at)) {
    const before = { files, bytes, unreadable };
    const onScope = (one: { readonly files: number; readonly bytes: number; readonly unreadable: number }) => {
      files = before.files + one.files;
      bytes = before.bytes + one.bytes;
      unreadable = before.unreadable + one.unreadable;
      batch.tick();
    };
    for await (const match of searchContents(backup, text, scope, { signal, onProgress: onScope })) {
      const shownAt = paths.pathOf(match.domain, match.relativePath);
      if (shownAt !== undefined) batch.add({ ...match, path: shownAt });
    }
  }
  batch.flush();
  return { files, unreadable };
}
