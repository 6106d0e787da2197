import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, before, beforeEach, describe, it } from 'mocha';
import { bundleCli, makeEngineHome, type EngineHome } from '../../support/engineProcess';
import { jsonLines, RunningProgram, type ProgramResult } from '../../support/runProgram';
import { presets, VirtualDeviceHost, type DeviceDescription } from '../../virtualDevice';

describe('ios-backup', function () {
  this.timeout(60_000);
  let cli: string;
  let host: VirtualDeviceHost;
  let home: EngineHome;
  let folder: string;
  const running: RunningProgram[] = [];

  before(async () => {
    cli = await bundleCli();
  });
  beforeEach(() => begin([presets.small()]));
  afterEach(async () => {
    for (const program of running.splice(0)) program.child.kill('SIGKILL');
    await home[Symbol.asyncDispose]();
    await host.stop();
  });

  async function begin(devices: readonly DeviceDescription[]): Promise<void> {
    host = await VirtualDeviceHost.start({ devices });
    home = await makeEngineHome({ muxAddress: host.address });
    folder = path.join(home.folder, 'backups');
  }

  async function beginAgain(devices: readonly DeviceDescription[]): Promise<void> {
    await home[Symbol.asyncDispose]();
    await host.stop();
    await begin(devices);
  }

  function start(...args: string[]): RunningProgram {
    const program = new RunningProgram(cli, args, home.env);
    running.push(program);
    return program;
  }

  async function run(...args: string[]): Promise<ProgramResult> {
    return start(...args).input('').ended;
  }

  /** Runs it and says what it printed if the exit code is another one. */
  async function succeed(...args: string[]): Promise<ProgramResult> {
    const result = await run(...args);
    assert.equal(result.code, 0, `${args.join(' ')}: ${result.stdout}${result.stderr}`);
    return result;
  }

  const last = (result: ProgramResult) => jsonLines(result).at(-1) ?? {};

  describe('devices', () => {
    it('lists them, for people and for programs', async () => {
      const { udid } = host.device;
      const text = await succeed('devices');
      assert.match(text.stdout, new RegExp(`iPhone.*not trusted.*USB.*${udid}`));
      const json = jsonLines(await succeed('devices', '--json'));
      assert.deepEqual(
        json.map(({ event, udid: id }) => [event, id]),
        [
          ['device', udid],
          ['done', undefined],
        ],
      );
      assert.deepEqual(json[0]?.['trust'], { kind: 'untrusted' });
    });

    it('says so when there is none, and when there is no service', async () => {
      await host.device.unplug();
      const none = await succeed('devices', '--json');
      assert.deepEqual(last(none), { event: 'done', devices: 0 });
      home.env['USBMUXD_SOCKET_ADDRESS'] = `UNIX:${path.join(home.folder, 'nobody')}`;
      const absent = await run('devices', '--json');
      assert.equal(absent.code, 1);
      assert.equal(last(absent)['code'], 'muxAbsent');
    });
  });

  describe('pair and unpair', () => {
    it('pairs, shows the device’s details, and forgets it', async () => {
      await succeed('pair');
      const [device] = jsonLines(await succeed('devices', '--json'));
      assert.deepEqual(device?.['trust'], { kind: 'trusted' });
      assert.ok(device['details']);
      await succeed('unpair', '--udid', host.device.udid.toLowerCase());
      const [again] = jsonLines(await succeed('devices', '--json'));
      assert.deepEqual(again?.['trust'], { kind: 'untrusted' });
    });

    it('waits for Trust, and says what to do', async () => {
      await host.device.set({ trust: 'ask' });
      const pairing = start('pair', '--json');
      await pairing.printed(/waitingForTrust/);
      await host.device.trust();
      const result = await pairing.ended;
      assert.equal(result.code, 0, result.stdout);
      assert.deepEqual(last(result), { event: 'done', udid: host.device.udid });
    });

    it('tells a refusal, and ends at Ctrl-C', async () => {
      await host.device.set({ trust: 'ask' });
      const refused = start('pair', '--json');
      await refused.printed(/waitingForTrust/);
      await host.device.dontTrust();
      assert.deepEqual([(await refused.ended).code, last(await refused.ended)['code']], [1, 'trustDenied']);
      await host.device.replug();
      const stopped = start('pair', '--json');
      await stopped.printed(/waitingForTrust/);
      stopped.child.kill('SIGINT');
      assert.deepEqual([(await stopped.ended).code, last(await stopped.ended)['code']], [3, 'cancelled']);
    });
  });

  describe('backup', () => {
    it('makes a full one, then an incremental one, that equal the device', async () => {
      await succeed('pair');
      const full = await succeed('backup', '--json', '--folder', folder);
      const done = last(full)['backup'] as Record<string, unknown>;
      assert.equal(done['path'], path.join(folder, host.device.udid));
      assert.equal(done['state'], 'finished');
      assert.deepEqual(await host.device.compareFolder(folder), []);
      assert.ok(jsonLines(full).some(({ event, stage }) => event === 'progress' && typeof stage === 'string'));

      await host.device.changeFiles(5, 1);
      const second = last(await succeed('backup', '--json', '--folder', folder))['backup'] as Record<string, unknown>;
      assert.equal(second['full'], false);
      assert.deepEqual(await host.device.compareFolder(folder), []);
      // The first one stays, as a version in Finder's manner.
      const names = fs.readdirSync(folder).filter((name) => /^\w+-\w+-\d{8}-\d{6}$/.test(name));
      assert.equal(names.length, 1);
      assert.match((await succeed('backup', '--folder', folder)).stdout, /^Backup of .*: .*\n$/);
    });

    it('needs trust, a folder, a device, and only what it knows', async () => {
      const untrusted = await run('backup', '--json', '--folder', folder);
      assert.deepEqual([untrusted.code, last(untrusted)['code']], [1, 'notTrusted']);
      await succeed('pair');
      const offline = await run('backup', '--json', '--folder', path.join(folder, 'not', 'there'));
      assert.deepEqual([offline.code, last(offline)['code']], [1, 'folderMissing']);
      for (const args of [
        ['backup'],
        ['backup', '--folder'],
        ['backup', '--folder', folder, '--fast'],
        ['backup', 'x'],
      ]) {
        const wrong = await run(...args, '--json');
        assert.deepEqual([wrong.code, last(wrong)['code']], [2, 'wrongUsage'], args.join(' '));
      }
      await host.device.unplug();
      const gone = await run('backup', '--json', '--folder', folder);
      assert.deepEqual([gone.code, last(gone)['code']], [1, 'noDevice']);
    });

    it('asks which device is meant when there are two', async () => {
      await beginAgain([presets.small(), presets.ipod()]);
      const result = await run('backup', '--json', '--folder', folder);
      assert.deepEqual([result.code, last(result)['code']], [2, 'severalDevices']);
      await succeed('pair', '--udid', presets.ipod().udid);
      await succeed('backup', '--folder', folder, '--udid', presets.ipod().udid.toUpperCase());
      assert.ok(fs.existsSync(path.join(folder, presets.ipod().udid, 'Manifest.db')));
    });

    it('ends cleanly at Ctrl-C, and goes on from there the next time', async () => {
      await succeed('pair');
      await succeed('backup', '--folder', folder);
      const before = fs.readFileSync(path.join(folder, host.device.udid, 'Manifest.db'));
      await host.device.changeFiles(5, 2);
      await host.device.set({ prepareMs: 60_000 });
      const program = start('backup', '--json', '--folder', folder);
      await program.printed(/"stage":"preparing"/);
      program.child.kill('SIGINT');
      const result = await program.ended;
      assert.deepEqual([result.code, last(result)['code']], [3, 'cancelled']);
      assert.deepEqual(await syncState(), { lockFree: true, syncing: false });
      assert.deepEqual(fs.readFileSync(path.join(folder, host.device.udid, 'Manifest.db')), before);
      await host.device.set({ prepareMs: 0 });
      await succeed('backup', '--folder', folder);
      assert.deepEqual(await host.device.compareFolder(folder), []);
    });

    it('goes on when the program that started it is killed; another one is refused, follows and cancels', async () => {
      await succeed('pair');
      await host.device.set({ prepareMs: 60_000 });
      const first = start('backup', '--json', '--folder', folder);
      await first.printed(/"stage":"preparing"/);
      first.child.kill('SIGKILL');
      await first.ended;

      const refused = await run('backup', '--json', '--folder', folder);
      assert.deepEqual([refused.code, last(refused)['code']], [1, 'jobRunning']);
      assert.equal((last(refused)['details'] as Record<string, unknown>)['owner'], 'command line');

      const following = start('follow', '--json');
      await following.printed(/"stage":"preparing"/);
      await succeed('cancel');
      const followed = await following.ended;
      assert.deepEqual([followed.code, last(followed)['code']], [3, 'cancelled']);
      assert.deepEqual(await syncState(), { lockFree: true, syncing: false });
    });

    it('survives the death of the engine: the earlier backup is untouched, the next one succeeds', async () => {
      await succeed('pair');
      await succeed('backup', '--folder', folder);
      await host.device.changeFiles(3, 3);
      await host.device.set({ prepareMs: 60_000 });
      const program = start('backup', '--json', '--folder', folder);
      await program.printed(/"stage":"preparing"/);
      for (const pid of home.enginePids()) process.kill(pid, 'SIGKILL');
      const result = await program.ended;
      assert.deepEqual([result.code, last(result)['code']], [1, 'engineGone']);
      await host.device.set({ prepareMs: 0 });
      await succeed('backup', '--folder', folder);
      assert.deepEqual(await host.device.compareFolder(folder), []);
    });

    it('says why when the device ends it', async () => {
      await succeed('pair');
      await host.device.set({ failWith: 208 });
      const locked = await run('backup', '--json', '--folder', folder);
      assert.deepEqual([locked.code, last(locked)['code']], [1, 'passcodeNotEntered']);
      await host.device.set({ failWith: 208 });
      const text = await run('backup', '--folder', folder);
      assert.match(text.stderr, /passcode was not entered/);
      assert.deepEqual([text.code, text.stdout], [1, '']);
    });

    it('names the files that the device could not read, and is good without them', async () => {
      await succeed('pair');
      const stuck = { domain: 'HomeDomain', relativePath: 'Library/stuck', kind: 'file', size: 10 } as const;
      await host.device.putFile({ ...stuck, unreadable: true });
      const lines = jsonLines(await succeed('backup', '--json', '--folder', folder));
      const named = lines.filter(({ event }) => event === 'notRead');
      assert.equal(named.length, 1);
      assert.match(String(named[0]?.['path']), /Library\/stuck/);
      assert.match(String(named[0]?.['reason']), /Input\/output error/);
      const { path: made } = lines.at(-1)?.['backup'] as { path: string };
      assert.equal((await run('verify', made)).code, 0);
      // The next one builds on it, with or without that file.
      await host.device.changeFiles(2, 7);
      assert.equal(
        (
          await run(
            'verify',
            (last(await succeed('backup', '--json', '--folder', folder))['backup'] as { path: string }).path,
          )
        ).code,
        0,
      );
    });

    it('is cancelled on the device', async () => {
      await succeed('pair');
      await host.device.set({ prepareMs: 60_000 });
      const program = start('backup', '--json', '--folder', folder);
      await program.printed(/"stage":"preparing"/);
      await host.device.cancelSync();
      const result = await program.ended;
      assert.deepEqual([result.code, last(result)['code']], [3, 'cancelledOnDevice']);
    });
  });

  it('prints what helps others to help, and no name', async () => {
    await succeed('pair');
    await succeed('backup', '--folder', folder);
    const { stdout } = await succeed('diagnostics');
    assert.match(stdout, /^program .*command line$/m);
    assert.match(stdout, /^device +iPhone\d+,\d+, .*trusted/m);
    assert.match(stdout, /^run .*backup, done/m);
    for (const name of [host.device.udid, home.folder, 'iPhone of']) assert.ok(!stdout.includes(name), name);
  });

  describe('encryption', () => {
    it('is turned on, changed and turned off, with passwords from standard input', async () => {
      await succeed('pair');
      const change = async (kind: string, input: string) => start('encryption', kind, '--json').input(input).ended;
      const willEncrypt = async () => {
        const [device] = jsonLines(await succeed('devices', '--json'));
        return (device?.['details'] as { backup: { willEncrypt: boolean } }).backup.willEncrypt;
      };
      const on = await change('on', 'first\n');
      assert.equal(on.code, 0, on.stdout);
      assert.equal(await willEncrypt(), true);
      const wrong = await change('change', 'guess\nsecond\n');
      assert.deepEqual([wrong.code, last(wrong)['code']], [1, 'wrongPassword']);
      assert.equal((await change('change', 'first\nsecond')).code, 0);
      const twice = await change('on', 'x\n');
      assert.deepEqual([twice.code, last(twice)['code']], [1, 'alreadyEncrypted']);
      const none = await change('off', '');
      assert.deepEqual([none.code, last(none)['code']], [1, 'passwordNeeded']);
      assert.equal((await change('off', 'second\n')).code, 0);
      assert.equal(await willEncrypt(), false);
      assert.equal((await change('maybe', '')).code, 2);
    });
  });

  describe('kept backups', () => {
    const paths = (result: ProgramResult, event: string) =>
      jsonLines(result)
        .filter((line) => line['event'] === event)
        .map(({ path: place }) => path.basename(String(place)));

    it('lists backups and versions, checks them, deletes them', async () => {
      const { udid } = host.device;
      await succeed('pair');
      await succeed('backup', '--folder', folder);
      await host.device.changeFiles(2, 5);
      await succeed('backup', '--folder', folder);
      const list = await succeed('backups', '--folder', folder, '--json', '--sizes');
      assert.equal(paths(list, 'backup').length, 2);
      assert.equal(paths(list, 'backup')[0], udid, 'newest first');
      const sizes = jsonLines(list).flatMap(({ size }) => (size ? [(size as { bytes: number }).bytes] : []));
      assert.ok(sizes.length === 2 && sizes.every((bytes) => bytes > 1000));

      const versions = await succeed('versions', path.join(folder, udid), '--json');
      assert.deepEqual(paths(versions, 'version'), paths(list, 'backup'));
      const version = path.join(folder, paths(versions, 'version')[1] ?? '');

      const good = await succeed('verify', version, '--json');
      assert.equal(last(good)['damaged'], false);
      const contents = fs.readdirSync(version, { recursive: true, encoding: 'utf8' });
      fs.rmSync(path.join(version, contents.find((name) => /[0-9a-f]{40}$/.test(name)) ?? ''));
      const damaged = await run('verify', version, '--json');
      assert.deepEqual([damaged.code, last(damaged)['damaged']], [4, true]);
      assert.ok(jsonLines(damaged).some(({ event, kind }) => event === 'finding' && kind === 'missing'));

      await succeed('delete', version, '--json');
      assert.equal(fs.existsSync(version), false);
      const only = await run('delete', path.join(folder, udid), '--json');
      assert.deepEqual([only.code, last(only)['code']], [1, 'onlyGoodBackup']);
      assert.deepEqual(await host.device.compareFolder(folder), []);
      await succeed('delete', path.join(folder, udid), '--even-if-only');
      assert.deepEqual(paths(await succeed('backups', '--folder', folder, '--json'), 'backup'), []);
    });

    it('repairs the present one from a version, and says what is left', async () => {
      const { udid } = host.device;
      await succeed('pair');
      await succeed('backup', '--folder', folder);
      await host.device.changeFiles(2, 5);
      await succeed('backup', '--folder', folder);
      const present = path.join(folder, udid);
      assert.deepEqual(last(await succeed('repair', present, '--json')), {
        event: 'done',
        path: present,
        repaired: 0,
        left: 0,
      });
      const contents = (place: string) =>
        fs.readdirSync(place, { recursive: true, encoding: 'utf8' }).filter((name) => /[0-9a-f]{40}$/.test(name));
      const links = (name: string) => fs.statSync(path.join(present, name)).nlink;
      const shared = contents(present).filter((name) => links(name) === 2);
      const alone = contents(present).filter((name) => links(name) === 1);
      assert.ok(shared.length >= 2 && alone.length >= 1);
      const [flipped = '', gone = ''] = shared;
      const bytes = fs.readFileSync(path.join(present, flipped));
      fs.rmSync(path.join(present, flipped));
      fs.writeFileSync(path.join(present, flipped), Buffer.from(bytes.map((byte) => byte ^ 1)));
      fs.rmSync(path.join(present, gone));

      const quick = await run('verify', present, '--json');
      assert.deepEqual([quick.code, last(quick)['damages']], [4, 1]);
      const repaired = await succeed('repair', present, '--json');
      assert.deepEqual([last(repaired)['repaired'], last(repaired)['left']], [2, 0]);
      assert.equal(jsonLines(repaired).filter(({ event, alsoIn }) => event === 'finding' && alsoIn).length, 2);
      await succeed('verify', present, '--level', 'full');
      assert.deepEqual(await host.device.compareFolder(folder), []);
      const version = String(last(repaired)['version']);
      assert.equal(path.dirname(version), folder);

      // A version is never changed, and what only the present one has is lost.
      const refused = await run('repair', version, '--json');
      assert.deepEqual([refused.code, last(refused)['code']], [1, 'notAllowed']);
      const [only = ''] = alone;
      for (const place of fs.readdirSync(folder).filter((name) => name.startsWith(udid))) {
        fs.rmSync(path.join(folder, place, only), { force: true });
      }
      const lost = await run('repair', present, '--level', 'quick');
      assert.equal(lost.code, 4, lost.stderr);
      assert.match(lost.stdout, /Nothing was repaired: of 1 damaged files no whole copy was found/);
      assert.equal((await run('repair', present, '--level', 'deep')).code, 2);
      assert.equal((await run('repair')).code, 2);
      const none = await run('repair', folder, '--json');
      assert.deepEqual([none.code, last(none)['code']], [1, 'notABackup']);
    });

    it('keeps only so many versions when told to', async () => {
      await succeed('pair');
      for (let round = 0; round < 3; round += 1) {
        await host.device.changeFiles(1, 10 + round);
        await succeed('backup', '--folder', folder, '--keep-last', '2');
      }
      assert.equal(paths(await succeed('backups', '--folder', folder, '--json'), 'backup').length, 2);
      assert.deepEqual(await host.device.compareFolder(folder), []);
      assert.equal((await run('backup', '--folder', folder, '--keep-last', 'few')).code, 2);
    });

    it('says what is no backup', async () => {
      for (const args of [
        ['verify', home.folder],
        ['versions', home.folder],
        ['delete', home.folder],
      ]) {
        const result = await run(...args, '--json');
        assert.deepEqual([result.code, last(result)['code']], [1, 'notABackup'], args[0]);
      }
      const missing = await run('backups', '--folder', path.join(folder, 'missing'), '--json');
      assert.deepEqual([missing.code, last(missing)['code']], [1, 'folderMissing']);
    });

    it('restores', async () => {
      await succeed('pair');
      await succeed('backup', '--folder', folder);
      const backup = path.join(folder, host.device.udid);
      await host.device.changeFiles(4, 7);
      assert.notDeepEqual(await host.device.compareFolder(folder), []);
      const unsure = await run('restore', backup, '--json');
      assert.deepEqual([unsure.code, last(unsure)['code']], [2, 'wrongUsage'], 'without a terminal --yes is needed');
      await host.device.set({ findMy: true });
      const findMy = await run('restore', backup, '--yes', '--json');
      assert.deepEqual([findMy.code, last(findMy)['code']], [1, 'findMyOn']);
      await host.device.set({ findMy: false });
      await succeed('restore', backup, '--yes', '--json');
      // A restored device does not remember that it has made this backup.
      const differences = await host.device.compareFolder(folder);
      assert.deepEqual(
        differences.filter((line) => !line.startsWith('Status.plist')),
        [],
      );
    });

    it('restores an encrypted backup with its password', async () => {
      await succeed('pair');
      await start('encryption', 'on').input('the password\n').ended;
      await succeed('backup', '--folder', folder);
      const backup = path.join(folder, host.device.udid);
      const restore = (input: string) => start('restore', backup, '--yes', '--json').input(input).ended;
      const none = await restore('');
      assert.deepEqual([none.code, last(none)['code']], [1, 'passwordNeeded']);
      const wrong = await restore('guess\n');
      assert.deepEqual([wrong.code, last(wrong)['code']], [1, 'wrongPassword']);
      const right = await restore('the password\n');
      assert.equal(right.code, 0, right.stdout);
      const verify = await start('verify', backup, '--json').input('the password\n').ended;
      assert.deepEqual([verify.code, last(verify)['notChecked']], [0, []], verify.stdout);
      const partly = await run('verify', backup, '--json');
      assert.deepEqual([partly.code, (last(partly)['notChecked'] as unknown[]).length], [0, 1]);
    });
  });

  /** What another program would meet on the device: is the lock free, was its screen told that it is over? */
  async function syncState(): Promise<{ lockFree: boolean; syncing: boolean }> {
    const { syncLocked } = await host.device.summary();
    const { byHosts } = await host.device.notifications();
    return { lockFree: !syncLocked, syncing: byHosts.at(-1) !== 'com.apple.itunes-mobdev.syncDidFinish' };
  }
});
