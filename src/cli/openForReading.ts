import path from 'node:path';
import { OpenedBackup, type PathTarget } from '../backups';
import { AppError } from '../base/errors';
import type { CommandContext } from './command';

/**
 * Opens a backup, with the password from standard input if it is encrypted. The caller closes it.
 * @param like Its password is tried first: two backups of one device mostly have the same.
 * @throws AppError `notABackup`, `passwordNeeded`, `wrongPassword`, `backupDamaged` …
 */
export async function openForReading(
  { secrets, signal }: Pick<CommandContext, 'secrets' | 'signal'>,
  folder: string,
  like?: OpenedBackup,
): Promise<OpenedBackup> {
  const backup = await OpenedBackup.open(path.resolve(folder));
  try {
    if (backup.locked && !(like && (await backup.unlockLike(like)))) {
      await backup.unlock(await secrets.read('Backup password'), signal);
    }
    return backup;
  } catch (error) {
    backup.close();
    throw error;
  }
}

/**
 * What `DOMAIN[/PATH]` names: a domain of the device with a path in it, or the same under the names that the editor
 * shows (`Apps/Notes/Documents`).
 * @throws AppError `fileNotFound`
 */
export async function findInBackup(backup: OpenedBackup, text: string): Promise<PathTarget> {
  const plain = text.replace(/\/+$/, '');
  const slash = plain.indexOf('/');
  const domain = slash < 0 ? plain : plain.slice(0, slash);
  const relativePath = slash < 0 ? '' : plain.slice(slash + 1);
  if (backup.manifest.domainNames().some((one) => one.domain === domain))
    return { kind: 'entry', domain, relativePath };
  const target = (await backup.paths()).resolve(plain);
  if (!target) throw new AppError('fileNotFound', `the backup has no ${text}`);
  return target;
}
