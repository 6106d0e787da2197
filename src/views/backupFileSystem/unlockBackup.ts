import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../../app/app';
import { AppError, isAppError, toErrorData } from '../../base/errors';
import { showProblem } from '../showProblem';
import { withAbort } from '../../app/withAbort';

/** A derivation takes seconds; more remembered passwords than this are not tried. */
const MAX_TRIED = 3;

const asking = new Map<string, Promise<boolean>>();

/**
 * Unlocks a backup with the remembered password of its device, or asks for it; once, whoever asks at the same time.
 * @returns false if the person does not want to.
 * @throws AppError `notABackup`, `backupDamaged`, `keybagDamaged` …
 */
export function unlockBackup(app: App, id: string): Promise<boolean> {
  const there = asking.get(id);
  if (there) return there;
  const asked = unlock(app, id).finally(() => asking.delete(id));
  asking.set(id, asked);
  return asked;
}

async function unlock(app: App, id: string): Promise<boolean> {
  const { openBackups } = app;
  const { locked, udid } = await openBackups.info(id);
  if (!locked) return true;
  for (const password of (udid ? await app.passwords.candidates(udid) : []).slice(0, MAX_TRIED)) {
    if (await tryPassword(app, id, password)) return true;
  }
  const { name } = openBackups.backup(id);
  for (let wrong = false; ;) {
    const password = await vscode.window.showInputBox({
      title: t('Unlock “{0}”', name),
      prompt: wrong
        ? t('That is not the password of this backup. It can be an older one than the device has now.')
        : t('Password of the backup. It is kept in memory only, until the backup is locked.'),
      password: true,
      ignoreFocusOut: true,
      validateInput: (text) => (text === '' ? t('Enter the password.') : undefined),
    });
    if (password === undefined) return false;
    if (await tryPassword(app, id, password)) {
      if (udid !== undefined) void offerToRemember(app, udid, password, name);
      return true;
    }
    wrong = true;
  }
}

/** After it has opened the backup: nothing waits for the answer, and none means no. */
async function offerToRemember(app: App, udid: string, password: string, name: string): Promise<void> {
  const remember = t('Remember');
  const text = t(
    'Remember the password of “{0}”? It is kept in the system’s keychain, for this user of this computer.',
    name,
  );
  try {
    if ((await vscode.window.showInformationMessage(text, remember)) !== remember) return;
    await app.passwords.addEarlier(udid, password);
  } catch (error) {
    app.log.error(`remember the password of a backup: ${toErrorData(error).message}`);
    void showProblem(app, error);
  }
}

/** @returns whether it is the right one. */
async function tryPassword({ openBackups }: App, id: string, password: string): Promise<boolean> {
  const title = t('Unlocking “{0}”', openBackups.backup(id).name);
  try {
    await withAbort({ title, cancellable: true }, (signal) => openBackups.unlock(id, password, signal));
    return true;
  } catch (error) {
    if (isAppError(error, 'wrongPassword')) return false;
    throw error;
  }
}

/** @throws AppError `cancelled` if the person does not unlock it. */
export async function requireUnlocked(app: App, id: string): Promise<void> {
  if (!(await unlockBackup(app, id))) throw new AppError('cancelled', 'the backup stays locked');
}
