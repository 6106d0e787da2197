import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'mocha';
import { isAppError, type ErrorCode } from '../../../src/base/errors';
import { getArray, getDict, getString, parsePlist, type PlistDict } from '../../../src/plist';
import { systemError } from '../../support/memoryStore';
import { PairedDevice, until } from './pairedDevice';

const WHOLE_SYNC = ['syncWillStart', 'syncLockRequest', 'syncDidStart', 'syncDidFinish'];

function fails(work: Promise<unknown>, code: ErrorCode): Promise<void> {
  return assert.rejects(work, (error: unknown) => isAppError(error, code) || assert.fail(String(error)));
}

/** Paired by cable, then only reachable over the network. */
async function startOnNetwork(): Promise<PairedDevice> {
  const connections: ('usb' | 'network')[] = ['usb', 'network'];
  const paired = await PairedDevice.start({ wifiConnections: true }, { connections });
  connections.shift();
  await paired.virtual.replug();
  await paired.reopen();
  assert.equal(paired.device.connection, 'network');
  return paired;
}

function plistOf(paired: PairedDevice, name: string): PlistDict {
  const content = paired.store.files.get(`${paired.udid}/${name}`);
  assert.ok(content, `${name} was written`);
  return parsePlist(content) as PlistDict;
}

describe('backUp()', () => {
  test('makes a full backup that equals the device, and leaves nothing behind on it', async () => {
    await using paired = await PairedDevice.start();
    const result = await paired.backUp({ productName: 'iPhone 12' });
    assert.deepEqual(await paired.differences(), []);
    assert.deepEqual(await paired.leftovers(), []);
    assert.deepEqual(paired.posted, WHOLE_SYNC);
    assert.equal(result.full, true);
    assert.equal(result.encrypted, false);
    assert.deepEqual(result.skipped, []);
    assert.ok(result.files > 10);
    assert.ok(result.bytes > 100_000);
    assert.equal(plistOf(paired, 'Status.plist').get('SnapshotState'), 'finished');
    const last = paired.reports.at(-1);
    assert.deepEqual([last?.files, last?.bytes], [result.files, result.bytes]);
    const fractions = paired.reports.map(({ fraction }) => fraction ?? 0);
    assert.deepEqual(
      fractions,
      fractions.toSorted((a, b) => a - b),
    );
    assert.deepEqual(
      paired.stages.filter((stage) => stage !== 'preparing'),
      ['starting', 'readingApps', 'receiving', 'moving', 'removing'],
    );
  });

  test('makes three incremental backups after changes', async () => {
    await using paired = await PairedDevice.start();
    const first = await paired.backUp();
    for (const round of [1, 2, 3]) {
      await paired.virtual.changeFiles(5, round);
      const { full, files } = await paired.backUp();
      assert.equal(full, false);
      assert.ok(files < first.files, `${files} files in round ${round}`);
      assert.deepEqual(await paired.differences(), []);
    }
    assert.deepEqual(await paired.leftovers(), []);
  });

  test('a full backup on request takes everything again', async () => {
    await using paired = await PairedDevice.start();
    const first = await paired.backUp();
    const second = await paired.backUp({ full: true });
    assert.equal(second.full, true);
    assert.ok(second.files >= first.files);
    assert.deepEqual(await paired.differences(), []);
  });

  test('a backup with a password is encrypted by the device', async () => {
    await using paired = await PairedDevice.start({ backupPassword: 'secret' });
    const { encrypted } = await paired.backUp();
    assert.equal(encrypted, true);
    assert.equal(plistOf(paired, 'Manifest.plist').get('IsEncrypted'), true);
    assert.deepEqual(await paired.differences('secret'), []);
  });

  test('works for an old device', async () => {
    const udid = 'a3f5c1d20b9e84766512fedc0a1b2c3d4e5f6071';
    await using paired = await PairedDevice.start({}, { productVersion: '12.5', udid });
    await paired.backUp();
    assert.deepEqual(await paired.differences(), []);
  });

  test('works over the network, with heartbeat and a device that stays awake', async () => {
    await using paired = await startOnNetwork();
    const running = paired.backUp();
    await paired.untilStage('preparing');
    const open = [...paired.virtual.state.connections].map(({ what }) => what);
    assert.ok(open.includes('com.apple.mobile.heartbeat'), open.join());
    assert.ok(open.includes('com.apple.mobile.assertion_agent'), open.join());
    await running;
    assert.deepEqual(await paired.differences(), []);
    assert.deepEqual(await paired.leftovers(), []);
  });

  test('Info.plist tells of the device and its apps', async () => {
    await using paired = await PairedDevice.start();
    await paired.backUp({ productName: 'iPhone 12' });
    const info = plistOf(paired, 'Info.plist');
    const { state } = paired.virtual;
    assert.equal(getString(info, 'Device Name'), state.name);
    assert.equal(getString(info, 'Target Identifier'), paired.udid);
    assert.equal(getString(info, 'Unique Identifier'), paired.udid.toUpperCase());
    assert.equal(getString(info, 'Product Name'), 'iPhone 12');
    assert.match(getString(info, 'GUID'), /^[0-9A-F]{32}$/);
    const { apps } = state.description;
    assert.deepEqual([...getArray(info, 'Installed Applications')].sort(), apps.map(({ bundleId }) => bundleId).sort());
    const applications = getDict(info, 'Applications');
    assert.deepEqual(
      [...applications.keys()].sort(),
      apps
        .filter(({ store }) => store)
        .map(({ bundleId }) => bundleId)
        .sort(),
    );
    for (const app of applications.values()) {
      assert.deepEqual([...(app as PlistDict).keys()].sort(), ['ApplicationSINF', 'PlaceholderIcon', 'iTunesMetadata']);
    }
  });

  test('a file that the device cannot read is told, and the backup is whole without it', async () => {
    await using paired = await PairedDevice.start();
    await paired.virtual.putFile({
      domain: 'HomeDomain',
      relativePath: 'Library/stuck',
      kind: 'file',
      size: 10,
      unreadable: true,
    });
    const { skipped, skippedCount } = await paired.backUp();
    assert.equal(skippedCount, 1);
    assert.match(skipped[0]?.devicePath ?? '', /Library\/stuck/);
    assert.match(skipped[0]?.reason ?? '', /Input\/output error/);
    assert.equal(paired.reports.at(-1)?.warnings, 1);
    assert.deepEqual(await paired.differences(), []);
  });
});

describe('backUp() and the passcode', () => {
  test('says that the device waits for it, and goes on when it is entered', async () => {
    await using paired = await PairedDevice.start({ passcodePrompt: 'wait' }, { passcode: '1234' });
    const running = paired.backUp();
    await paired.untilStage('waitingForPasscode');
    await paired.virtual.enterPasscode();
    await running;
    assert.ok(paired.stages.indexOf('waitingForPasscode') < paired.stages.indexOf('receiving'));
    assert.deepEqual(await paired.differences(), []);
  });

  for (const passcodePrompt of ['refuse', 'ignore'] as const) {
    test(`fails plainly when it is ${passcodePrompt}d, and works the next time`, async () => {
      await using paired = await PairedDevice.start({ passcodePrompt, passcodeTimeoutMs: 100 }, { passcode: '1234' });
      await fails(paired.backUp(), 'passcodeNotEntered');
      assert.deepEqual(await paired.leftovers(), []);
      assert.deepEqual(paired.posted, WHOLE_SYNC);
      await paired.virtual.set({ passcodePrompt: 'enter' });
      await paired.backUp();
      assert.deepEqual(await paired.differences(), []);
    });
  }

  test('cancelling while the sheet is open ends it', async () => {
    await using paired = await PairedDevice.start({ passcodePrompt: 'wait' }, { passcode: '1234' });
    const running = paired.backUp();
    await paired.untilStage('waitingForPasscode');
    paired.cancel.abort();
    await fails(running, 'cancelled');
    assert.deepEqual(await paired.leftovers(), []);
    assert.equal(paired.virtual.state.passcodeAsked, false);
  });
});

describe('backUp() that cannot go on', () => {
  const answers: readonly (readonly [number, ErrorCode])[] = [
    [1, 'deviceReportedError'],
    [3, 'deviceNeedsRestart'],
    [11, 'previousBackupUnreadable'],
    [38, 'backupForbidden'],
    [103, 'previousBackupUnreadable'],
    [104, 'uploadFailed'],
    [106, 'deviceDiskFull'],
    [202, 'cancelledOnDevice'],
    [205, 'previousBackupUnreadable'],
    [208, 'passcodeNotEntered'],
    [212, 'setupNotFinished'],
    [999, 'deviceReportedError'],
  ];
  test("tells the device's answers by their numbers", async () => {
    await using paired = await PairedDevice.start();
    for (const [failWith, code] of answers) {
      await paired.virtual.set({ failWith });
      await assert.rejects(paired.backUp(), (error: unknown) => {
        assert.ok(isAppError(error, code), `${failWith}: ${String(error)}`);
        assert.equal(error.details['number'], failWith);
        return true;
      });
      assert.deepEqual(await paired.leftovers(), []);
    }
    assert.equal(paired.posted.length, answers.length * 4);
    await paired.backUp();
    assert.deepEqual(await paired.differences(), []);
  });

  test('management that forbids backups, and a setup that is not finished', async () => {
    await using paired = await PairedDevice.start({ backupForbidden: true });
    await fails(paired.backUp(), 'backupForbidden');
    await paired.virtual.set({ backupForbidden: false, setupDone: false });
    await fails(paired.backUp(), 'setupNotFinished');
    assert.deepEqual(await paired.leftovers(), []);
  });

  test('a full disk of this computer, asked beforehand: both sizes are told', async () => {
    await using paired = await PairedDevice.start();
    paired.store.freeBytes = 1_000_000;
    await assert.rejects(paired.backUp(), (error: unknown) => {
      assert.ok(isAppError(error, 'hostDiskFull'), String(error));
      assert.equal(error.details['freeBytes'], 1_000_000);
      assert.ok(Number(error.details['neededBytes']) > 1_000_000);
      return true;
    });
    assert.deepEqual(await paired.leftovers(), []);
    paired.store.freeBytes = 1e12;
    await paired.backUp();
    assert.deepEqual(await paired.differences(), []);
  });

  test('a disk that fills up in the middle: drained, told, and the next run succeeds', async () => {
    await using paired = await PairedDevice.start();
    let written = 0;
    paired.store.before = (operation) => {
      if (operation === 'writeFile' && ++written > 8) throw systemError('ENOSPC');
    };
    await fails(paired.backUp(), 'hostDiskFull');
    assert.deepEqual(await paired.leftovers(), []);
    paired.store.before = () => {};
    await paired.backUp();
    assert.deepEqual(await paired.differences(), []);
  });

  test('an Info.plist that cannot be written ends it before the device is asked', async () => {
    await using paired = await PairedDevice.start();
    paired.store.before = (operation) => {
      if (operation === 'writeFile') throw systemError('EROFS');
    };
    await assert.rejects(paired.backUp(), { code: 'EROFS' });
    assert.deepEqual(await paired.leftovers(), []);
    assert.deepEqual(paired.posted, WHOLE_SYNC);
  });

  test('a sync lock that is held for a moment is waited for', async () => {
    await using paired = await PairedDevice.start({ syncLockHeld: true });
    const running = paired.backUp();
    await paired.untilStage('waitingForLock');
    await paired.virtual.set({ syncLockHeld: false });
    await running;
    assert.deepEqual(await paired.differences(), []);
  });

  test('a sync lock that stays held can be cancelled; what was announced is taken back', async () => {
    await using paired = await PairedDevice.start({ syncLockHeld: true });
    const running = paired.backUp();
    await paired.untilStage('waitingForLock');
    paired.cancel.abort();
    await fails(running, 'cancelled');
    assert.deepEqual(paired.posted, ['syncWillStart', 'syncLockRequest', 'syncFailedToStart']);
  });

  test('a sync lock that is never released is deviceBusy after ten seconds', async function () {
    this.slow(30_000);
    await using paired = await PairedDevice.start({ syncLockHeld: true });
    await fails(paired.backUp(), 'deviceBusy');
    assert.deepEqual(paired.posted, ['syncWillStart', 'syncLockRequest', 'syncFailedToStart']);
    await paired.virtual.set({ syncLockHeld: false });
    await paired.backUp();
  });
});

describe('backUp() that is ended from outside', () => {
  const slow = { rate: 400_000 };

  test('by the host, in the middle of the files: clean, and the next run completes', async () => {
    await using paired = await PairedDevice.start(slow);
    const running = paired.backUp();
    await paired.untilStage('receiving');
    paired.cancel.abort();
    const began = Date.now();
    await fails(running, 'cancelled');
    assert.ok(Date.now() - began < 6_000);
    assert.equal(paired.stages.at(-1), 'cancelling');
    assert.deepEqual(paired.posted, WHOLE_SYNC);
    assert.deepEqual(await paired.leftovers(), []);
    await paired.virtual.set({ rate: 0 });
    await paired.backUp({ signal: new AbortController().signal });
    assert.deepEqual(await paired.differences(), []);
  });

  test('by the host, while the device prepares', async () => {
    await using paired = await PairedDevice.start({ prepareMs: 60_000 });
    const running = paired.backUp();
    await paired.untilStage('preparing');
    await sleep(30);
    paired.cancel.abort();
    await fails(running, 'cancelled');
    assert.deepEqual(paired.posted, WHOLE_SYNC);
    assert.deepEqual(await paired.leftovers(), []);
  });

  test('by the host, while the device is out of reach and says nothing', async () => {
    await using paired = await PairedDevice.start({ prepareMs: 60_000 });
    const running = paired.backUp();
    await paired.untilStage('preparing');
    await sleep(30);
    await paired.virtual.unplug('silence');
    paired.cancel.abort();
    const began = Date.now();
    await fails(running, 'cancelled');
    assert.ok(Date.now() - began < 9_000, `${Date.now() - began} ms`);
  });

  test('before it began', async () => {
    await using paired = await PairedDevice.start();
    paired.cancel.abort();
    await fails(paired.backUp(), 'cancelled');
    assert.deepEqual(paired.posted, []);
    assert.deepEqual(await paired.leftovers(), []);
  });

  test('by the user on the device', async () => {
    await using paired = await PairedDevice.start(slow);
    const running = paired.backUp();
    await paired.untilStage('receiving');
    await paired.virtual.cancelSync();
    await fails(running, 'cancelledOnDevice');
    assert.deepEqual(paired.posted, WHOLE_SYNC);
    assert.deepEqual(await paired.leftovers(), []);
  });

  test('by the user on the device, which says nothing more about it', async () => {
    await using paired = await PairedDevice.start({ prepareMs: 60_000 });
    const running = paired.backUp();
    await paired.untilStage('preparing');
    await sleep(30);
    paired.virtual.state.postNotification('com.apple.itunes-client.syncCancelRequest');
    await fails(running, 'cancelledOnDevice');
    assert.deepEqual(await paired.leftovers(), []);
  });

  for (const way of ['close', 'reset', 'halfLength', 'halfBody'] as const) {
    test(`by the cable coming out (${way}), at several points; then it completes`, async () => {
      await using paired = await PairedDevice.start();
      for (const at of [{ message: 0 }, { message: 3 }, { message: 150 }, { byte: 100_000 }, { byte: 300_000 }]) {
        await paired.store.remove(paired.udid);
        await paired.virtual.armFault({ at, way, service: 'com.apple.mobilebackup2' });
        await assert.rejects(
          paired.backUp(),
          (error: unknown) => isAppError(error, 'deviceGone') || assert.fail(String(error)),
        );
        await paired.virtual.plug();
        await paired.reopen();
      }
      await paired.backUp();
      assert.deepEqual(await paired.differences(), []);
      assert.deepEqual(await paired.leftovers(), []);
    });
  }

  test('by a change of its encryption the caller is told', async () => {
    await using paired = await PairedDevice.start({ passcodePrompt: 'wait' }, { passcode: '1234' });
    let changes = 0;
    const running = paired.backUp({ onBackupSettingsChanged: () => changes++ });
    await paired.untilStage('waitingForPasscode');
    paired.virtual.state.postNotification('com.apple.mobile.backup.domain_changed');
    await until(() => changes > 0, 'the change');
    await paired.virtual.enterPasscode();
    await running;
    assert.equal(changes, 1);
  });
});
