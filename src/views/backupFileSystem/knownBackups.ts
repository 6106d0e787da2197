import { createHash } from 'node:crypto';
import path from 'node:path';
import type * as vscode from 'vscode';

/** A backup that was opened as a folder in some window. */
export interface KnownBackup {
  /** Absolute. */
  readonly folder: string;
  /** For people: device and date. */
  readonly name: string;
}

const KEY = 'iosBackup.openedBackups';
const PENDING = 'iosBackup.unlockAfterRestart';
/** A window that was asked to open a backup is there again within this time. */
const PENDING_MS = 120_000;
const MAX_KNOWN = 200;

/** Which backup an id stands for: kept across reloads, without anything secret. */
export class KnownBackups {
  constructor(private readonly memento: vscode.Memento) {}

  get(id: string): KnownBackup | undefined {
    const all = this.#all();
    return Object.hasOwn(all, id) ? all[id] : undefined;
  }

  /** The same folder always gets the same id. */
  async add(backup: KnownBackup): Promise<string> {
    const folder = path.normalize(backup.folder);
    const id = createHash('sha256').update(folder).digest('hex').slice(0, 16);
    const { [id]: _old, ...others } = this.#all();
    const entries = [...Object.entries(others), [id, { ...backup, folder }] as const].slice(-MAX_KNOWN);
    await this.memento.update(KEY, Object.fromEntries(entries));
    return id;
  }

  /** The window is about to start again and should then ask for the password of this backup. */
  async rememberPending(id: string): Promise<void> {
    await this.memento.update(PENDING, { id, at: Date.now() });
  }

  /** The backup whose opening was interrupted by the start of the window; once. */
  async takePending(isOpen: (id: string) => boolean): Promise<string | undefined> {
    const pending = this.memento.get<{ readonly id: string; readonly at: number }>(PENDING);
    // Another window may start first.
    if (!pending || (Date.now() - pending.at < PENDING_MS && !isOpen(pending.id))) return undefined;
    await this.memento.update(PENDING, undefined);
    return Date.now() - pending.at < PENDING_MS ? pending.id : undefined;
  }

  #all(): Readonly<Record<string, KnownBackup>> {
    return this.memento.get<Readonly<Record<string, KnownBackup>>>(KEY) ?? {};
  }
}
