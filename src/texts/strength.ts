import { t } from '@vscode/l10n';

/** How long guessing a password takes, in a word. */
export function strengthText(strength: 0 | 1 | 2 | 3): string {
  return strengthTexts()[strength];
}

export function strengthTexts(): readonly [string, string, string, string] {
  return [
    t('Very weak: guessed in no time'),
    t('Weak: a patient attacker guesses it'),
    t('Fair: longer is better'),
    t('Strong'),
  ];
}
