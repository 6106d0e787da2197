import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { applyRetention, archiveBackup, deleteBackup } from '../../../src/backups';
import { readTree, temporaryFolder } from '../../support/backupFolders';
import { runTool, type ToolResult } from '../../support/foreignTool';
import { RealBackups } from '../../support/realBackups';
import { backupsOf } from '../../virtualDevice/mobilebackup2/deviceBackups';

/*
 * Debian's idevicebackup2 1.3.0 over the folders that we leave. It looks for the backup itself, then hands every file that
 * the device asks for to the device, which answers with what it reads. Devices since iOS 10 refuse `info` and `list`
 * whatever the folder; so the virtual one answers as older ones did.
 */
describe('`info` and `list` of idevicebackup2', function () {
  this.timeout(60_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let backups: RealBackups;

  const start = async (backupPassword?: string) => {
    backups = await RealBackups.start(backupPassword === undefined ? {} : { backupPassword });
    const known = backupsOf(backups.device.virtual.state);
    known.behaviour = { ...known.behaviour, describesBackups: true };
  };
  const tool = (command: 'info' | 'list', name = backups.udid): Promise<ToolResult> =>
    runTool('idevicebackup2', ['-u', backups.udid, '-s', name, command, folder.path], backups.address, 30_000);
  const log = () => backups.device.virtual.state.logEntries.map(({ text }) => text).join('\n');

  /** As many files as the device had when the backup was made; the tool changes nothing. */
  async function accepts(name: string, files: number): Promise<void> {
    const before = readTree(folder.path);
    const info = await tool('info', name);
    assert.equal(info.code, 0, info.output);
    assert.match(info.stdout, new RegExp(`Unique Identifier: ${backups.udid}\n(.*\n)*Encrypted: No`));
    const list = await tool('list', name);
    assert.equal(list.code, 0, `${list.output}\n${log()}`);
    const lines = list.stdout.split('\n').filter((line) => /,\d+$/.test(line));
    assert.equal(lines.length, files, list.stdout);
    assert.ok(lines.some((line) => line.startsWith('CameraRollDomain,Media/DCIM/100APPLE/')));
    assert.doesNotMatch(log(), /REFUSED/);
    assert.deepEqual(readTree(folder.path), before);
  }
  const filesOnDevice = () =>
    [...backupsOf(backups.device.virtual.state).content.entries()].filter(({ kind }) => kind === 'file').length;
  const versions = () => fs.readdirSync(folder.path).filter((name) => name.startsWith(`${backups.udid}-`));

  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(async () => {
    await backups[Symbol.asyncDispose]();
    folder.remove();
  });

  it('accept a backup, an incremental one, its versions and archives, and what deleting and a rule leave', async () => {
    await start();
    const counts = new Map<string, number>();
    for (const round of [0, 1, 2, 3]) {
      // Added and removed files, so that each version has another number of them.
      if (round > 0) backupsOf(backups.device.virtual.state).content.removeFiles(1, round);
      const { version } = await backups.make(folder.path);
      if (version !== undefined) counts.set(path.basename(version), filesOnDevice() + 1);
      counts.set(backups.udid, filesOnDevice());
      if (round < 2) await accepts(backups.udid, filesOnDevice());
    }
    assert.equal(versions().length, 3);
    for (const version of versions()) await accepts(version, counts.get(version) ?? -1);

    const archive = path.basename(await archiveBackup(path.join(folder.path, backups.udid)));
    await accepts(archive, filesOnDevice());

    const [first = '', second = '', third = ''] = versions().filter((name) => name !== archive);
    await deleteBackup(path.join(folder.path, second));
    for (const left of [first, third]) await accepts(left, counts.get(left) ?? -1);
    // The present one and the archive count for the rule too.
    assert.deepEqual(await applyRetention(folder.path, backups.udid, { last: 3 }), [path.join(folder.path, first)]);
    for (const left of [third, backups.udid, archive]) {
      await accepts(left, left === archive ? filesOnDevice() : (counts.get(left) ?? -1));
    }
    for (const gone of [first, second]) assert.notEqual((await tool('info', gone)).code, 0);
  });

  it('see a file that is gone, and say that an encrypted one needs its password', async () => {
    await start('correct horse');
    const { path: backup } = await backups.make(folder.path);
    const info = await tool('info');
    assert.equal(info.code, 0, info.output);
    assert.match(info.stdout, /Encrypted: Yes/);
    assert.match((await tool('list')).output, /207/);
    await backups[Symbol.asyncDispose]();
    fs.rmSync(backup, { recursive: true });
    await start();
    await backups.make(folder.path);
    const [blob = ''] = (fs.readdirSync(backup, { recursive: true }) as string[]).filter((name) =>
      /^..\/.{40}$/.test(name),
    );
    fs.rmSync(path.join(backup, blob));
    assert.match((await tool('list')).output, /205/);
  });
});
