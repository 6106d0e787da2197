import path from 'node:path';
import { AppError } from '../base/errors';
import {
  type ExtractOptions,
  type ExtractReport,
  extractAll,
  kindSelections,
  type OpenedBackup,
  photoDates,
} from '../backups';
import { Batch } from './batch';
import type { CallContext, ReaderCalls, ReaderProgress } from './protocol';
import { scopesOf } from './shownPaths';

/** Takes out what a person has chosen. @throws as extractAll(); AppError `notAllowed` for a target that is not absolute */
export async function extractWhat(
  backup: OpenedBackup,
  { target, what }: ReaderCalls['extract']['params'],
  { signal, onProgress }: CallContext,
): Promise<ExtractReport> {
  if (!path.isAbsolute(target)) throw new AppError('notAllowed', 'the target is not absolute');
  const batch = new Batch<never>(() => onProgress(now));
  let now: ReaderProgress = { files: 0, bytes: 0 };
  const options: ExtractOptions = {
    signal,
    onProgress: (progress) => {
      now = progress;
      batch.tick();
    },
  };
  switch (what.kind) {
    case 'everything':
      return extractAll(backup, [{}], target, options);
    case 'container':
      return extractAll(backup, [{ domain: `AppDomain-${what.bundleID}`, place: [] }], target, options);
    case 'paths': {
      const paths = await backup.paths();
      // A group holds several domains, each under its own name.
      const selections = what.paths.flatMap((at) =>
        scopesOf(paths, at).map(({ domain, relativePath }) => {
          if (domain === undefined) return {};
          const name = path.posix.basename(paths.pathOf(domain, relativePath ?? '') ?? at);
          return { domain, relativePath: relativePath ?? '', place: [name] };
        }),
      );
      return extractAll(backup, selections, target, options);
    }
    case 'photos':
      return extractAll(backup, kindSelections.photos, target, { ...options, modifiedOf: await photoDates(backup) });
    default:
      return extractAll(backup, kindSelections[what.kind], target, options);
  }
}
