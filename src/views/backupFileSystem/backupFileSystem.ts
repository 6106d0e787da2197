import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import { isAppError } from '../../base/errors';
import type { EntryKind } from '../../reader/protocol';
import { formatBytes } from '../../texts/format';
import { problem } from '../../texts/problems';
import { backupUri, type BackupPlace, parseBackupUri } from './backupUri';
import type { OpenBackups } from './openBackups';

/** VS Code's interface hands over files as a whole: beyond this they are for Extract. */
const MAX_FILE = 50 << 20;
const PART = 4 << 20;

/**
 * `ios-backup://<id>/<shown path>`: an opened backup, read only. A locked one shows a single file that says so and
 * unlocks it when opened, so that nothing asks for a password on its own.
 */
export class BackupFileSystem implements vscode.FileSystemProvider, vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  readonly #subscription: vscode.Disposable;
  readonly onDidChangeFile = this.#changed.event;

  constructor(
    private readonly backups: OpenBackups,
    /** Somebody opened the file that stands for a locked backup. */
    private readonly onWish: (id: string) => void,
    /** A locked backup is being shown. */
    private readonly onLocked: (id: string) => void,
  ) {
    this.#subscription = backups.onChange(({ id, locked }) => {
      // The explorer reads a folder again when something came or went in it.
      const type = locked ? vscode.FileChangeType.Created : vscode.FileChangeType.Deleted;
      this.#changed.fire([{ type, uri: backupUri({ id, path: placeholder() }) }]);
    });
  }

  dispose(): void {
    this.#subscription.dispose();
    this.#changed.dispose();
  }

  async stat(uri: vscode.Uri): Promise<vscode.FileStat> {
    const place = parseBackupUri(uri);
    if (isSettings(place)) throw vscode.FileSystemError.FileNotFound(uri);
    const permissions = vscode.FilePermission.Readonly;
    if (place.path === '') return { type: vscode.FileType.Directory, size: 0, ctime: 0, mtime: 0, permissions };
    if (place.path === placeholder()) {
      const size = Buffer.byteLength(placeholderText());
      return { type: vscode.FileType.File, size, ctime: 0, mtime: 0, permissions };
    }
    const { kind, size, created, modified } = await this.#ask(uri, () =>
      this.backups.call(place.id, 'stat', { path: place.path }),
    );
    return { type: fileType(kind), size, ctime: created, mtime: modified, permissions };
  }

  async readDirectory(uri: vscode.Uri): Promise<[string, vscode.FileType][]> {
    const { id, path } = parseBackupUri(uri);
    try {
      const entries = await this.backups.call(id, 'list', { path });
      return entries.map(({ name, kind }) => [name, fileType(kind)]);
    } catch (error) {
      if (isAppError(error, 'passwordNeeded') && path === '') {
        this.onLocked(id);
        return [[placeholder(), vscode.FileType.File]];
      }
      throw toFileSystemError(error, uri);
    }
  }

  async readFile(uri: vscode.Uri): Promise<Uint8Array> {
    const place = parseBackupUri(uri);
    if (isSettings(place)) throw vscode.FileSystemError.FileNotFound(uri);
    if (place.path === placeholder()) {
      this.onWish(place.id);
      return new TextEncoder().encode(placeholderText());
    }
    return this.#ask(uri, () => this.#read(place));
  }

  async #read({ id, path }: BackupPlace): Promise<Uint8Array> {
    const { kind, size } = await this.backups.call(id, 'stat', { path });
    if (kind === 'folder') throw vscode.FileSystemError.FileIsADirectory(path);
    if (size > MAX_FILE) {
      const text = t(
        'This file has {0}, too much for an editor. Use Extract… from its context menu.',
        formatBytes(size),
      );
      throw vscode.FileSystemError.Unavailable(text);
    }
    const whole = new Uint8Array(size);
    for (let offset = 0; offset < size;) {
      const part = await this.backups.call(id, 'read', { path, offset, length: Math.min(PART, size - offset) });
      if (part.length === 0) return whole.subarray(0, offset);
      whole.set(part, offset);
      offset += part.length;
    }
    return whole;
  }

  async #ask<T>(uri: vscode.Uri, question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (error) {
      throw toFileSystemError(error, uri);
    }
  }

  /** A finished backup does not change. */
  watch(): vscode.Disposable {
    return new vscode.Disposable(() => {});
  }

  createDirectory(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  writeFile(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  delete(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  rename(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }
}

/** VS Code looks for these in every folder, also in a locked one; no backup has them there. */
function isSettings({ path }: BackupPlace): boolean {
  return path.startsWith('.vscode/') || path === '.vscode' || path === '.git';
}

function fileType(kind: EntryKind): vscode.FileType {
  switch (kind) {
    case 'folder':
      return vscode.FileType.Directory;
    case 'link':
      return vscode.FileType.SymbolicLink | vscode.FileType.File;
    case 'file':
      return vscode.FileType.File;
  }
}

function toFileSystemError(error: unknown, uri: vscode.Uri): unknown {
  if (!isAppError(error)) return error;
  const { code, details } = error;
  if (code === 'fileNotFound') return vscode.FileSystemError.FileNotFound(uri);
  if (code === 'passwordNeeded')
    return vscode.FileSystemError.NoPermissions(t('This backup is locked. Unlock it first.'));
  const { text, next } = problem(code, details);
  return vscode.FileSystemError.Unavailable(`${text} ${next}`);
}

function placeholder(): string {
  return t('Locked – open to unlock');
}

function placeholderText(): string {
  return t('This backup is locked. Its contents appear when it is unlocked with its password.\n');
}
