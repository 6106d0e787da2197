import { t } from '@vscode/l10n';
import type { RememberedState } from '../texts/lostPassword';
import type { App } from './app';
import { withAbort } from './withAbort';

/**
 * Tries what is remembered on the newest encrypted backup of a device. The one that opens it is offered from then on;
 * nothing that is kept changes.
 * @throws AppError with the engine's code; `cancelled`
 */
export async function tryRememberedPasswords(app: App, udid: string): Promise<RememberedState> {
  const candidates = await app.passwords.candidates(udid);
  const [likeliest] = candidates;
  if (likeliest === undefined) return 'none';
  const backup = app.engine.state?.catalogue.backups.find((one) => one.udid === udid && one.encrypted);
  if (!backup) {
    app.passwords.offer(udid, likeliest);
    return 'untried';
  }
  return withAbort({ title: t('Trying the remembered passwords'), cancellable: true }, async (signal, report) => {
    for (const [index, password] of candidates.entries()) {
      report(t('{0} of {1}', index + 1, candidates.length));
      if (!(await opensBackup(app.engine, { udid, path: backup.path, password }, signal))) continue;
      app.passwords.offer(udid, password);
      return 'found';
    }
    return 'noneFits';
  });
}

/**
 * The findings before a restore tell whether a password fits; nothing is restored.
 * @throws AppError with the engine's code; `cancelled`
 */
export async function opensBackup(
  engine: App['engine'],
  params: { readonly udid: string; readonly path: string; readonly password: string },
  signal: AbortSignal,
): Promise<boolean> {
  const findings = await engine.call('checkRestore', params, signal);
  return !findings.some(({ id }) => id === 'wrongPassword' || id === 'passwordNeeded');
}
