import * as vscode from 'vscode';
import { lastBackup } from '../views/generalTab/lastBackup';
import { isBackupOld } from '../views/isBackupOld';
import type { EngineSession } from './engineSession';
import { settings } from './settings';

const DAY_MS = 86_400_000;
/** Nobody is reminded of a device that was not seen for so long: it is sold, or lives elsewhere. */
const FORGOTTEN_MS = 120 * DAY_MS;
/** A reminder that nobody answered comes again after this. */
const UNANSWERED_MS = DAY_MS;
const SEEN_STEP_MS = DAY_MS / 4;
const CHECK_MS = 600_000;
/** After start or connection, so that a backup that begins by itself comes first. */
const SETTLE_MS = 5000;

/**
 * Says, at most once a day and device, that the last good backup is older than a person wants it to be: with a
 * notification, and on the device's page. Off where `iosBackup.reminderDays` is 0.
 */
export class Reminders implements vscode.Disposable {
  readonly #engine: EngineSession;
  readonly #memento: vscode.Memento;
  readonly #due = new vscode.EventEmitter<ReminderDue>();
  readonly #subscriptions: vscode.Disposable[];
  readonly #interval = setInterval(() => this.#check(), CHECK_MS);
  readonly #settleMs: number;
  #settling: NodeJS.Timeout | undefined;

  /** A person is to be reminded of a device. */
  readonly onDue = this.#due.event;

  constructor(engine: EngineSession, memento: vscode.Memento, { settleMs = SETTLE_MS } = {}) {
    this.#settleMs = settleMs;
    this.#engine = engine;
    this.#memento = memento;
    this.#subscriptions = [this.#due, engine.onChange(() => this.#follow())];
  }

  /** Milliseconds since 1970; before then a person does not want to hear of it. */
  quietUntil(udid: string): number {
    return this.#memento.get<number>(quietKey(udid), 0);
  }

  /** Until as long again as the setting says. */
  async dismiss(udid: string): Promise<void> {
    await this.#memento.update(quietKey(udid), Date.now() + Math.max(1, settings().reminderDays) * DAY_MS);
  }

  dispose(): void {
    clearInterval(this.#interval);
    clearTimeout(this.#settling);
    vscode.Disposable.from(...this.#subscriptions).dispose();
  }

  #follow(): void {
    for (const { udid } of this.#engine.state?.devices ?? []) this.#noteSeen(udid);
    if (this.#engine.state) this.#settling ??= setTimeout(() => this.#check(), this.#settleMs);
  }

  #noteSeen(udid: string): void {
    const now = Date.now();
    if (now - this.#memento.get<number>(seenKey(udid), 0) < SEEN_STEP_MS) return;
    void this.#memento.update(seenKey(udid), now);
  }

  #check(): void {
    const { state } = this.#engine;
    const days = settings().reminderDays;
    if (!state || days === 0) return;
    const now = Date.now();
    for (const udid of new Set(state.catalogue.backups.flatMap((backup) => backup.udid ?? []))) {
      const last = lastBackup({ engine: state, udid });
      if (!last?.date || !isBackupOld(last.date, days, now)) continue;
      if (now - this.#memento.get<number>(seenKey(udid), 0) > FORGOTTEN_MS || now < this.quietUntil(udid)) continue;
      if (now - this.#memento.get<number>(toldKey(udid), 0) < UNANSWERED_MS) continue;
      if (state.jobs.some((job) => job.udid === udid && !job.outcome)) continue;
      void this.#memento.update(toldKey(udid), now);
      const device = state.devices.find((one) => one.udid === udid);
      const name = device?.identity?.name ?? last.deviceName ?? udid;
      this.#due.fire({ udid, name, date: last.date, connected: device !== undefined });
    }
  }
}

export interface ReminderDue {
  readonly udid: string;
  readonly name: string;
  /** ISO time of the last good backup. */
  readonly date: string;
  readonly connected: boolean;
}

const seenKey = (udid: string) => `seen.${udid}`;
const quietKey = (udid: string) => `reminder.quietUntil.${udid}`;
const toldKey = (udid: string) => `reminder.told.${udid}`;
