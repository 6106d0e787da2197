import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type * as vscode from 'vscode';
import type { BackupSummary } from '../../src/backups/types';
import type { DeviceInfo, TrustState } from '../../src/device/types';
import { byDevice } from '../../src/views/tree/backupsTree';
import { treeItem } from '../../src/views/tree/treeItem';
import { backup, details, device, job } from '../unit/views/generalTab/facts';
import { manifest } from './manifest';

const drawn = (parts: Partial<DeviceInfo>, running?: ReturnType<typeof job>) =>
  treeItem({ kind: 'device', device: { ...device, ...parts }, ...(running ? { job: running } : {}) });
const icon = (item: vscode.TreeItem) => (item.iconPath as vscode.ThemeIcon).id;

/** The commands that a row offers, by the `when` clauses of package.json. */
function offered(view: string, { contextValue = '' }: vscode.TreeItem): string[] {
  const entries = manifest().contributes.menus['view/item/context'] ?? [];
  return entries.flatMap(({ command, when = '' }) => {
    if (!command || !when.includes(`view == ${view}`)) return [];
    const pattern = /viewItem =~ \/(.*)\/\s*(?:&&|$)/.exec(when)?.[1];
    return pattern !== undefined && new RegExp(pattern).test(contextValue) ? [command.replace('iosBackup.', '')] : [];
  });
}

describe('rows of the trees', () => {
  it('tell a device’s model, system and battery, also to a screen reader', () => {
    const item = drawn({});
    assert.equal(item.label, 'My iPhone');
    assert.match(String(item.description), /iPhone 15 Pro · iOS 18\.2\.1 · Battery 82/);
    assert.match(item.accessibilityInformation?.label ?? '', /My iPhone, connected, iPhone 15 Pro/);
    assert.equal(icon(item), 'device-mobile');
    assert.match(String(drawn({ connections: ['network'] }).description), /Wi-Fi/);
    assert.equal(icon(drawn({ details: { ...details, locked: true } })), 'lock');
  });

  it('say what stands in the way of each trust state, and offer what helps', () => {
    const states: TrustState[] = (
      ['untrusted', 'waitingForTrust', 'locked', 'denied', 'forbidden', 'stale', 'wrongKey'] as const
    ).map((kind) => ({ kind }));
    const texts = states.map((trust) => {
      const { details: _, ...rest } = device;
      const item = treeItem({ kind: 'device', device: { ...rest, trust } });
      assert.ok(offered('iosBackup.devices', item).includes('trustDevice'), trust.kind);
      assert.ok(!offered('iosBackup.devices', item).includes('backUpNow'), trust.kind);
      return item.description;
    });
    assert.equal(new Set(texts).size, states.length);
  });

  it('offer for each state what can be done then, and nothing else', () => {
    const idle = offered('iosBackup.devices', drawn({}));
    for (const command of ['backUpNow', 'fullBackup', 'turnEncryptionOn', 'forgetDevice']) {
      assert.ok(idle.includes(command), command);
    }
    for (const command of ['cancelBackup', 'trustDevice', 'turnEncryptionOff', 'changeBackupPassword']) {
      assert.ok(!idle.includes(command), command);
    }
    const encrypting = { ...details, backup: { ...details.backup, willEncrypt: true } };
    const encrypted = offered('iosBackup.devices', drawn({ details: encrypting }));
    assert.ok(encrypted.includes('turnEncryptionOff') && encrypted.includes('changeBackupPassword'));
    assert.ok(!encrypted.includes('turnEncryptionOn'));
    const busy = offered('iosBackup.devices', drawn({}, job('backup', { fraction: 0.5 })));
    assert.ok(busy.includes('cancelBackup'));
    assert.ok(!busy.includes('backUpNow') && !busy.includes('turnEncryptionOn'));
  });

  it('show the stage and the percentage of a running job', () => {
    const item = drawn({}, job('backup', { stage: 'receiving', fraction: 0.389 }));
    assert.match(String(item.description), /Copying files 38/);
    assert.equal(icon(item), 'sync~spin');
  });

  it('tell a backup’s date, size and state', () => {
    const item = treeItem({ kind: 'backup', backup });
    assert.match(String(item.description), /62\.4 GB|62,4 GB/);
    assert.equal(icon(item), 'lock');
    assert.match(item.accessibilityInformation?.label ?? '', /encrypted/);
    const broken: BackupSummary = { ...backup, state: 'damaged', encrypted: false };
    assert.equal(icon(treeItem({ kind: 'backup', backup: broken })), 'error');
    const interrupted: BackupSummary = { ...backup, state: 'unfinished' };
    assert.match(String(treeItem({ kind: 'backup', backup: interrupted }).description), /interrupted/);
  });

  it('group backups by device, with the name that the device has now', () => {
    const other: BackupSummary = { ...backup, udid: 'other', deviceName: 'Old', path: '/o' };
    const groups = byDevice(
      [backup, other, { ...backup, path: '/p' }],
      [{ udid: device.udid, identity: { name: 'New' } }],
    );
    assert.deepEqual(
      groups.map(({ name, backups }) => [name, backups.length]),
      [
        ['New', 2],
        ['Old', 1],
      ],
    );
  });

  it('keep their identity when they are drawn again', () => {
    assert.equal(drawn({}).id, drawn({}, job('backup')).id);
    assert.notEqual(treeItem({ kind: 'backup', backup }).id, drawn({}).id);
  });
});
