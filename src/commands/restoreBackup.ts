import { t } from '@vscode/l10n';
import type { App } from '../app/app';
import { backUpDevice } from '../app/backUpDevice';
import { AppError } from '../base/errors';
import type { BackupSummary, VerifyReport } from '../backups/types';
import type { DeviceInfo } from '../device/types';
import type { RestoreFinding } from '../engine/protocol';
import type { TreeNode } from '../views/tree/nodes';
import { askBackupPassword } from './askBackupPassword';
import { chooseBackupToRestore } from './chooseBackupToRestore';
import { chooseDevice, deviceName } from './chooseDevice';
import { chooseRestoreOptions } from './chooseRestoreOptions';
import { confirmRestore } from './confirmRestore';
import { reviewRestore } from './reviewRestore';
import { trust } from './trustDevice';
import { withCancellableProgress } from './withCancellableProgress';

/**
 * From the choice of a backup to the restored device, step by step; closing any step ends it with nothing changed. The
 * job's progress and end are told by the page, the status bar and a notification, in every window.
 */
export async function restoreBackup(app: App, node?: TreeNode): Promise<void> {
  const device = await chooseDevice(app, node);
  if (!device || (device.trust.kind !== 'trusted' && !(await trust(app, device)))) return;
  const backup = await chooseBackupToRestore(app, node, device);
  if (backup) await new RestoreDialog(app, device, backup).run();
}

interface Checked {
  readonly findings: readonly RestoreFinding[];
}

/** What the person has chosen so far. */
class RestoreDialog {
  #password: string | undefined;
  #report: VerifyReport | undefined;

  constructor(
    private readonly app: App,
    private readonly device: DeviceInfo,
    private backup: BackupSummary,
  ) {}

  get #name(): string {
    return deviceName(this.device);
  }

  async run(): Promise<void> {
    let checked = await this.#check();
    while (checked) {
      const answer = await this.#ask(checked);
      if (!answer) return;
      if (answer === 'restored') return;
      if (answer === 'verify' && !(await this.#verify())) return;
      if (answer === 'backUpFirst') await this.#backUpFirst();
      checked = answer === 'verify' ? checked : await this.#check();
    }
  }

  async #ask({ findings }: Checked): Promise<'restored' | 'verify' | 'backUpFirst' | 'checkAgain' | undefined> {
    const name = this.#name;
    const { backup } = this;
    const lastOfDevice = this.#lastOfDevice();
    const answer = await reviewRestore({ name, backup, findings, report: this.#report, lastOfDevice });
    if (answer !== 'goOn') return answer;
    const options = await chooseRestoreOptions(name);
    if (!options) return undefined;
    const confirmed = await confirmRestore({ name, backup, options, lastOfDevice });
    if (confirmed !== 'restore') return confirmed;
    const { udid } = this.device;
    this.app.pages.open(udid);
    await this.app.engine.call('restore', {
      udid,
      path: backup.path,
      ...(backup.date !== undefined && { date: backup.date }),
      ...this.#secret(),
      options,
    });
    return 'restored';
  }

  /** Asks for the password until it opens the backup. @returns undefined if the person gave up */
  async #check(): Promise<Checked | undefined> {
    for (let refused: string | undefined; ;) {
      if (this.backup.encrypted && this.#password === undefined) {
        this.#password = await askBackupPassword(this.app, this.backup, refused);
        if (this.#password === undefined) return undefined;
      }
      const params = { udid: this.device.udid, path: this.backup.path, ...this.#secret() };
      const findings = await withCancellableProgress(t('Checking {0} and the backup', this.#name), (signal) =>
        this.app.engine.call('checkRestore', params, signal),
      );
      if (!findings) return undefined;
      if (!findings.some(({ id }) => id === 'wrongPassword')) return { findings };
      refused = this.#password;
      this.#password = undefined;
    }
  }

  /** @returns false if it was cancelled. */
  async #verify(): Promise<boolean> {
    const params = { path: this.backup.path, level: 'full', ...this.#secret() } as const;
    this.#report = await withCancellableProgress(t('Checking every file of the backup'), (signal) =>
      this.app.engine.call('verify', params, signal),
    );
    return this.#report !== undefined;
  }

  /** Also follows the chosen backup: if it was the device's current one, it is a version now. */
  async #backUpFirst(): Promise<void> {
    const { udid } = this.device;
    await backUpDevice(this.app, udid);
    const { backups } = await this.app.engine.call('rescan', {});
    const isChosen = (one: BackupSummary) => one.udid === this.backup.udid && one.date === this.backup.date;
    const found = backups.find((one) => isChosen(one) && one.path === this.backup.path) ?? backups.find(isChosen);
    if (!found)
      throw new AppError('notABackup', `the chosen backup of ${this.backup.date ?? '?'} is not there any more`);
    this.backup = found;
  }

  #lastOfDevice(): BackupSummary | undefined {
    const { udid } = this.device;
    return this.app.engine.state?.catalogue.backups.find(
      (backup) => backup.state === 'finished' && backup.udid?.toLowerCase() === udid.toLowerCase(),
    );
  }

  #secret(): { readonly password?: string } {
    return this.#password === undefined ? {} : { password: this.#password };
  }
}
