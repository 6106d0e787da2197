import type * as vscode from 'vscode';
import type { OpenBackups } from '../views/backupFileSystem/openBackups';
import type { BackupViews } from '../views/backupFileSystem/register';
import type { DevicePages } from '../views/generalTab/devicePages';
import type { BackupsView } from '../views/tree/backupsView';
import type { AutomaticBackups } from './automaticBackups';
import type { EngineSession } from './engineSession';
import type { RememberedPasswords } from './rememberedPasswords';
import type { Reminders } from './reminders';

/** What commands and views may use. Built once, in extension.ts. */
export interface App {
  readonly log: vscode.LogOutputChannel;
  readonly engine: EngineSession;
  /** The devices' pages (General tab). */
  readonly pages: DevicePages;
  readonly backups: BackupsView;
  /** Backups that are open as folders. */
  readonly openBackups: OpenBackups;
  readonly backupViews: BackupViews;
  readonly passwords: RememberedPasswords;
  readonly automatic: AutomaticBackups;
  readonly reminders: Reminders;
  readonly extensionUri: vscode.Uri;
  /** Whether this window offers a command: what cannot be done is not shown. */
  readonly hasCommand: (id: string) => boolean;
}
