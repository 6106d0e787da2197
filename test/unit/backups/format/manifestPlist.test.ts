import assert from 'node:assert/strict';
import fs from 'node:fs';
import promises from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { readManifestPlist, readPlistFile } from '../../../../src/backups/format/manifestPlist';
import { dict, encodeBinaryPlist, encodeXmlPlist, type PlistValue } from '../../../../src/plist';
import { temporaryFolder } from '../../../support/backupFolders';

describe('readManifestPlist()', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => (folder = temporaryFolder()));
  afterEach(() => folder.remove());
  const file = () => path.join(folder.path, 'Manifest.plist');
  const write = (value: PlistValue) => fs.writeFileSync(file(), encodeBinaryPlist(value));

  it('reads what a device writes', async () => {
    const date = new Date('2024-05-06T07:08:09Z');
    write(
      dict({
        Version: '10.0',
        Date: date,
        IsEncrypted: true,
        WasPasscodeSet: false,
        BackupKeyBag: Buffer.from('keys'),
        ManifestKey: Buffer.alloc(44),
        Lockdown: dict({ DeviceName: 'Phone' }),
        Applications: dict({ 'com.example': dict({}) }),
        SystemDomainsVersion: '24.0',
      }),
    );
    assert.deepEqual(await readManifestPlist(folder.path), {
      version: '10.0',
      date,
      encrypted: true,
      passcodeSet: false,
      keybag: Buffer.from('keys'),
      manifestKey: Buffer.alloc(44),
      lockdown: dict({ DeviceName: 'Phone' }),
      applications: dict({ 'com.example': dict({}) }),
    });
  });

  it('needs none of it', async () => {
    fs.writeFileSync(file(), encodeXmlPlist(dict({})));
    assert.deepEqual(await readManifestPlist(folder.path), { encrypted: false });
  });

  it('says that there is none', async () => {
    await assert.rejects(readManifestPlist(folder.path), { code: 'notABackup' });
    await assert.rejects(readManifestPlist(path.join(folder.path, 'missing')), { code: 'notABackup' });
    fs.writeFileSync(file(), 'a file');
    await assert.rejects(readManifestPlist(file()), { code: 'notABackup' });
  });

  it('says that it is damaged', async () => {
    const refused: readonly (() => void)[] = [
      () => fs.writeFileSync(file(), 'no property list'),
      () => write([1]),
      () => write(dict({ Version: 10 })),
      () => write(dict({ IsEncrypted: 'yes' })),
      () => fs.truncateSync(file(), (64 << 20) + 1),
    ];
    for (const make of refused) {
      make();
      await assert.rejects(readManifestPlist(folder.path), {
        code: 'backupDamaged',
        details: { file: 'Manifest.plist' },
      });
    }
  });

  it('says that it is no file, that the disk fails, or that it may not be read', async () => {
    fs.mkdirSync(file());
    await assert.rejects(readPlistFile(file()), { code: 'backupDamaged' });
    fs.rmdirSync(file());
    // Mode bits hold back neither the superuser nor Windows.
    const { open } = promises;
    for (const [code, told] of [
      ['EACCES', 'noPermission'],
      ['EPERM', 'noPermission'],
      ['ESTALE', 'folderOffline'],
      ['EIO', 'diskError'],
      ['EMLINK', 'backupDamaged'],
    ] as const) {
      promises.open = () => Promise.reject(Object.assign(new Error(code), { code }));
      try {
        await assert.rejects(readPlistFile(file()), { code: told });
      } finally {
        promises.open = open;
      }
    }
  });
});
