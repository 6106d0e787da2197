import path from 'node:path';
import * as vscode from 'vscode';
import type { BackupSummary } from '../../backups/types';
import { AppError, isAppError, toErrorData } from '../../base/errors';
import { type CallOptions, ReaderProcess } from '../../reader/client';
import type { OpenedBackupInfo, ReaderCalls, ReaderMethod } from '../../reader/protocol';
import { formatDateTime } from '../../texts/format';
import { lockAfterMinutes } from '../../app/settings';
import { BACKUP_SCHEME } from './backupUri';
import type { KnownBackup, KnownBackups } from './knownBackups';

/** What happened to which backup. */
export interface LockChange {
  readonly id: string;
  readonly locked: boolean;
}

/** A reader and what it said about its backup. */
interface Session {
  readonly reader: ReaderProcess;
  readonly info: OpenedBackupInfo;
  locked: boolean;
}

/**
 * The backups that this window has open: one reader process each, started when something is asked for and ended by Lock,
 * by idle time or with the window. The extension host only passes on what readers answer.
 */
export class OpenBackups implements vscode.Disposable {
  readonly #sessions = new Map<string, Promise<Session>>();
  readonly #changed = new vscode.EventEmitter<LockChange>();
  readonly #subscription: vscode.Disposable;
  /** After an encrypted backup was unlocked or locked. */
  readonly onChange = this.#changed.event;

  constructor(
    readonly known: KnownBackups,
    private readonly readerPath: string,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.#subscription = vscode.workspace.onDidChangeWorkspaceFolders(({ removed }) => {
      for (const { uri } of removed) if (uri.scheme === BACKUP_SCHEME) this.lock(uri.authority);
    });
  }

  /** The backups that are folders of this window. */
  get folders(): readonly { readonly id: string; readonly name: string }[] {
    const folders = vscode.workspace.workspaceFolders ?? [];
    return folders
      .filter(({ uri }) => uri.scheme === BACKUP_SCHEME)
      .map(({ uri, name }) => ({ id: uri.authority, name }));
  }

  /** Gives a backup's folder its id, and the name that people see. */
  register(backup: Pick<BackupSummary, 'path'> & Partial<BackupSummary>): Promise<string> {
    const { path: folder, label, deviceName, date } = backup;
    const device = [deviceName, date && formatDateTime(date)].filter(Boolean).join(', ');
    return this.known.add({ folder, name: label ?? (device || path.basename(folder)) });
  }

  /** @throws AppError `notABackup` if this computer does not know it. */
  backup(id: string): KnownBackup {
    const known = this.known.get(id);
    if (!known) throw new AppError('notABackup', 'this backup is not known on this computer');
    return known;
  }

  /** @throws AppError `passwordNeeded` while it is locked, and the reader's own. */
  async call<M extends ReaderMethod>(
    id: string,
    method: M,
    params: ReaderCalls[M]['params'],
    options: CallOptions = {},
  ): Promise<ReaderCalls[M]['result']> {
    const session = await this.#session(id);
    if (session.locked) throw new AppError('passwordNeeded', 'the backup is locked');
    return session.reader.call(method, params, options);
  }

  /** What the backup says about itself; needs no password. */
  async info(id: string): Promise<OpenedBackupInfo & { readonly locked: boolean }> {
    const { info, locked } = await this.#session(id);
    return { ...info, locked };
  }

  /** @throws AppError `wrongPassword`, `cancelled` … */
  async unlock(id: string, password: string, signal: AbortSignal): Promise<void> {
    const session = await this.#session(id);
    if (!session.locked) return;
    await session.reader.call('unlock', { password }, { signal });
    session.locked = false;
    this.log.info(`backup ${id} is unlocked; reader ${session.reader.pid}`);
    this.#changed.fire({ id, locked: false });
  }

  /** Ends the reader, with everything it knows, and closes what shows its contents. */
  lock(id: string): void {
    const session = this.#sessions.get(id);
    this.#sessions.delete(id);
    void closeTabs(id);
    void session
      ?.then(({ reader, info, locked }) => {
        reader.end();
        if (info.encrypted && !locked) this.#changed.fire({ id, locked: true });
      })
      .catch(() => {});
  }

  dispose(): void {
    for (const session of this.#sessions.values()) void session.then(({ reader }) => reader.end()).catch(() => {});
    this.#sessions.clear();
    this.#subscription.dispose();
    this.#changed.dispose();
  }

  #session(id: string): Promise<Session> {
    const there = this.#sessions.get(id);
    if (there) return there;
    const starting = this.#start(id);
    this.#sessions.set(id, starting);
    starting.catch(() => this.#forget(id, starting));
    return starting;
  }

  async #start(id: string): Promise<Session> {
    const { folder } = this.backup(id);
    const reader = ReaderProcess.start({
      readerPath: this.readerPath,
      onOutput: (text) => this.log.warn(`reader: ${text.trimEnd()}`),
    });
    try {
      const info = await reader.call('open', { folder, idleMs: lockAfterMinutes() * 60_000 });
      const session: Session = { reader, info, locked: info.locked };
      void reader.ended.then(() => this.#ended(id, session));
      return session;
    } catch (error) {
      reader.end();
      throw notLocked(error);
    }
  }

  /** An idle reader has ended, or one that crashed. An encrypted backup is locked then; another starts again when asked. */
  #ended(id: string, session: Session): void {
    const current = this.#sessions.get(id);
    void current?.then((one) => {
      if (one !== session) return;
      this.#forget(id, current);
      if (!session.info.encrypted || session.locked) return;
      this.log.info(`backup ${id} is locked again`);
      void closeTabs(id);
      this.#changed.fire({ id, locked: true });
    });
  }

  #forget(id: string, session: Promise<Session>): void {
    if (this.#sessions.get(id) === session) this.#sessions.delete(id);
  }
}

/** A reader that could not start has nothing to do with a password. */
function notLocked(error: unknown): unknown {
  if (!isAppError(error, 'passwordNeeded')) return error;
  return new AppError('unexpected', toErrorData(error).message, { cause: error });
}

/** Editors of a locked backup still show what was in it. */
async function closeTabs(id: string): Promise<void> {
  const shows = (uri: vscode.Uri | undefined) => uri?.scheme.startsWith(BACKUP_SCHEME) === true && uri.authority === id;
  const tabs = vscode.window.tabGroups.all
    .flatMap((group) => group.tabs)
    .filter(({ input }) => {
      if (input instanceof vscode.TabInputTextDiff) return shows(input.original) || shows(input.modified);
      if (input instanceof vscode.TabInputText || input instanceof vscode.TabInputCustom) return shows(input.uri);
      return false;
    });
  if (tabs.length > 0) await vscode.window.tabGroups.close(tabs);
}
