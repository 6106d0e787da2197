import * as vscode from 'vscode';
import type { App } from '../app/app';
import { diagnosticsText } from '../texts/diagnostics';

/** A text for a report of a problem, which the person reads before anybody else does. */
export async function showDiagnostics({ engine }: App): Promise<void> {
  const diagnosis = await engine.call('diagnose', {});
  const { state } = engine;
  if (!state) return;
  const content = diagnosticsText({ program: `${engine.build ?? '?'} in VS Code ${vscode.version}`, diagnosis, state });
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument({ content }), { preview: true });
}
