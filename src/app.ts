import type * as vscode from 'vscode';
import type { AutomaticBackups } from './automaticBackups';
import type { EngineSession } from './engineSession';
import type { Reminders } from './reminders';
import type { RememberedPasswords } from './rememberedPasswords';
import type { DevicePages } from './views/generalTab/devicePages';
import type { BackupsView } from './views/tree/backupsView';

/** What commands and views may use. Built once, in extension.ts. */
export interface App {
  readonly log: vscode.LogOutputChannel;
  readonly engine: EngineSession;
  /** The devices' pages (General tab). */
  readonly pages: DevicePages;
  readonly backups: BackupsView;
  readonly passwords: RememberedPasswords;
  readonly automatic: AutomaticBackups;
  readonly reminders: Reminders;
  readonly extensionUri: vscode.Uri;
  /** Whether this window offers a command: what cannot be done is not shown. */
  readonly hasCommand: (id: string) => boolean;
}
