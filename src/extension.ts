import * as vscode from 'vscode';

export function activate(context: vscode.ExtensionContext): void {
  const log = vscode.window.createOutputChannel('iOS Backup', { log: true });
  context.subscriptions.push(
    log,
    vscode.commands.registerCommand('iosBackup.showLog', () => log.show()),
  );
}
