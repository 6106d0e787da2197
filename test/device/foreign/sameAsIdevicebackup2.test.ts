import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { before, describe, it } from 'mocha';
import { comparableBackup } from '../../support/comparableBackup';
import { bundleCli, makeEngineHome, type EngineHome } from '../../support/engineProcess';
import { runTool } from '../../support/foreignTool';
import { contentHashes, readIndependently } from '../../support/independentReader';
import { RunningProgram } from '../../support/runProgram';
import { presetNamed, VirtualDeviceHost, type DeviceDescription, type LocalDevice } from '../../virtualDevice';
import type { DeviceContent } from '../../virtualDevice/content/deviceContent';
import { backupsOf } from '../../virtualDevice/mobilebackup2/deviceBackups';

/* Debian's idevicebackup2 1.3.0 and this program, at the same device or at equal ones: what they make is the same. */

const PASSWORD = 'pässwörd 🔑';
/** Finder writes them, and we do; idevicebackup2 does not. */
const MORE_INFO = ['IMEI 2', 'Product Name'];

/** One device at one computer, which both programs use; each has a folder of its own. */
class Bench implements AsyncDisposable {
  private constructor(
    readonly host: VirtualDeviceHost,
    readonly home: EngineHome,
    readonly cli: string,
  ) {}

  static async set(cli: string, description: DeviceDescription): Promise<Bench> {
    const host = await VirtualDeviceHost.start({ devices: [description], control: false });
    const bench = new Bench(host, await makeEngineHome({ muxAddress: host.address }), cli);
    fs.mkdirSync(bench.theirs);
    await bench.runOurs([], 'pair');
    return bench;
  }

  get device(): LocalDevice {
    return this.host.device;
  }

  get content(): DeviceContent {
    return backupsOf(this.device.state).content;
  }

  /** Folders of backups. */
  get ours(): string {
    return path.join(this.home.folder, 'ours');
  }

  get theirs(): string {
    return path.join(this.home.folder, 'theirs');
  }

  /** The device's current backup below one of them. */
  backupIn(folder: string): string {
    return path.join(folder, this.device.udid);
  }

  /** @returns what the device has logged about it. */
  async runOurs(secrets: readonly string[], ...args: string[]): Promise<string> {
    const from = this.device.state.logEntries.length;
    const input = secrets.map((secret) => `${secret}\n`).join('');
    const { code, stdout, stderr } = await new RunningProgram(this.cli, args, this.home.env).input(input).ended;
    assert.equal(code, 0, `${args.join(' ')}: ${stdout}${stderr}`);
    return this.#loggedSince(from);
  }

  async runTheirs(folder: string, ...args: string[]): Promise<string> {
    const from = this.device.state.logEntries.length;
    const { code, output } = await runTool('idevicebackup2', [...args, folder], this.host.address, 30_000);
    assert.equal(code, 0, `${args.join(' ')}: ${output}`);
    return this.#loggedSince(from);
  }

  backUpOurs(folder = this.ours): Promise<string> {
    return this.runOurs([], 'backup', '--folder', folder);
  }

  backUpTheirs(folder = this.theirs): Promise<string> {
    return this.runTheirs(folder, 'backup');
  }

  /** Another reader finds every file of the device in it, and nothing besides. */
  async opensElsewhere(folder: string, password?: string): Promise<void> {
    assert.deepEqual(await this.device.compareFolder(folder), []);
    const reading = await readIndependently(this.backupIn(folder), password);
    assert.deepEqual(reading.problems, []);
    assert.equal(reading.encrypted, password !== undefined);
    const files = reading.rows.filter(([, , , flags]) => flags === 1);
    assert.deepEqual(new Map(files.map((row) => [`${row[1]}-${row[2]}`, row[5]])), contentHashes(this.content));
    // And so does this program: every byte, with the hashes that the device gave.
    await this.runOurs(password === undefined ? [] : [password], 'verify', this.backupIn(folder), '--level', 'full');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.home[Symbol.asyncDispose]();
    await this.host.stop();
  }

  #loggedSince(from: number): string {
    const logged = this.device.state.logEntries
      .slice(from)
      .map(({ text }) => text)
      .join('\n');
    assert.doesNotMatch(logged, /REFUSED/);
    return logged;
  }
}

/** Every file, every byte, every row and every key that does not change from one backup to the next. */
async function sameBackup(ours: string, theirs: string, password?: string): Promise<void> {
  const [our, their] = await Promise.all([comparableBackup(ours, password), comparableBackup(theirs, password)]);
  const more = [...our.info.keys()].filter((key) => !their.info.has(key));
  assert.deepEqual(
    more.filter((key) => !MORE_INFO.includes(key)),
    [],
  );
  const info = new Map([...our.info].filter(([key]) => !more.includes(key)));
  assert.deepEqual({ ...our, info }, their);
  assert.ok(our.rows.size > 20 && our.changing.length >= 5);
  assert.equal(our.database === undefined, password !== undefined);
}

function kindOf(log: string): string | undefined {
  return /(full|incremental) backup: /.exec(log)?.[1];
}

describe('a backup of ours and one of idevicebackup2', function () {
  this.timeout(300_000);
  let cli: string;

  before(async () => {
    cli = await bundleCli();
  });

  for (const password of [undefined, PASSWORD]) {
    const kind = password === undefined ? 'plain' : 'encrypted';
    const described = () =>
      presetNamed('small', { passcode: '1234', state: password === undefined ? {} : { backupPassword: password } });

    it(`are the same, ${kind}: the full one and three rounds of changes`, async () => {
      await using bench = await Bench.set(cli, described());
      for (const round of [0, 1, 2, 3]) {
        if (round > 0) assert.ok(bench.content.churn(16, round).length >= 16);
        const expected = round === 0 ? 'full' : 'incremental';
        assert.equal(kindOf(await bench.backUpOurs()), expected);
        assert.equal(kindOf(await bench.backUpTheirs()), expected);
        await sameBackup(bench.backupIn(bench.ours), bench.backupIn(bench.theirs), password);
      }
      await bench.opensElsewhere(bench.ours, password);
      await bench.opensElsewhere(bench.theirs, password);
    });

    it(`go on from one another, ${kind}`, async () => {
      await using bench = await Bench.set(cli, described());
      await bench.backUpOurs();
      await bench.backUpTheirs();
      bench.content.churn(16, 10);
      // Each in the folder that the other has written.
      assert.equal(kindOf(await bench.backUpOurs(bench.theirs)), 'incremental');
      assert.equal(kindOf(await bench.backUpTheirs(bench.ours)), 'incremental');
      await sameBackup(bench.backupIn(bench.theirs), bench.backupIn(bench.ours), password);
      await bench.opensElsewhere(bench.theirs, password);
      await bench.opensElsewhere(bench.ours, password);
    });
  }

  it('are the same while the password is set, changed and taken away by either', async () => {
    // Two devices that are equal to the last byte, each with one of the programs.
    const described = presetNamed('small', { passcode: '1234' });
    await using our = await Bench.set(cli, described);
    await using their = await Bench.set(cli, described);
    const steps = [
      { command: ['on'], foreign: ['encryption', 'on', 'first'], secrets: ['first'], password: 'first' },
      {
        command: ['change'],
        foreign: ['changepw', 'first', PASSWORD],
        secrets: ['first', PASSWORD],
        password: PASSWORD,
      },
      { command: ['off'], foreign: ['encryption', 'off', PASSWORD], secrets: [PASSWORD], password: undefined },
    ];
    for (const { command, foreign, secrets, password } of steps) {
      const [ourLog, theirLog] = await Promise.all([
        our.runOurs(secrets, 'encryption', ...command),
        their.runTheirs(their.theirs, ...foreign),
      ]);
      for (const log of [ourLog, theirLog]) assert.match(log, /passcode sheet shown/);
      for (const { device, host } of [our, their]) {
        assert.equal(device.state.backupPassword, password);
        const asked = ['-q', 'com.apple.mobile.backup', '-k', 'WillEncrypt'];
        const { stdout } = await runTool('ideviceinfo', asked, host.address);
        // Absent means off.
        assert.equal(stdout.trim(), password === undefined ? '' : 'true');
      }
      const kinds = await Promise.all([our.backUpOurs(), their.backUpTheirs()]);
      assert.deepEqual(kinds.map(kindOf), ['full', 'full'], 'another password, another backup');
      await sameBackup(our.backupIn(our.ours), their.backupIn(their.theirs), password);
      await our.opensElsewhere(our.ours, password);
    }
  });
});
