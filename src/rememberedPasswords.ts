import type * as vscode from 'vscode';

/** Backup passwords that a person chose to remember: in the system's keychain (SecretStorage), nowhere else. */
export class RememberedPasswords {
  constructor(private readonly secrets: vscode.SecretStorage) {}

  get(udid: string): Thenable<string | undefined> {
    return this.secrets.get(key(udid));
  }

  async has(udid: string): Promise<boolean> {
    return (await this.get(udid)) !== undefined;
  }

  set(udid: string, password: string): Thenable<void> {
    return this.secrets.store(key(udid), password);
  }

  forget(udid: string): Thenable<void> {
    return this.secrets.delete(key(udid));
  }
}

function key(udid: string): string {
  return `iosBackup.password.${udid}`;
}
