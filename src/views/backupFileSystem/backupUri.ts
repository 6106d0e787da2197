import * as vscode from 'vscode';

export const BACKUP_SCHEME = 'ios-backup';
/** Files of a backup as readable text: `ios-backup-text://<id>/<path>?<BackupTextQuery>`. */
export const BACKUP_TEXT_SCHEME = 'ios-backup-text';

/** Where in an opened backup. The id stands for the backup's folder; nothing else of it is in the address. */
export interface BackupPlace {
  readonly id: string;
  /** Shown path, without a leading slash; empty for the root. */
  readonly path: string;
}

export function backupUri({ id, path }: BackupPlace): vscode.Uri {
  return vscode.Uri.from({ scheme: BACKUP_SCHEME, authority: id, path: `/${path}` });
}

/** @throws vscode.FileSystemError for an address of another form. */
export function parseBackupUri(uri: vscode.Uri): BackupPlace {
  if (uri.scheme !== BACKUP_SCHEME || !/^[0-9a-f]{16}$/.test(uri.authority))
    throw vscode.FileSystemError.FileNotFound(uri);
  return { id: uri.authority, path: uri.path.replace(/^\/+|\/+$/g, '') };
}
