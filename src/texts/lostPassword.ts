import { t } from '@vscode/l10n';

/** A way out for a person who does not know the password of the backups. */
export interface LostPasswordSection {
  readonly title: string;
  readonly text: string;
  readonly steps: readonly string[];
  readonly actions: readonly { readonly label: string; readonly act: LostPasswordAct }[];
}

export type LostPasswordAct = 'tryRemembered' | 'change' | 'off';

/**
 * What is known of the remembered passwords: there are none; there are some; one of them opens the newest encrypted
 * backup; none does; there is no backup to try them on.
 */
export type RememberedState = 'none' | 'some' | 'found' | 'noneFits' | 'untried';

/** What to try, in this order. @param platform Of the computer that made the backups. */
export function lostPasswordHelp(
  remembered: RememberedState,
  platform: NodeJS.Platform,
): readonly LostPasswordSection[] {
  return [rememberedOnes(remembered), likelyOnes(), keychain(platform), resetAllSettings()];
}

function rememberedOnes(state: RememberedState): LostPasswordSection {
  const title = t('Passwords that are remembered here');
  const change = { label: t('Change Password…'), act: 'change' } as const;
  const off = { label: t('Turn Encryption Off…'), act: 'off' } as const;
  switch (state) {
    case 'none':
      return { title, text: t('None. Another computer that you use may remember one.'), steps: [], actions: [] };
    case 'some':
      return {
        title,
        text: t('They can be tried on the newest encrypted backup of this device. That takes a few seconds for each.'),
        steps: [],
        actions: [{ label: t('Try Them'), act: 'tryRemembered' }],
      };
    case 'found':
      return {
        title,
        text: t(
          'One of them opens the newest encrypted backup. Choose a new password with it, or turn encryption off:',
        ),
        steps: [],
        actions: [change, off],
      };
    case 'untried':
      return {
        title,
        text: t('There is no encrypted backup of this device to try them on. The likeliest is used when you go on:'),
        steps: [],
        actions: [change, off],
      };
    case 'noneFits':
      return { title, text: t('None of them opens the newest encrypted backup.'), steps: [], actions: [] };
  }
}

function likelyOnes(): LostPasswordSection {
  return {
    title: t('Passwords that are worth a try'),
    text: t(
      'The password may have been set years ago, on an earlier phone: it moves along to a new one. Often it is an old password of the Apple Account, of the computer, or the passcode of that time.',
    ),
    steps: [],
    actions: [],
  };
}

function keychain(platform: NodeJS.Platform): LostPasswordSection {
  if (platform === 'darwin') {
    return {
      title: t('Look into the Mac’s keychain'),
      text: t('Finder and iTunes can keep the password there, if that was chosen when it was set.'),
      steps: [
        t('Open Keychain Access and choose the “login” keychain.'),
        t('Search for “iOS Backup” or “iPhone Backup”.'),
        t('Open the entry, choose Show Password, and enter the password of your Mac account.'),
      ],
      actions: [],
    };
  }
  return {
    title: t('Look into the keychain of a Mac'),
    text: t(
      'If the device was ever backed up with a Mac, look there: open Keychain Access and search for “iOS Backup”. iTunes and Apple Devices on Windows keep no password that could be looked up.',
    ),
    steps: [],
    actions: [],
  };
}

function resetAllSettings(): LostPasswordSection {
  return {
    title: t('Reset All Settings on the device'),
    text: t(
      'This removes the backup password from the device. Photos, messages, apps and accounts stay. Wi-Fi networks, the wallpaper, the Home Screen layout, the keyboard dictionary, location and privacy settings, and cards in Apple Pay are lost. Earlier encrypted backups still need the old password.',
    ),
    steps: [
      t('On the device open Settings › General › Transfer or Reset › Reset.'),
      t('Choose Reset All Settings and enter the passcode; never Erase All Content and Settings.'),
      t('Connect the device here again, turn encryption on with a new password, and make a backup.'),
    ],
    actions: [],
  };
}
