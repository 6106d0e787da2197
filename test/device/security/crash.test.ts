import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { EngineClient } from '../../../src/engine/client';
import { hex, vectors } from '../../support/backupVectors';
import { makeEngineHome, type EngineHome } from '../../support/engineProcess';
import { leaksBelow, leaksIn, secretBytes, secretText, type Secret } from '../../support/leaks';
import { bundledReader, startReader } from '../../support/readerProcess';
import { until } from '../../support/until';
import { vectorPassword, writeVectorBackup } from '../../support/vectorBackup';
import { presetNamed, VirtualDeviceHost } from '../../virtualDevice';

/** What Node leaves behind when it is asked to tell as much as it can; a signal of the test's own brings in a mistake. */
const TALKATIVE = ['--report-uncaught-exception', '--report-on-fatalerror', '--report-on-signal'];
const MISTAKE = `
process.on('SIGALRM', () => setImmediate(() => { throw Object.assign(new TypeError('a mistake'), { at: 'any' }); }));
`;

describe('a process that ends hard, with secrets in its memory', function () {
  this.timeout(120_000);
  let home: EngineHome;
  let host: VirtualDeviceHost;
  const mark = `mark${randomBytes(10).toString('hex')}`;
  const secrets: Secret[] = [secretText('the password', mark)];

  beforeEach(async function () {
    if (process.platform === 'win32') return this.skip();
    host = await VirtualDeviceHost.start({ devices: [presetNamed('small', { passcode: '1234' })], control: false });
    home = await makeEngineHome({ muxAddress: host.address });
  });
  afterEach(async () => {
    await home[Symbol.asyncDispose]();
    await host.stop();
  });

  /** An engine that waits for the device's passcode to set a password, and so holds that. */
  async function engineWithPassword(): Promise<EngineClient> {
    const mistake = path.join(home.folder, 'mistake.cjs');
    fs.writeFileSync(mistake, MISTAKE);
    const wrapper = path.join(home.folder, 'node.sh');
    const quoted = [process.execPath, ...TALKATIVE, `--report-directory=${home.folder}`, '--require', mistake];
    fs.writeFileSync(wrapper, `#!/bin/sh\nexec ${quoted.map((word) => `'${word}'`).join(' ')} "$@"\n`, { mode: 0o700 });
    const client = await home.connect({ nodePath: wrapper });
    const { udid } = host.device;
    await until(() => client.state.devices.some((device) => device.udid === udid && device.identity));
    await client.call('pair', { udid });
    await host.device.set({ passcodePrompt: 'wait' });
    const newPassword = `"ä\\${mark}`;
    client.call('changeEncryption', { udid, change: { kind: 'on', newPassword } }).catch(() => {});
    await until(() => client.state.jobs.some(({ progress }) => progress.stage === 'waitingForPasscode'));
    return client;
  }

  async function ended(pid: number): Promise<void> {
    await until(() => !home.enginePids().includes(pid));
  }

  /** Core dumps are off in most shells; here they are wanted, where the system has such a switch. */
  function wantCore(pid: number): void {
    if (process.platform !== 'linux') return;
    try {
      execFileSync('prlimit', ['--pid', String(pid), '--core=unlimited:unlimited'], { stdio: 'ignore' });
    } catch {
      // The dump is then not made at all.
    }
    assert.equal(Number.parseInt(fs.readFileSync(`/proc/${pid}/coredump_filter`, 'utf8'), 16), 0);
  }

  for (const signal of ['SIGSEGV', 'SIGUSR2', 'SIGALRM'] as const) {
    it(`leaves none of them on the disk: the engine, ${signal}`, async () => {
      const client = await engineWithPassword();
      const { pid } = client.info;
      wantCore(pid);
      client.dispose();
      process.kill(pid, signal);
      await ended(pid);
      const { leaks, files } = leaksBelow(home.folder, secrets);
      assert.deepEqual(leaks, []);
      assert.ok(files > 3);
      const names = fs.readdirSync(home.folder, { recursive: true, encoding: 'utf8' });
      assert.deepEqual(
        names.filter((name) => /^report\..*\.json$/.test(path.basename(name))),
        [],
      );
      if (signal !== 'SIGALRM') return;
      const log = names.find((name) => /engine-[^/\\]*\.log$/.test(name) && !name.includes('output')) ?? '';
      assert.match(fs.readFileSync(path.join(home.folder, log), 'utf8'), /uncaught: TypeError: a mistake/);
    });
  }

  it('leaves none of them on the disk: the reader of an opened backup', async () => {
    await bundledReader();
    const left = fs.mkdtempSync(path.join(os.tmpdir(), 'left-'));
    const backup = writeVectorBackup();
    const before = process.cwd();
    process.chdir(left); // A reader begins where its window is, and a dump lands there.
    try {
      const { reader, output } = await startReader();
      process.chdir(before);
      await reader.call('open', { folder: backup, idleMs: 0 });
      await reader.call('unlock', { password: vectorPassword });
      await reader.call('list', { path: '' });
      const pid = reader.pid ?? assert.fail('it runs');
      wantCore(pid);
      process.kill(pid, 'SIGSEGV');
      await reader.ended;
      const keys = vectors.keybag.classes.map(({ CLAS, classKey }) => secretBytes(`class key ${CLAS}`, hex(classKey)));
      assert.ok(keys.length > 3);
      assert.deepEqual(leaksBelow(left, keys).leaks, []);
      assert.deepEqual(leaksIn(Buffer.from(output()), keys), []);
    } finally {
      process.chdir(before);
      fs.rmSync(left, { recursive: true });
      fs.rmSync(backup, { recursive: true });
    }
  });
});
