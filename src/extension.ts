import * as l10n from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from './app/app';
import { AutomaticBackups } from './app/automaticBackups';
import { commands, registerCommands } from './commands/table';
import { EngineSession } from './app/engineSession';
import { RememberedPasswords } from './app/rememberedPasswords';
import { Reminders } from './app/reminders';
import { KnownBackups } from './views/backupFileSystem/knownBackups';
import { OpenBackups } from './views/backupFileSystem/openBackups';
import { registerBackupFolders } from './views/backupFileSystem/register';
import { ComparisonView } from './views/compare/comparisonView';
import { DevicePages } from './views/generalTab/devicePages';
import { registerViews } from './views/register';
import { SearchResultsView } from './views/search/searchResultsView';
import { registerTasks } from './views/tasks/extractTaskProvider';
import { BackupsView } from './views/tree/backupsView';

interface Manifest {
  readonly version: string;
}

/** What other extensions can ask this one. */
export interface Api {
  /** Milliseconds that activation took; more than it worked when other programs needed the processor too. */
  readonly activationMs: number;
  /** Milliseconds that it worked. */
  readonly activationCpuMs: number;
}

export function activate(context: vscode.ExtensionContext): Api {
  const start = performance.now();
  const cpu = process.cpuUsage();
  if (vscode.l10n.bundle) l10n.config({ contents: vscode.l10n.bundle });
  const log = vscode.window.createOutputChannel('iOS Backup', { log: true });
  const { version } = context.extension.packageJSON as Manifest;
  const engine = new EngineSession(context.asAbsolutePath('dist/engine.js'), version, log);
  const passwords = new RememberedPasswords(context.secrets, context.globalState);
  const app: App = {
    log,
    engine,
    pages: new DevicePages(),
    backups: new BackupsView(engine),
    openBackups: new OpenBackups(new KnownBackups(context.globalState), context.asAbsolutePath('dist/reader.js'), log),
    backupViews: { searchResults: new SearchResultsView(), comparison: new ComparisonView() },
    passwords,
    automatic: new AutomaticBackups({ engine, passwords, log }, context.globalState),
    reminders: new Reminders(engine, context.globalState),
    extensionUri: context.extensionUri,
    hasCommand: (id) => Object.hasOwn(commands, id),
  };
  app.pages.attach(app);
  context.subscriptions.push(log, engine, app.pages, app.backups, app.automatic, app.reminders, app.openBackups);
  context.subscriptions.push(...registerViews(app), ...registerCommands(app));
  context.subscriptions.push(
    ...registerBackupFolders(app, app.backupViews),
    registerTasks(app, context.workspaceState),
  );
  engine.start(); // The first I/O, and nothing waits for it. A running job belongs to the engine, not to this window.
  const activationMs = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  const activationCpuMs = (user + system) / 1000;
  log.debug(`activated in ${activationMs.toFixed(1)} ms, ${activationCpuMs.toFixed(1)} ms of them at work`);
  return { activationMs, activationCpuMs };
}
