import assert from 'node:assert/strict';
import type { EncryptionChange } from '../../../src/engine/protocol';
import { rememberChange } from '../../../src/app/rememberChange';
import { RememberedPasswords } from '../../../src/app/rememberedPasswords';
import { secretText } from '../../support/leaks';
import { until } from '../../support/until';
import { type End, FaultRig } from '../faultRig';
import { killFault, type KilledWork } from '../killFault';
import type { Random } from '../random';

const OLD = 'OldBackupPasswordOfThePhone1';
const NEW = 'NewBackupPasswordOfThePhone2';
const CHANGES: readonly EncryptionChange[] = [
  { kind: 'on', newPassword: NEW },
  { kind: 'change', oldPassword: OLD, newPassword: NEW },
  { kind: 'off', oldPassword: OLD },
];

class KilledPasswordChange implements KilledWork {
  #change: EncryptionChange = { kind: 'on', newPassword: NEW };
  #passwords = makePasswords();
  #good = '';
  /** Of the good backup. */
  #password: string | undefined;

  constructor(readonly rig: FaultRig) {}

  async prepare(random: Random): Promise<void> {
    const { rig } = this;
    this.#change = random.pick(CHANGES);
    this.#passwords = makePasswords();
    const before = 'oldPassword' in this.#change ? this.#change.oldPassword : undefined;
    if (before !== undefined) await this.#passwords.set(rig.udid, before);
    await this.#truthIs(before);
    rig.forgetVersions();
    await rig.change();
    await rig.mustSucceed(before);
    this.#good = await rig.goodBackup();
    this.#password = before;
  }

  run(): Promise<End> {
    return this.rig.run((client) => this.#request(client));
  }

  async check(end: End): Promise<void> {
    const { rig } = this;
    await rig.assertStillThere(this.#good, this.#password);
    const truth = await this.#truth();
    const wanted = 'newPassword' in this.#change ? this.#change.newPassword : undefined;
    if (end.done) assert.equal(truth, wanted, 'it was said that the change is made');
    else assert.ok([this.#password, wanted].includes(truth), 'the phone has a password that nobody gave it');
    const remembered = await this.#passwords.get(rig.udid);
    if (remembered !== undefined) assert.equal(remembered, truth, 'what is remembered is not what the phone has');
    const candidates = await this.#passwords.candidates(rig.udid);
    if (truth !== undefined) assert.ok(candidates.includes(truth), 'the password of the phone is lost');
    // Whatever was killed: who asks is told what the phone does.
    const client = await rig.client();
    const shown = () => client.state.devices.find(({ udid }) => udid === rig.udid)?.details?.backup.willEncrypt;
    await until(() => shown() === (truth !== undefined));
  }

  async again(): Promise<void> {
    const wanted = 'newPassword' in this.#change ? this.#change.newPassword : undefined;
    if ((await this.#truth()) !== wanted) {
      const end = await this.run();
      assert.ok(end.done, end.done ? '' : `the next try failed: ${end.error.code}`);
    }
    assert.equal(await this.#truth(), wanted);
    await this.rig.mustSucceed(wanted);
  }

  #request(client: Awaited<ReturnType<FaultRig['client']>>): Promise<void> {
    const { udid } = this.rig;
    const change = this.#change;
    return rememberChange(this.#passwords, udid, { change, remember: true }, () =>
      client.call('changeEncryption', { udid, change }),
    );
  }

  /** What the phone itself says. */
  async #truth(): Promise<string | undefined> {
    return (await this.rig.phone.device.summary()).switches.backupPassword;
  }

  async #truthIs(password: string | undefined): Promise<void> {
    await this.rig.phone.device.set({ backupPassword: password ?? null });
  }

  [Symbol.asyncDispose]() {
    return this.rig[Symbol.asyncDispose]();
  }
}

/** As the editor keeps them. */
function makePasswords(): RememberedPasswords {
  const secrets = new Map<string, string>();
  const state = new Map<string, unknown>();
  return new RememberedPasswords(
    {
      get: (key: string) => Promise.resolve(secrets.get(key)),
      store: (key: string, value: string) => Promise.resolve(void secrets.set(key, value)),
      delete: (key: string) => Promise.resolve(void secrets.delete(key)),
    } as unknown as ConstructorParameters<typeof RememberedPasswords>[0],
    {
      get: (key: string, otherwise: unknown) => state.get(key) ?? otherwise,
      update: (key: string, value: unknown) => Promise.resolve(void state.set(key, value)),
    } as unknown as ConstructorParameters<typeof RememberedPasswords>[1],
  );
}

export const killPassword = killFault(
  {
    name: 'killPassword',
    what: '… of turning encryption on or off or changing its password; what is remembered stays true',
    rounds: 25,
    short: 3,
  },
  async () => {
    const rig = await FaultRig.start();
    rig.passwords.push(secretText('the old password', OLD), secretText('the new password', NEW));
    return new KilledPasswordChange(rig);
  },
);
