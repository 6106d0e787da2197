import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../app/app';
import { strengthText } from '../texts/strength';
import { passwordStrength } from '../views/passwordStrength';

/** Of the device's present backups: the remembered one, else typed. @returns '' for the remembered one; undefined: closed. */
export async function askOldPassword(app: App, udid: string, title: string): Promise<string | undefined> {
  if (await app.passwords.has(udid)) {
    const use = { label: t('Use the remembered password'), typed: false };
    const type = { label: t('Enter another one'), typed: true };
    const picked = await vscode.window.showQuickPick([use, type], { title, ignoreFocusOut: true });
    if (!picked) return undefined;
    if (!picked.typed) return '';
  }
  return vscode.window.showInputBox({
    title,
    prompt: t('The password that backups of this device have now'),
    password: true,
    ignoreFocusOut: true,
    validateInput: notEmpty,
  });
}

/** Typed twice. @returns undefined if the person closed one of the two boxes. */
export async function askNewPassword(title: string): Promise<string | undefined> {
  const password = await vscode.window.showInputBox({
    title,
    prompt: t('Choose a password that you will not lose: without it nobody can open or restore these backups.'),
    password: true,
    ignoreFocusOut: true,
    validateInput: (typed) =>
      notEmpty(typed) ?? {
        message: strengthText(passwordStrength(typed)),
        severity: vscode.InputBoxValidationSeverity.Info,
      },
  });
  if (password === undefined) return undefined;
  const again = await vscode.window.showInputBox({
    title,
    prompt: t('The same password once more'),
    password: true,
    ignoreFocusOut: true,
    validateInput: (typed) => {
      if (typed === password) return undefined;
      const message = t('The two passwords are not the same.');
      // While it may still become the same, only Enter is refused.
      return typed !== '' && password.startsWith(typed)
        ? { message: t('Go on typing.'), severity: vscode.InputBoxValidationSeverity.Error }
        : { message, severity: vscode.InputBoxValidationSeverity.Error };
    },
  });
  return again === undefined ? undefined : password;
}

/** @returns undefined if the person closed the picker. */
export async function askRemember(title: string): Promise<boolean | undefined> {
  const picked = await vscode.window.showQuickPick(
    [
      { label: t('Do Not Remember'), detail: t('You enter it when it is needed.'), remember: false },
      {
        label: t('Remember'),
        detail: t('Kept in the system’s keychain, for this user of this computer.'),
        remember: true,
      },
    ],
    { title, placeHolder: t('Remember this password?'), ignoreFocusOut: true },
  );
  return picked?.remember;
}

function notEmpty(typed: string): string | undefined {
  return typed === '' ? t('Enter a password.') : undefined;
}
