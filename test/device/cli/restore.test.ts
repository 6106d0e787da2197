import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'mocha';
import { readTree } from '../../support/backupFolders';
import { bundleCli, makeEngineHome, type EngineHome } from '../../support/engineProcess';
import { jsonLines, RunningProgram, type ProgramResult } from '../../support/runProgram';
import { presetNamed, VirtualDeviceHost } from '../../virtualDevice';

const PASSWORD = 'pässwörd';

describe('ios-backup restore', function () {
  this.timeout(60_000);
  let cli: string;
  let host: VirtualDeviceHost;
  let home: EngineHome;
  let backup: string;
  let digest: string;
  let tree: Record<string, string>;

  before(async () => {
    cli = await bundleCli();
    host = await VirtualDeviceHost.start({ devices: [presetNamed('small', { state: { backupPassword: PASSWORD } })] });
    home = await makeEngineHome({ muxAddress: host.address });
    const folder = path.join(home.folder, 'backups');
    backup = path.join(folder, host.device.udid);
    for (const args of [['pair'], ['backup', '--folder', folder]]) {
      const { code, stderr } = await run(args);
      assert.equal(code, 0, stderr);
    }
    digest = await host.device.stateDigest();
    tree = readTree(backup);
  });
  after(async () => {
    await home?.[Symbol.asyncDispose]();
    await host?.stop();
  });
  // Whatever happens, a backup is only read.
  afterEach(() => assert.deepEqual(readTree(backup), tree));

  const run = (args: readonly string[], input = ''): Promise<ProgramResult> =>
    new RunningProgram(cli, args, home.env).input(input).ended;
  const last = (result: ProgramResult) => jsonLines(result).at(-1) ?? {};
  const ended = (result: ProgramResult) => [result.code, last(result)['code']];

  it('takes the password from standard input, and tells how it ended', async () => {
    await host.device.changeFiles(9, 1);
    const text = await run(['restore', backup, '--yes'], `${PASSWORD}\n`);
    assert.equal(text.code, 0, text.stderr);
    assert.match(text.stdout, /has the backup and has restarted.*App Store/);
    assert.equal(await host.device.stateDigest(), digest);

    await host.device.changeFiles(9, 2);
    const json = await run(['restore', backup, '--udid', host.device.udid, '--yes', '--json'], PASSWORD);
    assert.deepEqual(last(json), { event: 'done', udid: host.device.udid, path: backup, restarted: true });
    assert.ok(jsonLines(json).some(({ event, kind }) => event === 'progress' && kind === 'restore'));
    assert.equal(await host.device.stateDigest(), digest);
  });

  it('starts nothing without the right password', async () => {
    await host.device.changeFiles(9, 3);
    const before = await host.device.stateDigest();
    assert.deepEqual(ended(await run(['restore', backup, '--yes', '--json'], 'guess\n')), [1, 'wrongPassword']);
    assert.deepEqual(ended(await run(['restore', backup, '--yes', '--json'])), [1, 'passwordNeeded']);
    const text = await run(['restore', backup, '--yes'], 'guess\n');
    assert.match(text.stderr, /not the password of the backup/);
    assert.equal(await host.device.stateDigest(), before);
  });

  it('makes every check also with --yes, and says what it has found', async () => {
    await host.device.set({ findMy: true });
    const result = await run(['restore', backup, '--yes', '--json'], PASSWORD);
    assert.deepEqual(ended(result), [1, 'findMyOn']);
    const found = jsonLines(result).filter(({ event }) => event === 'finding');
    assert.deepEqual(
      found.map(({ id, stops }) => [id, stops]),
      [['findMyOn', true]],
    );
    const text = await run(['restore', backup, '--yes'], PASSWORD);
    assert.match(text.stdout + text.stderr, /Switch it off in Settings/);
    await host.device.set({ findMy: false });
  });

  it('needs somebody who types the name, or --yes', async () => {
    assert.deepEqual(ended(await run(['restore', backup, '--json'], PASSWORD)), [2, 'wrongUsage']);
    assert.deepEqual(ended(await run(['restore', '--yes', '--json'], PASSWORD)), [2, 'wrongUsage']);
    const nothing = path.join(home.folder, 'nothing');
    fs.mkdirSync(nothing);
    assert.deepEqual(ended(await run(['restore', nothing, '--yes', '--json'])), [1, 'notABackup']);
  });

  it('keeps what it is told to keep, and does not restart when told not to', async () => {
    await host.device.putFile({ domain: 'MediaDomain', relativePath: 'Media/extra', kind: 'file', size: 5 });
    const args = ['restore', backup, '--yes', '--json', '--keep-other-files', '--keep-settings', '--no-system-files'];
    const result = await run([...args, '--no-restart'], PASSWORD);
    assert.deepEqual(last(result), { event: 'done', udid: host.device.udid, path: backup });
    const differences = await host.device.compareFolder(path.dirname(backup), PASSWORD);
    assert.ok(differences.some((line) => line.includes('Media/extra')));
    // The device has to be restarted before another one.
    assert.deepEqual(ended(await run(['restore', backup, '--yes', '--json'], PASSWORD)), [1, 'deviceNeedsRestart']);
    await host.device.restart(10);
    assert.equal((await run(['restore', backup, '--yes', '--json'], PASSWORD)).code, 0);
    assert.equal(await host.device.stateDigest(), digest);
  });

  it('ends at Ctrl-C, and the second try succeeds', async () => {
    await host.device.set({ syncLockHeld: true });
    const program = new RunningProgram(cli, ['restore', backup, '--yes', '--json'], home.env).input(PASSWORD);
    await program.printed(/"stage":"waitingForLock"/);
    program.child.kill('SIGINT');
    assert.deepEqual(ended(await program.ended), [3, 'cancelled']);
    await host.device.set({ syncLockHeld: false });
    await host.device.changeFiles(9, 4);
    assert.equal((await run(['restore', backup, '--yes'], PASSWORD)).code, 0);
    assert.equal(await host.device.stateDigest(), digest);
  });
});
