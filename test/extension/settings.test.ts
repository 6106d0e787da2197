import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, it } from 'mocha';
import * as vscode from 'vscode';
import { defaultFolder, setFolder, settings } from '../../src/app/settings';
import { until } from '../support/until';

const section = () => vscode.workspace.getConfiguration('iosBackup');
const names = ['folder', 'deviceFolders', 'moreFolders', 'socketAddress', 'reminderDays'];

describe('settings', () => {
  afterEach(async () => {
    for (const name of names) await section().update(name, undefined, vscode.ConfigurationTarget.Global);
  });

  it('have defaults that work', () => {
    const { folderFor, listedFolders, socketAddress, reminderDays } = settings();
    assert.equal(folderFor('any'), defaultFolder());
    assert.deepEqual(listedFolders, [defaultFolder()]);
    assert.equal(socketAddress, '');
    assert.equal(reminderDays, 14);
  });

  it('know a folder of a device’s own, and the home folder by its sign', async () => {
    await setFolder(undefined, '/backups');
    await setFolder('A', path.join('~', 'phones'));
    assert.equal(settings().folderFor('A'), path.join(os.homedir(), 'phones'));
    assert.equal(settings().folderFor('B'), path.normalize('/backups'));
    await setFolder('A', undefined);
    assert.equal(settings().folderFor('A'), path.normalize('/backups'));
  });

  it('ignore what is not a path, a number or a list', async () => {
    for (const [name, value] of [
      ['folder', 'relative/path'],
      ['deviceFolders', { A: 5, B: 'relative' }],
      ['moreFolders', ['relative', 7]],
      ['reminderDays', -3],
    ] as const) {
      await section().update(name, value, vscode.ConfigurationTarget.Global);
    }
    assert.equal(settings().folderFor('A'), defaultFolder());
    assert.deepEqual(settings().listedFolders, [defaultFolder()]);
    assert.equal(settings().reminderDays, 0);
  });

  it('take nothing from a workspace', async function () {
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
    assert.ok(folder);
    const file = path.join(folder, '.vscode', 'settings.json');
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(
      file,
      JSON.stringify({
        'editor.tabSize': 7, // This one tells when the file has been read.
        'iosBackup.folder': '/stolen',
        'iosBackup.deviceFolders': { A: '/stolen' },
        'iosBackup.moreFolders': ['/stolen'],
        'iosBackup.socketAddress': '127.0.0.1:9',
        'iosBackup.reminderDays': 1,
      }),
    );
    try {
      await until(() => vscode.workspace.getConfiguration('editor').get('tabSize') === 7);
      const { folderFor, listedFolders, socketAddress, reminderDays } = settings();
      assert.equal(folderFor('A'), defaultFolder());
      assert.deepEqual(listedFolders, [defaultFolder()]);
      assert.equal(socketAddress, '');
      assert.equal(reminderDays, 14);
    } finally {
      fs.rmSync(path.dirname(file), { recursive: true });
    }
  });
});
