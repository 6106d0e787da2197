import type * as vscode from 'vscode';
import type { EngineSession } from './engineSession';
import type { DevicePages } from './views/generalTab/devicePages';

/** What commands and views may use. Built once, in extension.ts. */
export interface App {
  readonly log: vscode.LogOutputChannel;
  readonly engine: EngineSession;
  /** The devices' pages (General tab). */
  readonly pages: DevicePages;
  readonly secrets: vscode.SecretStorage;
  /** Small facts of this installation, kept across windows; never a secret. */
  readonly memento: vscode.Memento;
  readonly extensionUri: vscode.Uri;
}
