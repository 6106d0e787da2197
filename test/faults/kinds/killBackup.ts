import { secretText } from '../../support/leaks';
import { FaultRig } from '../faultRig';
import { killFault, type KilledWork } from '../killFault';

const PASSWORD = 'CorrectHorseBatteryStaple';

export class KilledBackup implements KilledWork {
  /** Hash of the backup before. */
  protected good = '';

  constructor(
    readonly rig: FaultRig,
    private readonly options: { readonly full?: boolean; readonly password?: string } = {},
    private readonly end: () => void = () => {},
  ) {}

  async prepare(): Promise<void> {
    const { rig } = this;
    rig.forgetVersions();
    this.good = await rig.goodBackup();
    await rig.change();
  }

  run() {
    return this.rig.backUp(this.options);
  }

  async check(): Promise<void> {
    await this.rig.assertStillThere(this.good, this.options.password);
  }

  async again(): Promise<void> {
    await this.rig.mustSucceed(this.options.password);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rig[Symbol.asyncDispose]();
    this.end();
  }
}

export const killIncremental = killFault(
  { name: 'kill', what: 'SIGKILL of the engine at a random instant of an incremental backup', rounds: 25, short: 2 },
  async () => new KilledBackup(await FaultRig.start()),
);

export const killFull = killFault(
  { name: 'killFull', what: '… of a full backup', rounds: 25, short: 2 },
  async () => new KilledBackup(await FaultRig.start(), { full: true }),
);

export const killEncrypted = killFault(
  {
    name: 'killEncrypted',
    what: '… of an encrypted backup; nothing of it is found in the clear',
    rounds: 25,
    short: 2,
  },
  async () => {
    const rig = await FaultRig.start({ state: { backupPassword: PASSWORD } });
    rig.encrypted = true;
    rig.passwords.push(secretText('the backup password', PASSWORD));
    return new KilledBackup(rig, { password: PASSWORD });
  },
);
