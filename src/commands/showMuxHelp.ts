import * as vscode from 'vscode';
import type { App } from '../app/app';

/** The README's section on connecting. */
export async function showMuxHelp({ extensionUri }: App): Promise<void> {
  await vscode.commands.executeCommand(
    'markdown.showPreview',
    vscode.Uri.joinPath(extensionUri, 'README.md').with({ fragment: 'troubleshooting' }),
  );
}
