/** Both sides import this file; it imports nothing. Texts come ready to show: the page only draws. */

/** Everything the page shows. Sent whole on every change: a few KiB. */
export interface PageState {
  readonly udid: string;
  readonly header: HeaderState;
  /** While the device cannot be used: what stands in the way, and the one thing to do. The rest is then left out. */
  readonly notice?: NoticeState;
  readonly job?: JobState;
  /** How the last job ended, until dismissed. */
  readonly result?: ResultState;
  readonly reminder?: ReminderState;
  readonly backup?: BackupState;
  readonly place?: PlaceState;
  readonly options?: OptionsState;
  readonly history: readonly HistoryRow[];
}

export interface HeaderState {
  readonly picture: 'phone' | 'tablet' | 'player';
  readonly connected: boolean;
  readonly name: string;
  /** Model, iOS version, battery, connection. */
  readonly facts: readonly string[];
  /** `fraction` used, 0..1. */
  readonly capacity?: { readonly fraction: number; readonly text: string };
  /** Serial number, UDID …: shown on demand, each with a copy button. */
  readonly details: readonly { readonly label: string; readonly value: string }[];
}

export type Tone = 'plain' | 'good' | 'warning' | 'bad';

export interface NoticeState {
  readonly tone: Tone;
  readonly title: string;
  readonly text: string;
  /** The device is being waited for. */
  readonly busy: boolean;
  readonly action?: NoticeAction;
  readonly second?: NoticeAction;
}

export interface NoticeAction {
  readonly label: string;
  readonly intent: 'trust' | 'cancelTrust' | 'showMuxHelp' | 'showLog' | 'reconnect';
}

export interface JobState {
  readonly id: string;
  readonly title: string;
  readonly stage: string;
  /** 0..1; absent while unknown. */
  readonly fraction?: number;
  /** Percent, bytes, files, rate, time gone. */
  readonly facts: readonly string[];
  readonly canCancel: boolean;
  /** The device waits for its passcode. */
  readonly passcode?: { readonly title: string; readonly text: string };
}

export interface ResultState {
  readonly jobId: string;
  readonly tone: Tone;
  readonly title: string;
  readonly text: string;
  /** The one next step, where a command takes it. */
  readonly action?: { readonly label: string; readonly command: ResultCommand };
}

export const RESULT_COMMANDS = [
  'iosBackup.showMuxHelp',
  'iosBackup.trustDevice',
  'iosBackup.chooseFolder',
  'iosBackup.backUpNow',
  'iosBackup.fullBackup',
  'iosBackup.forgotPassword',
  'iosBackup.showLog',
  'iosBackup.allowAccess',
] as const;
export type ResultCommand = (typeof RESULT_COMMANDS)[number];

export interface ReminderState {
  readonly title: string;
  readonly text: string;
}

export interface BackupState {
  readonly tone: Tone;
  /** When the last backup to this computer was; or that there is none. */
  readonly title: string;
  readonly facts: readonly string[];
  /** What the next one needs and what is free; a warning when it does not fit. */
  readonly next: readonly { readonly tone: Tone; readonly text: string }[];
  readonly canBackUp: boolean;
  readonly canManage: boolean;
  /** Absent: this window does not offer it. */
  readonly canOpen?: boolean;
  readonly canRestore?: boolean;
}

export interface PlaceState {
  /** A job runs: nothing can be changed before it has ended. */
  readonly busy: boolean;
  readonly cloud: ChoiceState;
  readonly computer: ChoiceState;
  /** Why neither of the two can be chosen; absent when they can. */
  readonly cloudLocked?: string;
  readonly folder: { readonly text: string; readonly warning?: string };
  readonly encryption: ChoiceState & { readonly canChangePassword: boolean };
}

/** A radio button or check box. */
export interface ChoiceState {
  readonly checked: boolean;
  readonly text: string;
  /** Why it cannot be changed now; absent when it can. */
  readonly lockedBecause?: string;
}

export interface OptionsState {
  readonly wifi: ChoiceState;
  readonly automatic: ChoiceState & { readonly everyHours: number };
}

export interface HistoryRow {
  readonly tone: Tone;
  readonly when: string;
  readonly what: string;
}

/** Host → page. */
export type ToPage =
  | { readonly type: 'state'; readonly state: PageState }
  /** Opens the dialog for a password; `remembered`: the old one need not be typed. */
  | { readonly type: 'askPassword'; readonly change: PasswordChange; readonly remembered: boolean }
  /** Opens the dialog for a lost password. */
  | { readonly type: 'forgotPassword'; readonly help: readonly HelpSection[] };

export type PasswordChange = 'on' | 'change' | 'off';

/** A way out, in the order in which to try them. */
export interface HelpSection {
  readonly title: string;
  readonly text: string;
  readonly steps: readonly string[];
  readonly actions: readonly { readonly label: string; readonly act: 'tryRemembered' | 'change' | 'off' }[];
}

/** Page → host. `ready` comes first, after each (re)load; the host answers with the state. */
export type FromPage =
  | { readonly type: 'ready' }
  | {
      readonly type:
        | 'trust'
        | 'cancelTrust'
        | 'showMuxHelp'
        | 'reconnect'
        | 'backUpNow'
        | 'dismissReminder'
        | 'manageBackups'
        | 'restore'
        | 'openBackup'
        | 'chooseFolder'
        | 'forgotPassword'
        | 'tryRemembered'
        | 'showLog';
    }
  | { readonly type: 'askPassword'; readonly change: PasswordChange }
  | { readonly type: 'takeStep'; readonly command: ResultCommand }
  | { readonly type: 'cancelJob' | 'dismissJob'; readonly jobId: string }
  | { readonly type: 'setCloud' | 'setWifi' | 'setAutomatic'; readonly on: boolean }
  | { readonly type: 'setAutomaticHours'; readonly hours: number }
  | { readonly type: 'copy'; readonly text: string }
  | {
      readonly type: 'password';
      readonly change: PasswordChange;
      /** Empty: the remembered one. */
      readonly oldPassword: string;
      readonly newPassword: string;
      readonly remember: boolean;
    };

/** Texts that the page chooses itself, because they depend on what is typed. */
export interface PageWords {
  readonly headings: Readonly<Record<PasswordChange, string>>;
  readonly texts: Readonly<Record<PasswordChange, string>>;
  readonly buttons: Readonly<Record<PasswordChange, string>>;
  readonly strength: readonly [string, string, string, string];
  readonly differ: string;
  readonly empty: string;
  readonly copy: string;
  readonly copied: string;
}

/** What the page asks the window to remember over a reload. */
export interface PageMemory {
  readonly udid: string;
}
