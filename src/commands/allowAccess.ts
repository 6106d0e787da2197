import * as vscode from 'vscode';

/** macOS' page of Full Disk Access, where a person adds Visual Studio Code. No program can do that itself. */
export async function allowAccess(): Promise<void> {
  await vscode.env.openExternal(
    vscode.Uri.parse('x-apple.systempreferences:com.apple.preference.security?Privacy_AllFiles'),
  );
}
