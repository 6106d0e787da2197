import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'mocha';
import { deriveKey } from '../../../src/backups/format/deriveKey';
import { parseKeybag } from '../../../src/backups/format/keybag';
import { bundleCli, makeEngineHome } from '../../support/engineProcess';
import { leaksBelow, leaksIn, LeakWatch, secretBytes, secretText, type Secret } from '../../support/leaks';
import { bundledReader, startReader } from '../../support/readerProcess';
import { RunningProgram } from '../../support/runProgram';
import { backupsOf, presetNamed, VirtualDeviceHost, type LocalDevice } from '../../virtualDevice';
import { FileKeys } from '../../virtualDevice/mobilebackup2/fileKeys';

/** A password with all that is awkward, and a mark that no encoding of text changes. */
class MarkedPassword {
  readonly secret: Secret;
  readonly text: string;

  constructor(readonly name: string) {
    const mark = `mark${randomBytes(10).toString('hex')}`;
    this.secret = secretText(`the ${name} password`, mark);
    this.text = `"ä\\${mark} %2F'🔑`;
  }
}

/** What opens the device's backups now: the key of the password, the class keys, and every file's. */
async function keysOf({ state }: LocalDevice, password: MarkedPassword): Promise<Secret[]> {
  const backups = backupsOf(state);
  const keybag = await backups.keybag();
  const files = backups.content.files();
  const fileKeys = new FileKeys(state.description.seed, keybag).forFiles(files);
  const derived = await deriveKey(password.text, parseKeybag(keybag.bytes).derivation);
  return [
    secretBytes(`the key of the ${password.name} password`, derived),
    ...[...keybag.classKeys].map(([number, key]) => secretBytes(`the ${password.name} key of class ${number}`, key)),
    ...fileKeys.map(({ key }, index) => secretBytes(`the key of ${files[index]?.name ?? ''}`, key)),
  ];
}

describe('secrets', function () {
  this.timeout(300_000);

  it('would be found in every form', () => {
    const mark = 'mark0123456789abcdef';
    const secret = secretText('it', mark);
    const utf16 = Buffer.from(mark, 'utf16le');
    const forms = [
      JSON.stringify({ password: `"${mark}\\` }),
      `ios-backup://x?p=${encodeURIComponent(`ä${mark}`)}`,
      utf16,
      utf16.toString('hex').toUpperCase(),
      Buffer.from(mark).toString('hex'),
      ...['', 'a', 'ab', 'abc'].map((before) => Buffer.from(`${before}${mark}!`).toString('base64')),
      ...['', 'a', 'ab'].map((before) => Buffer.from(`${before}${mark}`, 'utf16le').toString('base64url')),
    ];
    for (const form of forms) assert.deepEqual(leaksIn(Buffer.from(form), [secret]), ['it'], String(form));
    assert.deepEqual(leaksIn(Buffer.from('mark and 0123456789abcdeg'), [secret]), []);
  });

  it('are in no file, argument, environment, log, history or output of the engine, the command line and the reader', async () => {
    const [first, second, wrong] = ['first', 'second', 'wrong'].map((name) => new MarkedPassword(name)) as [
      MarkedPassword,
      MarkedPassword,
      MarkedPassword,
    ];
    const secrets = [first.secret, second.secret, wrong.secret];
    const [cli] = await Promise.all([bundleCli(), bundledReader()]);
    await using host = await VirtualDeviceHost.start({
      devices: [presetNamed('small', { passcode: '1234' })],
      control: false,
    });
    await using home = await makeEngineHome({ muxAddress: host.address });
    const temporary = path.join(home.folder, 'tmp');
    fs.mkdirSync(temporary);
    home.env['TMPDIR'] = temporary;
    for (const name of ['CONFIG', 'CACHE', 'DATA']) home.env[`XDG_${name}_HOME`] = path.join(home.folder, name);
    const folder = path.join(home.folder, 'backups');
    const backup = path.join(folder, host.device.udid);
    using watch = new LeakWatch(temporary, secrets);
    let output = '';
    const run = async (input: readonly MarkedPassword[], code: number, ...args: string[]) => {
      const lines = input.map(({ text }) => `${text}\n`).join('');
      const result = await new RunningProgram(cli, args, home.env).input(lines).ended;
      output += result.stdout + result.stderr;
      assert.equal(result.code, code, `${args.join(' ')}: ${result.stdout}${result.stderr}`);
    };

    await run([], 0, 'pair');
    await run([first], 0, 'encryption', 'on', '--json');
    await run([], 0, 'backup', '--folder', folder, '--json');
    secrets.push(...(await keysOf(host.device, first)));
    await run([wrong], 1, 'verify', backup, '--level', 'full', '--json');
    await run([wrong, second], 1, 'encryption', 'change', '--json');
    await run([first, second], 0, 'encryption', 'change', '--json');
    await run([second], 0, 'backup', '--folder', folder, '--check-password');
    assert.match(output, /encrypted; the password opens it: /);
    await run([wrong], 0, 'backup', '--folder', folder, '--check-password', '--json');
    assert.match(output, /"passwordOpens":false/);
    secrets.push(...(await keysOf(host.device, second)));
    await run([second], 0, 'verify', backup, '--level', 'full', '--json');
    await run([second], 0, 'list', backup, 'HomeDomain', '--json');
    await run([wrong], 1, 'list', backup, 'HomeDomain');
    await run([second], 0, 'extract', backup, 'HomeDomain', '--to', path.join(home.folder, 'extracted'), '--json');
    // With the password, as the editor asks for it: the engine checks its own backup.
    const client = await home.connect();
    const { udid } = host.device;
    const summary = await client.call('backUp', { udid, folder, password: second.text });
    const history = await client.call('history', { udid });
    output += JSON.stringify([summary, history, client.state]);
    client.dispose();

    const { reader, output: readerOutput } = await startReader();
    await reader.call('open', { folder: backup, idleMs: 0 });
    await assert.rejects(reader.call('unlock', { password: wrong.text }), (error: Error) => {
      output += JSON.stringify(error) + String(error) + String(error.stack);
      return true;
    });
    await reader.call('unlock', { password: second.text });
    output += JSON.stringify(await reader.call('list', { path: '' }));
    await new Promise((resolve) => setTimeout(resolve, 100));
    reader.end();
    await reader.ended;
    await run([second], 0, 'encryption', 'off', '--json');

    assert.ok(secrets.length > 40 && history.length >= 3);
    assert.deepEqual(leaksIn(Buffer.from(output + readerOutput()), secrets), []);
    const below = leaksBelow(home.folder, secrets);
    assert.deepEqual(below.leaks, []);
    assert.ok(below.files > 50, 'backups, logs and history are there');
    const names = fs.readdirSync(home.folder, { recursive: true, encoding: 'utf8' });
    assert.ok(names.some((name) => name.endsWith('.log')));
    assert.deepEqual([...watch.leaks], []);
    for (const program of process.platform === 'linux' ? ['engine.js', 'cli.js', 'reader.js'] : []) {
      assert.ok(
        [...watch.seen].some((line) => line.includes(program)),
        program,
      );
    }
    assert.deepEqual(fs.readdirSync(temporary), [], 'no temporary file is left');
  });
});
