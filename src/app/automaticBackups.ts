import type * as vscode from 'vscode';
import { isCancellation, toErrorData } from '../base/errors';
import { backUpDevice, type BackUpServices } from './backUpDevice';
import { isAutomaticBackupDue } from './isAutomaticBackupDue';
import { settings } from './settings';

export interface AutomaticSetting {
  readonly on: boolean;
  readonly everyHours: number;
}

/** How often the interval is looked at while a device stays connected and nothing else happens. */
const LOOK_MS = 60_000;

const DEFAULT: AutomaticSetting = { on: false, everyHours: 24 };

/**
 * Backs up a device when it is connected, or stays so, and its last backup is older than its interval. Off unless a person turned it
 * on, per device. The device asks for its passcode each time: that is Apple's rule.
 */
export class AutomaticBackups implements vscode.Disposable {
  readonly #services: BackUpServices;
  readonly #memento: vscode.Memento;
  readonly #subscription: vscode.Disposable;
  readonly #timer: NodeJS.Timeout;
  readonly #tried = new Map<string, number>();

  constructor(services: BackUpServices, memento: vscode.Memento, { lookMs = LOOK_MS } = {}) {
    this.#services = services;
    this.#memento = memento;
    this.#subscription = services.engine.onChange(() => this.#follow());
    this.#timer = setInterval(() => this.#follow(), lookMs);
  }

  settingOf(udid: string): AutomaticSetting {
    return { ...DEFAULT, ...this.#memento.get<Partial<AutomaticSetting>>(key(udid)) };
  }

  async set(udid: string, change: Partial<AutomaticSetting>): Promise<void> {
    await this.#memento.update(key(udid), { ...this.settingOf(udid), ...change });
    this.#follow();
  }

  dispose(): void {
    clearInterval(this.#timer);
    this.#subscription.dispose();
  }

  #follow(): void {
    const { log, engine: session } = this.#services;
    const engine = session.state;
    if (!engine) return;
    const now = Date.now();
    // Also what another window or a person has begun: whoever declines that is not asked by this window too.
    for (const { kind, udid, outcome } of engine.jobs) {
      if (kind === 'backup' && udid !== undefined && !outcome) this.#tried.set(udid, now);
    }
    for (const { udid } of engine.devices) {
      const { on, everyHours } = this.settingOf(udid);
      const folder = settings().folderFor(udid);
      const triedAt = this.#tried.get(udid);
      if (!on || !isAutomaticBackupDue({ udid, folder, everyHours, engine, triedAt, now })) continue;
      this.#tried.set(udid, now);
      log.info('an automatic backup begins');
      backUpDevice(this.#services, udid).catch((error: unknown) => {
        // Its end is told by the notifications that tell the end of every job.
        if (!isCancellation(error)) log.warn(`the automatic backup failed: ${toErrorData(error).code}`);
      });
    }
  }
}

function key(udid: string): string {
  return `automatic.${udid}`;
}
