import assert from 'node:assert/strict';
import { describe, test } from 'mocha';
import { isAppError, type ErrorCode } from '../../../src/base/errors';
import { restore, type RestoreJobOptions, type RestoreOptions, type RestoreResult } from '../../../src/device';
import { parsePlist, type PlistDict } from '../../../src/plist';
import { systemError, type MemoryStore } from '../../support/memoryStore';
import { PairedDevice, until } from './pairedDevice';

const WHOLE_SYNC = ['syncWillStart', 'syncLockRequest', 'syncDidStart', 'syncDidFinish'];
const APPLICATIONS_FILE = '/iTunesRestore/RestoreApplications.plist';
/** Everything as in the backup, nothing else; without the restart, which most tests need not wait for. */
const ALL: RestoreOptions = { systemFiles: true, keepSettings: false, removeOthers: true, restart: false };

function restoreTo(
  paired: PairedDevice,
  options: Partial<RestoreJobOptions> = {},
  store: MemoryStore = paired.store,
): Promise<RestoreResult> {
  return restore(paired.device, store, {
    ...paired.options,
    signal: new AbortController().signal,
    sourceIdentifier: paired.udid,
    restore: ALL,
    ...options,
  });
}

function fails(work: Promise<unknown>, code: ErrorCode): Promise<void> {
  return assert.rejects(work, (error: unknown) => isAppError(error, code) || assert.fail(String(error)));
}

/** The restore must leave the backup as it was, whatever happens. */
async function unchanged<T>(store: MemoryStore, work: () => Promise<T>): Promise<T> {
  const before = new Map(store.files);
  const folders = new Set(store.folders);
  const result = await work();
  assert.deepEqual(new Map(store.files), before);
  assert.deepEqual(store.folders, folders);
  return result;
}

/** A restored device takes no older backup for its own; what it holds counts here. */
async function differences(paired: PairedDevice, password?: string): Promise<readonly string[]> {
  return (await paired.differences(password)).filter((line) => line !== 'Status.plist: another device has written it');
}

function appsOnDevice(paired: PairedDevice): PlistDict | undefined {
  const content = paired.virtual.state.media.fileContent(APPLICATIONS_FILE);
  return content ? (parsePlist(content) as PlistDict) : undefined;
}

describe('restore()', () => {
  test('brings the device back to the backup, apps included', async () => {
    await using paired = await PairedDevice.start();
    await paired.backUp();
    await paired.virtual.changeFiles(8, 7);
    assert.notDeepEqual(await differences(paired), []);
    paired.reports.length = 0;
    const { files, bytes } = await unchanged(paired.store, () => restoreTo(paired));
    assert.deepEqual(await differences(paired), []);
    assert.ok(files > 10);
    assert.ok(bytes > 300_000);
    assert.deepEqual(paired.stages.slice(0, 2), ['starting', 'preparing']);
    assert.equal(paired.stages.at(-1), 'sending');
    assert.deepEqual(paired.posted.slice(-4), WHOLE_SYNC);
    assert.deepEqual(await paired.leftovers(), []);
    const info = parsePlist(paired.store.files.get(`${paired.udid}/Info.plist`)!) as PlistDict;
    assert.deepEqual(appsOnDevice(paired), info.get('Applications'));
  });

  test('an encrypted backup, with its password', async () => {
    await using paired = await PairedDevice.start({ backupPassword: 'secret' });
    await paired.backUp();
    await paired.virtual.changeFiles(8, 7);
    await fails(restoreTo(paired), 'wrongPassword');
    await fails(restoreTo(paired, { password: 'other' }), 'wrongPassword');
    await unchanged(paired.store, () => restoreTo(paired, { password: 'secret' }));
    assert.deepEqual(await differences(paired, 'secret'), []);
  });

  test('to another device', async () => {
    await using source = await PairedDevice.start();
    await source.backUp();
    await using target = await PairedDevice.start({}, { udid: '00008110-000A1B2C3D4E0022', productType: 'iPhone14,5' });
    await unchanged(source.store, () => restoreTo(target, { sourceIdentifier: source.udid }, source.store));
    const { content } = await import('../../virtualDevice/mobilebackup2/deviceBackups').then(({ backupsOf }) =>
      backupsOf(target.virtual.state),
    );
    assert.ok([...content.entries()].some(({ path }) => path === 'Library/Hello.txt'));
    assert.equal(target.virtual.state.name, source.virtual.state.name);
  });

  test('waits until the device has restarted', async () => {
    await using paired = await PairedDevice.start();
    await paired.backUp();
    const before = paired.virtual.state.attachments[0]?.deviceId;
    let attached: number | undefined;
    paired.virtual.state.onAttachment.on(({ kind, attachment }) => {
      if (kind === 'attached') attached = attachment.deviceId;
    });
    const { restarted } = await restoreTo(paired, {
      restore: { ...ALL, restart: true },
      waitForRestart: () => until(() => attached !== undefined, 'the return of the device'),
    });
    assert.equal(restarted, true);
    assert.notEqual(attached, before);
    assert.equal(paired.stages.at(-1), 'restarting');
    assert.deepEqual(await differences(paired), []);
  });

  test('has succeeded also if nobody waits for the restart to the end', async () => {
    await using paired = await PairedDevice.start();
    await paired.backUp();
    const cancel = new AbortController();
    const { restarted } = await restoreTo(paired, {
      signal: cancel.signal,
      restore: { ...ALL, restart: true },
      waitForRestart: (signal) => {
        cancel.abort();
        return signal.aborted ? Promise.reject(new Error('given up')) : Promise.resolve();
      },
    });
    assert.equal(restarted, false);
  });

  test('a second restore without a restart in between is refused by the device', async () => {
    await using paired = await PairedDevice.start();
    await paired.backUp();
    await restoreTo(paired);
    await fails(restoreTo(paired), 'deviceNeedsRestart');
  });

  test('options reach the device: settings and other files are kept when asked for', async () => {
    await using paired = await PairedDevice.start();
    await paired.backUp();
    const file = { domain: 'MediaDomain', relativePath: 'Media/extra', kind: 'file', size: 5 } as const;
    await paired.virtual.putFile(file);
    await restoreTo(paired, { restore: { ...ALL, removeOthers: false, keepSettings: true } });
    assert.ok((await differences(paired)).some((line) => line.includes('Media/extra')));
  });
});

describe('restore() that does not succeed', () => {
  test('Find My, another error, too little room: told, and the list of apps is taken back', async () => {
    await using paired = await PairedDevice.start({ findMy: true });
    await paired.backUp();
    const attempts: readonly (readonly [Parameters<typeof paired.virtual.set>[0], ErrorCode])[] = [
      [{ findMy: true }, 'findMyOn'],
      [{ findMy: false, failWith: 105 }, 'deviceDiskFull'],
      [{ failWith: 203 }, 'versionNotCompatible'],
      [{ failWith: 102 }, 'deviceNeedsRestart'],
      [{ failWith: 205 }, 'backupDamaged'],
      [{ failWith: 208 }, 'passcodeNotEntered'],
      [{ failWith: 202 }, 'cancelledOnDevice'],
    ];
    for (const [switches, code] of attempts) {
      await paired.virtual.set(switches);
      await unchanged(paired.store, () => fails(restoreTo(paired), code));
      assert.equal(appsOnDevice(paired), undefined, code);
      assert.deepEqual(await paired.leftovers(), []);
    }
    await restoreTo(paired);
    assert.deepEqual(await differences(paired), []);
  });

  test('a backup with a missing or unreadable file is damaged, and the device is as it was', async () => {
    await using paired = await PairedDevice.start();
    await paired.backUp();
    const blob = [...paired.store.files.keys()].find((name) => /\/[0-9a-f]{40}$/.test(name))!;
    const content = paired.store.files.get(blob)!;
    paired.store.files.delete(blob);
    await fails(restoreTo(paired), 'backupDamaged');
    paired.store.files.set(blob, content);
    paired.store.before = (operation, path) => {
      if (operation === 'read' && path === blob) throw systemError('EIO');
    };
    await assert.rejects(restoreTo(paired), (error: unknown) => isAppError(error));
    paired.store.before = () => {};
    assert.deepEqual(await differences(paired), []);
    await restoreTo(paired);
  });

  test('cancelled by the host, then again to the end', async () => {
    await using paired = await PairedDevice.start({ rate: 0 });
    await paired.backUp();
    const cancel = new AbortController();
    paired.store.before = (operation) => {
      if (operation !== 'read') return;
      if (paired.stages.at(-1) === 'sending') cancel.abort();
      return new Promise((resolve) => setTimeout(resolve, 20));
    };
    await fails(restoreTo(paired, { signal: cancel.signal }), 'cancelled');
    assert.equal(appsOnDevice(paired), undefined);
    assert.deepEqual(await paired.leftovers(), []);
    paired.store.before = () => {};
    await restoreTo(paired);
    assert.deepEqual(await differences(paired), []);
  });

  test('the cable coming out at several points: told, the backup untouched, then again to the end', async () => {
    await using paired = await PairedDevice.start();
    await paired.backUp();
    await paired.virtual.changeFiles(8, 7);
    for (const message of [0, 3, 5, 7]) {
      await paired.virtual.armFault({ at: { message }, way: 'close', service: 'com.apple.mobilebackup2' });
      await unchanged(paired.store, () => fails(restoreTo(paired), 'deviceGone'));
      await paired.virtual.plug();
      await paired.reopen();
    }
    await paired.virtual.disarmFault();
    await restoreTo(paired);
    assert.deepEqual(await differences(paired), []);
  });

  test('a device that wants to write into the backup is refused', async () => {
    await using paired = await PairedDevice.start();
    await paired.backUp();
    const { backupsOf } = await import('../../virtualDevice/mobilebackup2/deviceBackups');
    const { hostileMessage, hostileMove, hostileRemove, hostileUpload } =
      await import('../../virtualDevice/mobilebackup2/hostileScript');
    const backups = backupsOf(paired.virtual.state);
    const { udid } = paired;
    backups.hostileScript = [
      hostileUpload(`${udid}/Status.plist`, Buffer.from('x')),
      hostileUpload(`${udid}/big`, Buffer.alloc(1_000_000)),
      hostileRemove(`${udid}/Manifest.db`),
      hostileMove([[`${udid}/Manifest.db`, `${udid}/x`]]),
      hostileMessage('DLMessageCreateDirectory', `${udid}/new`),
      hostileMessage('DLMessageCopyItem', udid, '.b/1'),
    ];
    await unchanged(paired.store, () => restoreTo(paired));
    assert.deepEqual(
      backups.hostileResults.map(({ code }) => code),
      [-1, -1, -1, -1, -1, -1],
    );
    assert.deepEqual(await differences(paired), []);
  });
});
