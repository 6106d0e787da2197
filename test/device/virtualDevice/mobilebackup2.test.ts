import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import { dict, PlistReal, type PlistArray } from '../../../src/plist';
import { MemoryBackupHost } from '../../support/memoryBackupHost';
import { presetNamed } from '../../virtualDevice';
import { stateDigest } from '../../virtualDevice/content/stateDigest';
import { DeviceState } from '../../virtualDevice/deviceState';
import { backupsOf } from '../../virtualDevice/mobilebackup2/deviceBackups';
import { parseStatusPlist } from '../../virtualDevice/mobilebackup2/backupPlists';
import { hostileDownload, hostileMessage, hostileUpload } from '../../virtualDevice/mobilebackup2/hostileScript';

type Changes = Parameters<typeof presetNamed>[1];

const NO_VALUE = '___EmptyParameterString___';
const FORCE = dict({ ForceFullBackup: true });
const devices: DeviceState[] = [];

function start(changes: Changes = {}): DeviceState {
  const device = new DeviceState(presetNamed('small', changes), () => 1);
  device.plug();
  devices.push(device);
  return device;
}

const contentOf = (device: DeviceState) => backupsOf(device).content;
const digest = (device: DeviceState) => stateDigest(contentOf(device));
const logged = (device: DeviceState) => device.logEntries.map(({ text }) => text).join('\n');

/** Blobs on the host that should be there, and those that should not. */
function strays(host: MemoryBackupHost, device: DeviceState): string[] {
  const { udid } = device;
  const shards = host.list(udid).filter((name) => /^[0-9a-f]{2}$/.test(name));
  const blobs = shards.flatMap((shard) => host.list(`${udid}/${shard}`));
  const files = contentOf(device)
    .files()
    .filter(({ unreadable }) => !unreadable);
  return blobs.length === files.length ? [] : [`${blobs.length} contents for ${files.length} files`];
}

describe('the virtual device as mobilebackup2', () => {
  afterEach(() => {
    for (const device of devices.splice(0)) device.end();
  });

  describe('backing up', () => {
    it('follows the course of a phone', async () => {
      const device = start();
      const host = new MemoryBackupHost();
      const states: string[] = [];
      host.statuses = () => {
        const status = host.files.get(`${device.udid}/Status.plist`);
        const state = status ? parseStatusPlist(status).snapshotState : 'none';
        if (states.at(-1) !== state) states.push(state);
        return undefined;
      };
      const { code, messages } = await host.backUp(device);
      assert.equal(code, 0);
      assert.deepEqual(states, ['none', 'uploading', 'moving', 'removing', 'finished']);
      const course = messages
        .filter((name, index) => name !== messages[index - 1])
        .map((name) => name.replace('DLMessage', ''));
      assert.deepEqual(course, [
        'DownloadFiles',
        'DLContentsOfDirectory',
        'GetFreeDiskSpace',
        'CreateDirectory',
        'UploadFiles',
        'MoveItems',
        'UploadFiles',
        'RemoveItems',
        'UploadFiles',
        'DownloadFiles',
      ]);
      assert.equal(host.list(device.udid).filter((name) => name.length === 2).length, 256);
      assert.equal(host.list(`${device.udid}/Snapshot`).length, 0);
      assert.deepEqual(strays(host, device), []);
    });

    it('uploads only what has changed, and everything when forced', async () => {
      const device = start();
      const host = new MemoryBackupHost();
      await host.backUp(device);
      assert.equal((await host.backUp(device)).code, 0);
      assert.match(logged(device), /incremental backup: 0 files/);
      contentOf(device).churn(10, 3);
      assert.equal((await host.backUp(device)).code, 0);
      assert.deepEqual(strays(host, device), []);
      assert.equal((await host.backUp(device, FORCE)).code, 0);
      const files = contentOf(device).files().length;
      assert.match(logged(device), new RegExp(`full backup: ${files} files`));
    });

    it('makes the same Manifest.db for the same content', async () => {
      const device = start();
      const [first, second] = [new MemoryBackupHost(), new MemoryBackupHost()];
      await first.backUp(device);
      await second.backUp(device);
      const name = `${device.udid}/Manifest.db`;
      assert.deepEqual(first.files.get(name), second.files.get(name));
    });

    it('sweeps what a forced full backup or another device has left', async () => {
      const device = start();
      const host = new MemoryBackupHost();
      await host.backUp(device);
      host.files.set(`${device.udid}/00/${'0'.repeat(40)}`, Buffer.from('x'));
      await host.backUp(device, FORCE);
      assert.deepEqual(strays(host, device), []);
    });

    it('goes on where an interrupted run has stopped', async () => {
      const device = start({
        content: { files: [], groups: [{ domain: 'HomeDomain', relativePath: 'Library', count: 100, size: 1000 }] },
      });
      backupsOf(device).behaviour = { ...backupsOf(device).behaviour, filesPerBatch: 10 };
      const host = new MemoryBackupHost();
      let uploads = 0;
      host.before = (name) => (name === 'DLMessageUploadFiles' && ++uploads === 6 ? 'hang up' : undefined);
      assert.equal((await host.backUp(device)).code, undefined);
      host.before = () => {};
      contentOf(device).changeFiles(3, 1);
      const changed = contentOf(device)
        .files()
        .filter(({ revision }) => revision > 0).length;
      assert.equal((await host.backUp(device)).code, 0);
      const line = device.logEntries
        .map(({ text }) => text)
        .filter((text) => text.startsWith('full backup'))
        .at(-1);
      const numbers = (line ?? '').match(/\d+/g)?.map(Number) ?? [];
      assert.equal((numbers[0] ?? 0) + (numbers[3] ?? 0), 100);
      assert.ok((numbers[3] ?? 0) >= 40 - changed && (numbers[3] ?? 0) <= 40, line);
      assert.deepEqual(strays(host, device), []);
    });

    it('throws away an interrupted run when told to', async () => {
      const device = start();
      backupsOf(device).behaviour = { ...backupsOf(device).behaviour, interrupted: 'clean', filesPerBatch: 2 };
      const host = new MemoryBackupHost();
      let uploads = 0;
      host.before = (name) => (name === 'DLMessageUploadFiles' && ++uploads === 4 ? 'leave' : undefined);
      await host.backUp(device);
      host.before = () => {};
      assert.equal((await host.backUp(device)).code, 0);
      assert.match(logged(device), /full backup: .* 0 uploaded before$/m);
      assert.deepEqual(strays(host, device), []);
    });

    it('resumes after an interruption at any message', async () => {
      const device = start();
      const whole = new MemoryBackupHost();
      const count = (await whole.backUp(device)).messages.length;
      for (let at = 0; at < count; at += at > 20 && at < count - 25 ? 29 : 1) {
        const host = new MemoryBackupHost();
        assert.equal((await host.backUp(device)).code, 0);
        contentOf(device).churn(9, at);
        let seen = 0;
        host.before = () => (seen++ === at ? 'hang up' : undefined);
        await host.backUp(device, at % 2 ? FORCE : undefined);
        host.before = () => {};
        const { code, refused } = await host.backUp(device);
        assert.deepEqual([code, refused], [0, undefined], `interrupted at message ${at}`);
        assert.deepEqual(strays(host, device), [], `interrupted at message ${at}`);
        assert.ok(!host.folders.has(`${device.udid}/Snapshot`));
      }
    }).timeout(30_000);

    it('leaves out what it cannot read, and says so in the stream', async () => {
      const files = [
        { domain: 'HomeDomain', relativePath: 'good', kind: 'file', size: 10 },
        { domain: 'HomeDomain', relativePath: 'bad', kind: 'file', size: 10, unreadable: true },
      ] as const;
      const device = start({ content: { files, groups: [] } });
      const host = new MemoryBackupHost();
      assert.equal((await host.backUp(device)).code, 0);
      assert.equal(host.unreadable.size, 1);
      assert.match([...host.unreadable.values()][0] ?? '', /Input\/output error/);
      assert.deepEqual(strays(host, device), []);
    });

    it('asks for room, then gives up with 105', async () => {
      const device = start();
      const host = new MemoryBackupHost();
      host.freeBytes = 128 * 1024 * 1024;
      const { code, description, messages } = await host.backUp(device);
      assert.equal(code, 105);
      assert.match(description ?? '', /Insufficient free disk space/);
      assert.deepEqual(messages.slice(-3), [
        'DLMessageGetFreeDiskSpace',
        'DLMessagePurgeDiskSpace',
        'DLMessageGetFreeDiskSpace',
      ]);
      host.statuses = (name) => {
        if (name === 'DLMessagePurgeDiskSpace') host.freeBytes = 1e12;
        return name === 'DLMessagePurgeDiskSpace' ? [['DLMessageStatusResponse', 0, NO_VALUE, 5e9]] : undefined;
      };
      assert.equal((await host.backUp(device)).code, 0);
    });

    it('ends with 105 when the disk fills up, with 104 when files are refused', async () => {
      for (const [status, code] of [
        [-15, 105],
        [-1, 104],
      ] as const) {
        const device = start();
        const host = new MemoryBackupHost();
        let uploads = 0;
        host.statuses = (name) =>
          name === 'DLMessageUploadFiles' && ++uploads === 2
            ? [['DLMessageStatusResponse', status, 'no', dict({})]]
            : undefined;
        assert.equal((await host.backUp(device)).code, code);
        const left = parseStatusPlist(host.files.get(`${device.udid}/Status.plist`) ?? Buffer.alloc(0));
        assert.equal(left.snapshotState, 'uploading');
        assert.equal((await host.backUp(device)).code, 0);
      }
    });

    it('makes a full backup after the password has changed, and says 205 to a broken index', async () => {
      const device = start();
      const host = new MemoryBackupHost();
      await host.backUp(device);
      device.backupPassword = 'a';
      assert.equal((await host.backUp(device)).code, 0);
      assert.match(logged(device), /password has changed[^]*full backup/);
      contentOf(device).changeFiles(3, 1);
      assert.equal((await host.backUp(device)).code, 0);
      assert.match(logged(device), /incremental backup: 3 files/);
      for (const name of ['Manifest.plist', 'Manifest.db']) {
        const broken = new MemoryBackupHost();
        await broken.backUp(device);
        broken.files.set(`${device.udid}/${name}`, Buffer.alloc(0));
        assert.equal((await broken.backUp(device)).code, 205, name);
      }
      host.files.set(`${device.udid}/Status.plist`, Buffer.alloc(0));
      assert.equal((await host.backUp(device)).code, 103);
    });

    it('asks for its passcode from iOS 16.1 on and in 15.7.1', async () => {
      for (const [version, asked] of [
        ['15.7', false],
        ['15.7.1', true],
        ['16.0', false],
        ['16.1', true],
        ['18.2', true],
      ] as const) {
        const device = start({ passcode: '1', productVersion: version, state: { passcodePrompt: 'refuse' } });
        assert.equal((await new MemoryBackupHost().backUp(device)).code, asked ? 208 : 0, version);
      }
    });

    it('is refused while locked without an escrow bag, by management, and before the setup is done', async () => {
      const host = new MemoryBackupHost();
      host.escrow = false;
      assert.equal(
        (await host.backUp(start({ passcode: '1', productVersion: '15.0', state: { locked: true } }))).code,
        208,
      );
      assert.equal((await host.backUp(start({ state: { backupForbidden: true } }))).code, 38);
      assert.equal((await host.backUp(start({ state: { setupDone: false } }))).code, 212);
      const failing = start({ state: { failWith: 100 } });
      assert.equal((await host.backUp(failing)).code, 100);
      assert.equal((await host.backUp(failing)).code, 0, 'one run only');
    });

    it('ends with 202 when a person cancels on the device', async () => {
      const device = start();
      const host = new MemoryBackupHost();
      host.before = (name) => {
        if (name === 'DLMessageUploadFiles') backupsOf(device).cancelOnDevice();
      };
      const { code, description } = await host.backUp(device);
      assert.equal(code, 202);
      assert.match(description ?? '', /Canceled by user/);
      assert.ok(device.postedByDevice.includes('com.apple.itunes-client.syncCancelRequest'));
      host.before = () => {};
      assert.equal((await host.backUp(device)).code, 0);
    });

    it('stops to wait for its passcode when the host leaves, and shows the sheet no more', async () => {
      const device = start({ passcode: '1', state: { passcodePrompt: 'wait' } });
      const host = new MemoryBackupHost();
      const running = host.backUp(device);
      while (!device.passcodeAsked) await new Promise((resolve) => setImmediate(resolve));
      host.leave();
      const { code, refused } = await running;
      assert.deepEqual([code, refused], [undefined, undefined]);
      assert.equal(device.passcodeAsked, false);
    });

    it('serves nobody but itself', async () => {
      const device = start();
      const asked = { MessageName: 'Backup', TargetIdentifier: 'another' };
      assert.match((await new MemoryBackupHost().request(device, asked)).refused ?? '', /TargetIdentifier/);
      const outside = { MessageName: 'Backup', TargetIdentifier: device.udid, SourceIdentifier: '../x' };
      assert.match((await new MemoryBackupHost().request(device, outside)).refused ?? '', /SourceIdentifier/);
    });

    it('shows a progress that rises to 100', async () => {
      const device = start();
      const host = new MemoryBackupHost();
      await host.backUp(device);
      const known = host.progress.filter((value) => value > 0);
      assert.deepEqual(
        known,
        known.toSorted((a, b) => a - b),
      );
      assert.equal(known.at(-1), 100);
    });
  });

  describe('refuses', () => {
    const wrongStatus = (change: (status: PlistArray) => readonly PlistArray[]) => (host: MemoryBackupHost) => {
      host.statuses = (name, status) =>
        name === 'DLMessageCreateDirectory' ? change(['DLMessageStatusResponse', ...status]) : undefined;
    };
    const cases: readonly [name: string, spoil: (host: MemoryBackupHost) => void, reason: RegExp][] = [
      [
        'another version answer',
        (host) => (host.opening = { version: ['DLMessageVersionExchange', 'No', 400] }),
        /version exchange/,
      ],
      [
        'an old DeviceLink',
        (host) => (host.opening = { version: ['DLMessageVersionExchange', 'DLVersionsOk', 100] }),
        /speaks DeviceLink/,
      ],
      [
        'versions that are no reals',
        (host) =>
          (host.opening = {
            hello: ['DLMessageProcessMessage', dict({ MessageName: 'Hello', SupportedProtocolVersions: [2, 2] })],
          }),
        /no real/,
      ],
      [
        'no version in common',
        (host) =>
          (host.opening = {
            hello: [
              'DLMessageProcessMessage',
              dict({ MessageName: 'Hello', SupportedProtocolVersions: [new PlistReal(3)] }),
            ],
          }),
        /offers the versions 3/,
      ],
      ['two statuses', wrongStatus((status) => [status, status]), /while it is the device's turn|instead of a status/],
      ['three elements', wrongStatus((status) => [status.slice(0, 3)]), /3 elements/],
      ['a positive code', wrongStatus(() => [['DLMessageStatusResponse', 5, 'x', dict({})]]), /the code 5/],
      [
        'a code that is a real',
        wrongStatus(() => [['DLMessageStatusResponse', new PlistReal(0.5), 'x', dict({})]]),
        /the code/,
      ],
      ['a status without text', wrongStatus(() => [['DLMessageStatusResponse', 0, 7, dict({})]]), /no text/],
      [
        'a value where none belongs',
        wrongStatus(() => [['DLMessageStatusResponse', 0, 'x', dict({ a: 1 })]]),
        /carries a value/,
      ],
      ['something else than a status', wrongStatus(() => [['DLMessagePing', 'x']]), /instead of a status/],
      [
        'free space in a dictionary',
        (host) => {
          host.statuses = (name) =>
            name === 'DLMessageGetFreeDiskSpace'
              ? [['DLMessageStatusResponse', 0, NO_VALUE, dict({ free: 1 })]]
              : undefined;
        },
        /free space/,
      ],
      [
        'a download of another file',
        (host) => (host.downloadStream = () => download('other', Buffer.from('x'))),
        /not the next file/,
      ],
      [
        'a block without a code',
        (host) => (host.downloadStream = ([path]) => Buffer.concat([name(path), u32(0)])),
        /without a code/,
      ],
      [
        'status 0 for a failed file',
        (host) => {
          host.statuses = (message) =>
            message === 'DLMessageDownloadFiles' ? [['DLMessageStatusResponse', 0, NO_VALUE, dict({})]] : undefined;
        },
        /status 0 although/,
      ],
      [
        'failures without details',
        (host) => {
          host.statuses = (message) =>
            message === 'DLMessageDownloadFiles'
              ? [['DLMessageStatusResponse', -13, 'Multi status', dict({})]]
              : undefined;
        },
        /does not say why/,
      ],
      [
        'a failure code that is positive',
        (host) => {
          host.statuses = (message, [, , value]) =>
            message === 'DLMessageDownloadFiles'
              ? [
                  [
                    'DLMessageStatusResponse',
                    -13,
                    'Multi status',
                    new Map(
                      [...(value as Map<string, never>).keys()].map((key) => [
                        key,
                        dict({ DLFileErrorCode: 6, DLFileErrorString: 'x' }),
                      ]),
                    ),
                  ],
                ]
              : undefined;
        },
        /DLFileErrorCode/,
      ],
    ];
    for (const [what, spoil, reason] of cases) {
      it(what, async () => {
        const device = start();
        const host = new MemoryBackupHost();
        spoil(host);
        const { code, refused } = await host.backUp(device);
        assert.notEqual(code, 0);
        assert.match(refused ?? '', reason);
        assert.match(logged(device), /REFUSED/);
      });
    }

    it('a file that is not what was uploaded', async () => {
      const device = start();
      const host = new MemoryBackupHost();
      host.before = (name, message) => {
        const path = `${device.udid}/Manifest.db`;
        if (name !== 'DLMessageDownloadFiles' || (message[1] as string[])[0] !== path) return;
        (host.files.get(path) as Buffer)[5000]! ^= 1;
      };
      assert.equal((await host.backUp(device)).code, 205);
    });

    it('takes -13 also as Python writes it', async () => {
      const device = start();
      const host = new MemoryBackupHost();
      host.statuses = (message, [code, text, value]) => {
        if (message !== 'DLMessageDownloadFiles' || code === 0) return undefined;
        const failures = [...(value as Map<string, never>).keys()].map(
          (key) => [key, dict({ DLFileErrorCode: 2n ** 64n - 6n, DLFileErrorString: 'gone' })] as const,
        );
        return [['DLMessageStatusResponse', 2n ** 64n - 13n, text, new Map(failures)]];
      };
      assert.equal((await host.backUp(device)).code, 0);
    });
  });

  describe('changing the password', () => {
    it('demands the right old one and the passcode, and obeys management', async () => {
      const device = start({ passcode: '1' });
      const host = new MemoryBackupHost();
      assert.equal((await host.changePassword(device)).code, 1);
      assert.equal((await host.changePassword(device, 'x', 'y')).code, 207);
      assert.equal((await host.changePassword(device, undefined, 'a')).code, 0);
      assert.ok(device.postedByDevice.includes('com.apple.mobile.backup.domain_changed'));
      assert.equal((await host.changePassword(device, undefined, 'b')).code, 207);
      assert.equal((await host.changePassword(device, 'wrong', 'b')).code, 207);
      device.setSwitches({ passcodePrompt: 'refuse' });
      assert.equal((await host.changePassword(device, 'a', 'b')).code, 208);
      device.setSwitches({ passcodePrompt: 'enter', encryptionRequired: true });
      const { code, description } = await host.changePassword(device, 'a');
      assert.equal(code, 1);
      assert.match(description ?? '', /WillEncrypt.*MBErrorDomain\/22/);
      device.setSwitches({ encryptionForbidden: true });
      assert.equal((await host.changePassword(device, 'a', 'b')).code, 1);
      device.setSwitches({ encryptionForbidden: false, encryptionRequired: false });
      assert.equal((await host.changePassword(device, 'a', 'b')).code, 0);
      assert.equal((await host.changePassword(device, 'b')).code, 0);
      assert.equal(device.backupPassword, undefined);
    });
  });

  describe('restoring', () => {
    for (const password of [undefined, 'sesam']) {
      it(`brings back the state of ${password ? 'an encrypted' : 'a'} backup, also on another device`, async () => {
        const device = start(password ? { state: { backupPassword: password } } : {});
        const host = new MemoryBackupHost();
        await host.backUp(device);
        const before = digest(device);
        contentOf(device).churn(12, 1);
        const options = password ? { Password: password } : {};
        assert.equal((await host.restore(device, options)).code, 0);
        assert.equal(digest(device), before);
        const other = start({
          udid: '00008130-001C35D20E92001C',
          productType: 'iPhone16,1',
          productVersion: '18.0',
          seed: 99,
        });
        assert.equal((await host.restore(other, options, device.udid)).code, 0);
        assert.equal(digest(other), before);
        const copies = new MemoryBackupHost();
        assert.equal((await copies.backUp(other)).code, 0);
        assert.deepEqual(strays(copies, other), []);
      });
    }

    it('keeps what it holds of a big file by what it is made from', async () => {
      const device = start({
        content: {
          files: [],
          groups: [{ domain: 'CameraRollDomain', relativePath: 'Media', count: 3, size: 3_000_000 }],
        },
      });
      const host = new MemoryBackupHost();
      await host.backUp(device);
      contentOf(device).clear();
      await host.restore(device);
      assert.equal(
        contentOf(device)
          .files()
          .filter(({ literal }) => literal).length,
        0,
      );
    });

    it('refuses damage and leaves the device as it was', async () => {
      const spoil: Record<string, (host: MemoryBackupHost, udid: string, blob: string) => void> = {
        'a missing content': (host, _udid, blob) => void host.files.delete(blob),
        'a shorter content': (host, _udid, blob) =>
          void host.files.set(blob, (host.files.get(blob) as Buffer).subarray(1)),
        'another content': (host, _udid, blob) => {
          const copy = Buffer.from(host.files.get(blob) as Buffer);
          copy[7] = (copy[7] as number) ^ 1;
          host.files.set(blob, copy);
        },
        'a broken Manifest.db': (host, udid) => void host.files.set(`${udid}/Manifest.db`, Buffer.alloc(8192)),
        'no Manifest.plist': (host, udid) => void host.files.delete(`${udid}/Manifest.plist`),
        'no Status.plist': (host, udid) => void host.files.delete(`${udid}/Status.plist`),
      };
      for (const [what, change] of Object.entries(spoil)) {
        const files = [{ domain: 'HomeDomain', relativePath: 'a', kind: 'file', size: 5000 }] as const;
        const device = start({ content: { files, groups: [] } });
        const host = new MemoryBackupHost();
        await host.backUp(device);
        contentOf(device).changeFiles(1, 1);
        const before = digest(device);
        const blob = [...host.files.keys()].find((path) => /\/[0-9a-f]{40}$/.test(path)) as string;
        change(host, device.udid, blob);
        assert.equal((await host.restore(device)).code, 205, what);
        assert.equal(digest(device), before, what);
      }
    });

    it('refuses what a phone refuses', async () => {
      const device = start({ state: { backupPassword: 'x' } });
      const host = new MemoryBackupHost();
      await host.backUp(device);
      const source = device.udid;
      const refused: readonly [what: string, changes: Changes, password: string, code: number][] = [
        ['Find My', { state: { findMy: true } }, 'x', 211],
        ['an older iOS', { productVersion: '16.4' }, 'x', 203],
        ['a wrong password', {}, 'y', 207],
        ['too little room', { free: 1000 }, 'x', 105],
        ['other supervision', { state: { supervised: true } }, 'x', 1],
      ];
      for (const [what, changes, Password, code] of refused) {
        const other = start(changes);
        const before = digest(other);
        assert.equal((await host.restore(other, { Password }, source)).code, code, what);
        assert.equal(digest(other), before);
      }
      assert.equal((await host.restore(start({ productVersion: '16.5.1' }), { Password: 'x' }, source)).code, 0);
      const twice = start();
      assert.equal((await host.restore(twice, { Password: 'x', RestoreShouldReboot: false }, source)).code, 0);
      assert.equal((await host.restore(twice, { Password: 'x' }, source)).code, 102);
    });

    it('copies the backup first when the host lets it', async () => {
      const device = start();
      const host = new MemoryBackupHost();
      await host.backUp(device);
      const files = new Map(host.files);
      const { code, messages } = await host.restore(device, { RestoreDontCopyBackup: false });
      assert.equal(code, 0);
      assert.ok(messages.includes('DLMessageCopyItem'));
      assert.deepEqual(host.files, files);
    });
  });

  describe('everything else', () => {
    it('answers 205 to what old systems did, nothing to an erasure', async () => {
      const device = start();
      const host = new MemoryBackupHost();
      for (const MessageName of ['Info', 'List', 'Unback', 'Extract']) {
        const { code, description } = await host.request(device, { MessageName, TargetIdentifier: device.udid });
        assert.equal(code, 205);
        assert.match(description ?? '', /Manifest\.mbdb.*MBErrorDomain\/4/);
      }
      const cloud = { MessageName: 'EnableCloudBackup', TargetIdentifier: device.udid, CloudBackupState: true };
      assert.equal((await host.request(device, cloud)).code, 0);
      assert.equal(device.switches.cloudBackup, true);
      const erased = await host.request(device, { MessageName: 'EraseDevice', TargetIdentifier: device.udid });
      assert.deepEqual([erased.code, erased.refused], [undefined, undefined]);
      await new Promise((resolve) => setTimeout(resolve, 10));
      assert.equal(contentOf(device).count, 0);
    });

    it('sends what a hostile script says, and notes the answers', async () => {
      const device = start();
      const host = new MemoryBackupHost();
      const backups = backupsOf(device);
      backups.hostileScript = [
        hostileUpload('../../evil', Buffer.from('x')),
        hostileDownload('/etc/passwd'),
        hostileMessage('DLMessageFoo', 'bar'),
      ];
      assert.equal((await host.backUp(device)).code, 0);
      assert.deepEqual(
        backups.hostileResults.map(({ code }) => code),
        [0, -13, -1],
      );
      assert.match(backups.hostileResults[1]?.downloaded?.toString() ?? '', /etc\/passwd[^]*No such file/);
    });
  });
});

function download(path: string, bytes: Buffer): Buffer {
  return Buffer.concat([
    name(path),
    u32(bytes.length + 1),
    Buffer.from([0x0c]),
    bytes,
    u32(1),
    Buffer.from([0]),
    u32(0),
  ]);
}

function name(path = ''): Buffer {
  return Buffer.concat([u32(Buffer.byteLength(path)), Buffer.from(path)]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value, 0);
  return bytes;
}
