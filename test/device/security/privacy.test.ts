import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { after, before, describe, it } from 'mocha';
import { isAppError } from '../../../src/base/errors';
import type { EncryptionChange } from '../../../src/engine/protocol';
import { UDID } from '../../support/backupFolders';
import { until } from '../../support/until';
import { HostileRig } from './hostileRig';

const FIRST = 'Correct Horse \u00e9\u{1F40E} 1';
const SECOND = 'Battery "Staple" 2';
const WRONG = 'Wrong <Pony> 3';
/** `nobody` nearly everywhere; any that is not ours does. */
const SOMEBODY_ELSE = 65534;

/** What other users of this computer, and those who read a log, learn of a backup. */
describe('privacy', function () {
  this.timeout(60_000);
  let rig: HostileRig;
  /** Sockets that the engine held while a backup ran, as the system tells them. */
  let held: readonly string[] = [];
  /** How often they were looked at. */
  let looks = 0;

  before(async () => {
    // What must not be in the most talkative log is in no other.
    rig = await HostileRig.start({ IOS_BACKUP_LOG_LEVEL: 'trace' });
    const change = (how: EncryptionChange) => rig.client.call('changeEncryption', { udid: UDID, change: how });
    await change({ kind: 'on', newPassword: FIRST });
    await assert.rejects(change({ kind: 'change', oldPassword: WRONG, newPassword: SECOND }), (error) =>
      isAppError(error, 'wrongPassword'),
    );
    await change({ kind: 'change', oldPassword: FIRST, newPassword: SECOND });
    const seen = new Set<string>();
    const watching = rig.client.onState(({ jobs }) => {
      if (process.platform !== 'linux') return;
      for (const one of internetSockets(rig.client.info.pid)) seen.add(one);
      looks += jobs.some(({ outcome }) => outcome === undefined) ? 1 : 0;
    });
    assert.deepEqual(await rig.backUp(), { done: true });
    watching.dispose();
    held = [...seen];
  });
  after(() => rig[Symbol.asyncDispose]());

  it('of passwords and keys: none is in a log, a file, an argument or the environment', async () => {
    await rig.client.call('verify', { path: path.join(rig.folder, UDID), level: 'quick', password: SECOND });
    const record = rig.host.mux.records.read(UDID);
    assert.ok(record, 'the pair record is with the service for devices');
    const keys = [
      ...record.toString().matchAll(/<key>(HostPrivateKey|RootPrivateKey|EscrowBag)<\/key>\s*<data>([^<]+)/g),
    ];
    assert.equal(keys.length, 3);
    const secrets = keys.map(([, , data = '']) => Buffer.from(data, 'base64'));
    for (const password of [FIRST, SECOND, WRONG]) {
      secrets.push(
        Buffer.from(password),
        Buffer.from(JSON.stringify(password).slice(1, -1)),
        Buffer.from(password, 'utf16le'),
      );
    }
    const files = filesBelow(rig.home.folder);
    const log = files.find((file) => /engine-.*\.log$/.test(file)) ?? assert.fail('there is no log');
    await until(() => fs.readFileSync(log, 'utf8').includes('DLMessage'));
    if (process.platform === 'linux') {
      files.push(`/proc/${rig.client.info.pid}/cmdline`, `/proc/${rig.client.info.pid}/environ`);
    }
    for (const file of files) {
      const content = fs.readFileSync(file);
      for (const secret of secrets) assert.ok(!content.includes(secret), `a secret is in ${file}`);
    }
  });

  it('files are for this user only: 0600, and folders 0700', function () {
    if (process.platform === 'win32') return this.skip();
    const own = [path.join(rig.home.folder, 'run', 'ios-backup'), path.join(rig.home.folder, 'state', 'ios-backup')];
    const backups = [UDID, '.ios-backup'].map((name) => path.join(rig.folder, name));
    let seen = 0;
    for (const root of [...own, ...backups]) {
      for (const place of [
        root,
        ...(fs.readdirSync(root, { recursive: true }) as string[]).map((name) => path.join(root, name)),
      ]) {
        const stat = fs.lstatSync(place);
        assert.equal(stat.mode & 0o777, stat.isDirectory() ? 0o700 : 0o600, place);
        seen++;
      }
    }
    assert.ok(seen > 30, `${seen} files and folders`);
  });

  it('another user of this computer can neither reach the engine nor read its token', async function () {
    // Only an administrator can become another user to try it; the modes above hold for everybody.
    if (process.getuid?.() !== 0) return this.skip();
    const runtime = path.join(rig.home.folder, 'run', 'ios-backup');
    const [socket, claim] = ['.s', '.json'].map((end) => {
      const name = fs.readdirSync(runtime).find((one) => one.endsWith(end)) ?? assert.fail(`no ${end}`);
      return path.join(runtime, name);
    });
    // What lies above is the test's own; it must not be what keeps the other user out.
    fs.chmodSync(rig.home.folder, 0o755);
    fs.chmodSync(path.join(rig.home.folder, 'run'), 0o755);
    const script = `
      const [socket, claim] = process.argv.slice(1);
      let read = 'read';
      try { require('fs').readFileSync(claim); } catch (error) { read = error.code; }
      const connection = require('net').connect(socket);
      const told = (what) => { console.log(process.getuid(), read, what); process.exit(); };
      connection.on('connect', () => told('connected'));
      connection.on('error', (error) => told(error.code));
    `;
    const run = (as: object) =>
      promisify(execFile)(process.execPath, ['-e', script, socket ?? '', claim ?? ''], { cwd: '/', ...as });
    assert.equal((await run({})).stdout.trim(), '0 read connected', 'what is tried works for us');
    const { stdout } = await run({ uid: SOMEBODY_ELSE, gid: SOMEBODY_ELSE });
    assert.equal(stdout.trim(), `${SOMEBODY_ELSE} EACCES EACCES`);
  });

  it('the engine has no connection but to the service for devices', function () {
    if (process.platform !== 'linux') return this.skip();
    assert.ok(looks > 3, `looked ${looks} times`);
    assert.deepEqual(held, []);
  });
});

/** Sockets of a process that are not local ones: `tcp 0100007F:1F90`. */
function internetSockets(pid: number): readonly string[] {
  const inodes = new Set<string>();
  for (const descriptor of fs.readdirSync(`/proc/${pid}/fd`)) {
    try {
      const found = /^socket:\[(\d+)\]$/.exec(fs.readlinkSync(`/proc/${pid}/fd/${descriptor}`));
      if (found?.[1]) inodes.add(found[1]);
    } catch {
      // Closed meanwhile.
    }
  }
  assert.ok(inodes.size > 0, 'it holds the sockets of its clients at least');
  const rowsOf = (file: string) => fs.readFileSync(`/proc/${pid}/net/${file}`, 'utf8').trim().split('\n').slice(1);
  const local = new Set(rowsOf('unix').map((row) => row.trim().split(/\s+/)[6]));
  assert.ok(
    [...inodes].some((inode) => local.has(inode)),
    'its local sockets are found',
  );
  return ['tcp', 'tcp6', 'udp', 'udp6', 'raw', 'packet'].flatMap((kind) =>
    rowsOf(kind)
      .map((row) => row.trim().split(/\s+/))
      .filter((fields) => fields.some((one) => inodes.has(one)))
      .map((fields) => `${kind} ${fields[2]}`),
  );
}

function filesBelow(folder: string): string[] {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
}
