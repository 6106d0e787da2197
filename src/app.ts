import type * as vscode from 'vscode';
import type { AutomaticBackups } from './automaticBackups';
import type { EngineSession } from './engineSession';
import type { RememberedPasswords } from './rememberedPasswords';
import type { DevicePages } from './views/generalTab/devicePages';

/** What commands and views may use. Built once, in extension.ts. */
export interface App {
  readonly log: vscode.LogOutputChannel;
  readonly engine: EngineSession;
  /** The devices' pages (General tab). */
  readonly pages: DevicePages;
  readonly passwords: RememberedPasswords;
  readonly automatic: AutomaticBackups;
  readonly extensionUri: vscode.Uri;
}
