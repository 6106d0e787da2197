import * as l10n from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from './app';
import { AutomaticBackups } from './automaticBackups';
import { registerCommands } from './commands/table';
import { EngineSession } from './engineSession';
import { RememberedPasswords } from './rememberedPasswords';
import { DevicePages } from './views/generalTab/devicePages';
import { registerViews } from './views/register';

interface Manifest {
  readonly version: string;
}

export function activate(context: vscode.ExtensionContext): void {
  if (vscode.l10n.bundle) l10n.config({ contents: vscode.l10n.bundle });
  const log = vscode.window.createOutputChannel('iOS Backup', { log: true });
  const { version } = context.extension.packageJSON as Manifest;
  const engine = new EngineSession(context.asAbsolutePath('dist/engine.js'), version, log);
  const app: App = {
    log,
    engine,
    pages: new DevicePages(),
    passwords: new RememberedPasswords(context.secrets),
    automatic: new AutomaticBackups(engine, context.globalState, log),
    extensionUri: context.extensionUri,
  };
  app.pages.attach(app);
  context.subscriptions.push(log, engine, app.pages, app.automatic, ...registerViews(app), ...registerCommands(app));
  engine.start(); // The first I/O, and nothing waits for it. A running job belongs to the engine, not to this window.
}
