import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { TrustState } from '../../../../src/device/types';
import type { HistoryEntry, JobOutcome, JobStage } from '../../../../src/engine/protocol';
import { pageState } from '../../../../src/views/generalTab/pageState';
import { formatBytes, formatNumber, formatPercent, formatRelative } from '../../../../src/texts/format';
import { backup, details, device, engine, facts, FOLDER, job, NOW, UDID, withDetails, withDevice } from './facts';

const { details: _, ...untold } = device;
const catalogue = (...backups: (typeof backup)[]) => ({ folders: engine().catalogue.folders, backups });

describe('pageState', () => {
  describe('the header', () => {
    it('names the model as people do, and says how full it is', () => {
      const { header } = pageState(facts());
      assert.equal(header.name, 'My iPhone');
      assert.deepEqual(header.facts, ['iPhone 15 Pro', 'iOS 18.2.1', `Battery ${formatPercent(0.82)}`, 'USB']);
      assert.equal(header.picture, 'phone');
      assert.equal(header.connected, true);
      assert.ok(Math.abs((header.capacity?.fraction ?? 0) - 182 / 256) < 1e-9);
      assert.equal(header.capacity?.text, '182 GB of 256 GB used, 74 GB free');
    });

    it('shows serial number and UDID on demand', () => {
      const shown = new Map(pageState(facts()).header.details.map(({ label, value }) => [label, value]));
      assert.equal(shown.get('Serial number'), 'F2LXN0PTDV1A');
      assert.equal(shown.get('UDID'), UDID);
      assert.equal(shown.has('Phone number'), false);
    });

    it('says Wi-Fi where there is no cable, charging, and iPadOS on an iPad', () => {
      const { header } = pageState(
        withDevice({
          connections: ['network'],
          identity: { name: 'Pad', deviceClass: 'iPad', productType: 'iPad14,3', productVersion: '17.1' },
          details: { ...details, battery: { percent: 100, charging: true } },
        }),
      );
      assert.equal(header.picture, 'tablet');
      assert.deepEqual(header.facts.slice(1), ['iPadOS 17.1', `Battery ${formatPercent(1)}, charging`, 'Wi-Fi']);
    });

    it('keeps the name of the last backup while the device is away', () => {
      const page = pageState(facts({ engine: engine({ devices: [], catalogue: catalogue(backup) }) }));
      assert.equal(page.header.name, 'My iPhone');
      assert.equal(page.header.connected, false);
      assert.deepEqual(page.header.facts, ['iPhone 15 Pro', 'iOS 18.2']);
    });

    it('keeps the name of a device that went away before its first backup', () => {
      const page = pageState(facts({ engine: engine({ devices: [], jobs: [job('encryption')] }) }));
      assert.equal(page.header.name, 'My iPhone');
    });

    it('survives numbers that make no sense', () => {
      const { header } = pageState(withDetails({ storage: { total: 0, free: 5 } }));
      assert.equal(header.capacity, undefined);
      const full = pageState(withDetails({ storage: { total: 10, free: -5 } })).header.capacity;
      assert.equal(full?.fraction, 1);
    });
  });

  describe('what stands in the way', () => {
    it('is nothing for a trusted device', () => {
      assert.equal(pageState(facts()).notice, undefined);
    });

    it('is said before the engine has answered, and when it is gone', () => {
      assert.equal(pageState(facts({ engine: undefined })).notice?.busy, true);
      const lost = pageState(facts({ engineProblem: 'engineGone' })).notice;
      assert.equal(lost?.tone, 'bad');
      assert.equal(lost?.action?.intent, 'reconnect');
    });

    for (const [kind, says] of [
      ['absent', /not running/],
      ['refused', /does not let/],
      ['silent', /does not answer/],
    ] as const) {
      it(`tells a service that is ${kind} from a device that is away`, () => {
        const notice = pageState(facts({ engine: engine({ devices: [], mux: { kind, address: 'x' } }) })).notice;
        assert.match(notice?.title ?? '', says);
        assert.equal(notice?.action?.intent, 'showMuxHelp');
        assert.ok(notice?.text);
      });
    }

    it('says that the device is away', () => {
      const notice = pageState(facts({ engine: engine({ devices: [] }) })).notice;
      assert.equal(notice?.title, 'Not connected');
      assert.equal(notice?.action, undefined);
    });

    const states: readonly (readonly [TrustState, RegExp, string | undefined, string | undefined])[] = [
      [{ kind: 'unknown' }, /^Connecting$/, undefined, undefined],
      [{ kind: 'untrusted' }, /does not trust this computer yet/, 'trust', 'cancelTrust'],
      [{ kind: 'waitingForTrust' }, /Unlock your iPhone, tap Trust/, 'trust', 'cancelTrust'],
      [{ kind: 'locked' }, /is locked/, 'trust', 'cancelTrust'],
      [{ kind: 'denied' }, /Don’t Trust/, 'trust', 'trust'],
      [{ kind: 'forbidden' }, /not allowed/, undefined, undefined],
      [{ kind: 'stale' }, /has forgotten this computer/, 'trust', 'cancelTrust'],
      [{ kind: 'wrongKey' }, /not the iPhone that was trusted/, 'trust', 'trust'],
      [{ kind: 'failed', message: 'x' }, /did not work/, 'trust', 'cancelTrust'],
    ];
    for (const [trust, title, before, during] of states) {
      it(`says what is so while the device is ${trust.kind}`, () => {
        const page = pageState(facts({ engine: engine({ devices: [{ ...untold, trust }] }) }));
        const asking = pageState(facts({ engine: engine({ devices: [{ ...untold, trust }], jobs: [job('pair')] }) }));
        if (trust.kind !== 'untrusted') assert.match(asking.notice?.title ?? '', title);
        assert.match(page.notice?.title ?? '', title);
        assert.ok(page.notice?.text);
        assert.equal(page.notice?.action?.intent, before);
        assert.equal(asking.notice?.action?.intent, during);
        assert.equal(page.place, undefined);
        assert.equal(page.options, undefined);
        assert.equal(page.backup, undefined);
      });
    }

    it('names the command that helps where the trust could not be kept', () => {
      const trust = { kind: 'failed', message: 'x', finding: 'pairRecordNotKept' } as const;
      const page = pageState(facts({ platform: 'linux', engine: engine({ devices: [{ ...untold, trust }] }) }));
      assert.match(page.notice?.title ?? '', /trusts this computer, but the computer could not keep/);
      assert.match(page.notice?.text ?? '', /sudo install -d .*\/var\/lib\/lockdown/);
      assert.equal(page.notice?.action?.intent, 'trust');
    });

    it('never shows what a device told before it stopped trusting', () => {
      const page = pageState(withDevice({ trust: { kind: 'stale' } }, { catalogue: catalogue(backup) }));
      assert.equal(page.place, undefined);
      assert.equal(page.options, undefined);
      assert.equal(page.backup?.canBackUp, false);
    });

    it('waits for the values of a device that trusts', () => {
      assert.equal(pageState(facts({ engine: engine({ devices: [untold] }) })).notice?.busy, true);
    });
  });

  describe('a running job', () => {
    const stages: readonly JobStage[] = [
      'starting',
      'waitingForLock',
      'readingApps',
      'waitingForPasscode',
      'preparing',
      'seeding',
      'receiving',
      'sending',
      'moving',
      'removing',
      'checking',
      'committing',
      'restarting',
      'cancelling',
      'working',
    ];
    it('has words of its own for each stage', () => {
      const words = stages.map((stage) => {
        const page = pageState(facts({ engine: engine({ jobs: [job('backup', { stage })] }) }));
        assert.equal(page.job?.canCancel, !['cancelling', 'committing', 'restarting'].includes(stage), stage);
        assert.equal(page.job?.passcode !== undefined, stage === 'waitingForPasscode');
        assert.equal(page.backup?.canBackUp, false);
        assert.equal(page.result, undefined);
        return page.job?.stage;
      });
      assert.equal(new Set(words).size, stages.length);
    });

    it('tells percent, bytes, files, rate, time gone, warnings and who started it', () => {
      const running = {
        ...job('backup', { fraction: 0.389, bytes: 23.7e9, files: 48_120, bytesPerSecond: 41e6, warnings: 2 }),
        owner: { name: 'command line', version: '1', pid: 2 },
      };
      const shown = pageState(facts({ engine: engine({ jobs: [running] }) })).job;
      assert.deepEqual(shown?.facts, [
        formatPercent(0.38),
        formatBytes(23.7e9),
        `${formatNumber(48_120)} files`,
        '41 MB/s',
        '1:30',
        '2 warnings',
        'started by command line',
      ]);
      assert.equal(shown?.fraction, 0.389);
    });

    it('counts down while the device waits for its passcode, and never below nothing', () => {
      const waiting = (agoMs: number) =>
        pageState(
          facts({
            engine: engine({
              jobs: [job('backup', { stage: 'waitingForPasscode', stageSince: new Date(NOW - agoMs).toISOString() })],
            }),
          }),
        ).job?.passcode;
      assert.match(waiting(19_000)?.text ?? '', /2:41 left/);
      assert.match(waiting(400_000)?.text ?? '', /give up soon/);
      assert.match(waiting(0)?.title ?? '', /Enter the passcode on My iPhone/);
    });

    it('says that a long silence is usual', () => {
      const shown = pageState(facts({ engine: engine({ jobs: [job('backup', { stage: 'preparing' })] }) })).job;
      assert.match(shown?.stage ?? '', /0:30.*several minutes/);
    });

    it('locks what cannot be changed meanwhile', () => {
      const { place } = pageState(facts({ engine: engine({ jobs: [job('backup')] }) }));
      assert.equal(place?.busy, true);
      assert.equal(place?.encryption.canChangePassword, false);
    });

    it('is not another device’s', () => {
      const page = pageState(facts({ engine: engine({ jobs: [{ ...job('backup'), udid: 'other' }] }) }));
      assert.equal(page.job, undefined);
      assert.equal(page.backup?.canBackUp, true);
    });
  });

  describe('a result', () => {
    const endedAt = new Date(NOW).toISOString();
    const result = (kind: Parameters<typeof job>[0], outcome: JobOutcome) =>
      pageState(withDetails({}, { jobs: [job(kind, { bytes: 5e6, files: 12 }, outcome)] })).result;
    const done = { kind: 'done', endedAt } as const;
    const failed = (code: 'hostDiskFull' | 'passcodeNotEntered' | 'wrongPassword' | 'trustForbidden') =>
      ({
        kind: 'failed',
        endedAt,
        error: { code, message: '', details: { freeBytes: 1e9, neededBytes: 3e9 } },
      }) as const;

    it('is told with its numbers', () => {
      const shown = result('backup', done);
      assert.equal(shown?.tone, 'good');
      assert.match(shown?.title ?? '', /My iPhone is backed up/);
      assert.match(shown?.text ?? '', /5 MB in 12 files were copied in 1:30/);
    });

    it('says how many files the device could not read of itself, and that the backup is whole', () => {
      const notRead = (count: number) =>
        result('backup', { ...done, backup: { ...backup, notRead: { count, files: [{ path: '/x', reason: 'y' }] } } });
      assert.equal(notRead(1)?.tone, 'good');
      assert.match(notRead(1)?.text ?? '', /could not read one of its own files.*whole without it/);
      assert.match(notRead(1200)?.text ?? '', /could not read 1.200 of its own files/);
      assert.match(result('backup', done)?.text ?? '', /Every file was checked to be there/);
    });

    it('claims that every file was checked only where that could be', () => {
      const made = (facts: { readonly encrypted: boolean; readonly passwordOpens?: boolean }) =>
        result('backup', { ...done, backup: { ...backup, ...facts } })?.text ?? '';
      assert.match(made({ encrypted: false }), /Every file was checked/);
      assert.match(made({ encrypted: true, passwordOpens: true }), /Every file was checked/);
      for (const unknown of [{ encrypted: true }, { encrypted: true, passwordOpens: false }]) {
        assert.doesNotMatch(made(unknown), /Every file was checked/);
        assert.match(made(unknown), /can be checked with its password/);
      }
    });

    it('of an encrypted backup says whether the password that was at hand opens it', () => {
      const opened = (passwordOpens?: boolean) =>
        result('backup', { ...done, backup: { ...backup, ...(passwordOpens !== undefined && { passwordOpens }) } });
      assert.match(opened(true)?.text ?? '', /The password opens it/);
      assert.match(opened(false)?.text ?? '', /does not open it/);
      assert.equal(opened(false)?.tone, 'good');
      assert.doesNotMatch(opened()?.text ?? '', /password (opens|that was at hand)/);
    });

    it('of a change of encryption says which one it was, whatever has changed since', () => {
      const title = (encryption: 'on' | 'change' | 'off') => result('encryption', { ...done, encryption })?.title ?? '';
      assert.match(title('on'), /are encrypted now/);
      assert.match(title('change'), /password of My iPhone is changed/);
      assert.match(title('off'), /are not encrypted/);
      assert.match(result('encryption', done)?.title ?? '', /is done/);
    });

    it('of a cancelled backup says that nothing is lost', () => {
      assert.equal(result('backup', { kind: 'cancelled', endedAt, by: 'user' })?.title, 'Cancelled');
      assert.equal(result('backup', { kind: 'cancelled', endedAt, by: 'device' })?.title, 'Cancelled on the device');
      assert.match(result('backup', { kind: 'cancelled', endedAt, by: 'user' })?.text ?? '', /unchanged/);
    });

    it('of a failure has one next step, where a command takes it', () => {
      const full = result('backup', failed('hostDiskFull'));
      assert.equal(full?.tone, 'bad');
      assert.match(full?.title ?? '', /1 GB are free, 3 GB are needed/);
      assert.equal(full?.action?.command, 'iosBackup.chooseFolder');
      assert.equal(result('backup', failed('passcodeNotEntered'))?.action?.command, 'iosBackup.backUpNow');
      assert.equal(result('encryption', failed('passcodeNotEntered'))?.action, undefined);
      assert.equal(result('encryption', failed('wrongPassword'))?.action?.command, 'iosBackup.forgotPassword');
      assert.equal(result('backup', failed('trustForbidden'))?.action, undefined);
    });

    it('leads to Full Disk Access on a Mac that forbids the folder, and to another folder elsewhere', () => {
      const forbidden = {
        kind: 'failed',
        endedAt,
        error: { code: 'noPermission', message: '', details: { path: FOLDER } },
      } as const;
      const step = (platform: NodeJS.Platform) =>
        pageState(facts({ platform, engine: engine({ jobs: [job('backup', {}, forbidden)] }) })).result;
      assert.equal(step('darwin')?.action?.command, 'iosBackup.allowAccess');
      assert.match(step('darwin')?.text ?? '', /Full Disk Access/);
      assert.equal(step('linux')?.action?.command, 'iosBackup.chooseFolder');
    });

    it('of a choice that was set is the choice; of one that could not be set is said', () => {
      assert.equal(result('cloud', done), undefined);
      assert.equal(result('cloud', failed('trustForbidden'))?.tone, 'bad');
      assert.equal(result('pair', failed('trustForbidden')), undefined);
    });

    it('is the newest one', () => {
      const jobs = [job('backup', {}, failed('hostDiskFull')), { ...job('backup', {}, done), id: 'later' }];
      assert.equal(pageState(facts({ engine: engine({ jobs }) })).result?.jobId, 'later');
    });
  });

  describe('backups', () => {
    it('says that there is none, and that the first one may not fit', () => {
      const page = pageState(facts({ estimate: { neededBytes: 182e9, freeBytes: 79e9 } }));
      assert.equal(page.backup?.title, 'No backup on this computer yet');
      assert.deepEqual(
        page.backup?.next.map(({ tone }) => tone),
        ['plain', 'warning'],
      );
      assert.equal(page.backup?.canManage, false);
      assert.equal(page.backup?.canRestore, false);
      assert.equal(page.backup?.canBackUp, true);
    });

    it('tells the last good one, not an interrupted one or another device’s', () => {
      const backups = [
        { ...backup, path: '/x', date: '2026-03-04T11:59:00Z', state: 'unfinished' as const },
        { ...backup, path: '/y', date: '2026-03-04T11:58:00Z', udid: 'other' },
        { ...backup, path: '/z', date: '2026-03-01T11:00:00Z' },
        backup,
      ];
      const shown = pageState(facts({ engine: engine({ catalogue: catalogue(...backups) }) })).backup;
      assert.ok(shown?.title.includes(formatRelative('2026-03-04T11:00:00Z', NOW)));
      assert.deepEqual(shown?.facts, ['Last backup to this computer', formatBytes(62.4e9), 'encrypted']);
      assert.equal(shown?.canOpen, true);
      assert.equal(shown?.canRestore, true);
    });

    it('does not warn that a later backup may not fit: it shares what has not changed', () => {
      const estimate = { neededBytes: 182e9, freeBytes: 79e9 };
      const shown = pageState(facts({ estimate, engine: engine({ catalogue: catalogue(backup) }) })).backup;
      assert.ok(shown?.next.every(({ tone }) => tone === 'plain'));
    });

    it('tells what the last change took, and warns when that would not fit again', () => {
      const entry = {
        udid: UDID,
        startedAt: '2026-11-01T10:00:00Z',
        endedAt: '2026-11-01T11:00:00Z',
        outcome: 'done',
        files: 1,
        encrypted: false,
      } as const;
      const history: HistoryEntry[] = [
        { ...entry, kind: 'restore', bytes: 90e9, full: false },
        { ...entry, outcome: 'cancelled', bytes: 1e6, full: false },
        { ...entry, bytes: 5e9, full: false },
        { ...entry, bytes: 60e9, full: true },
      ];
      const next = (freeBytes: number) => {
        const estimate = { neededBytes: 182e9, freeBytes };
        return pageState(facts({ estimate, history, engine: engine({ catalogue: catalogue(backup) }) })).backup?.next;
      };
      assert.match(next(6e9)?.[0]?.text ?? '', /last time 5 GB, 182 GB at most/);
      assert.equal(next(6e9)?.[1]?.tone, 'plain');
      assert.equal(next(4e9)?.[1]?.tone, 'warning');
    });

    it('warns when the device is nearly full', () => {
      const { backup: shown } = pageState(withDetails({ storage: { total: 64e9, free: 1e9 } }));
      assert.equal(shown?.next.at(-1)?.tone, 'warning');
    });

    it('offers only what this window can do', () => {
      const shown = pageState(facts({ can: { openBackup: false, restore: false } })).backup;
      assert.equal(shown?.canOpen, undefined);
      assert.equal(shown?.canRestore, undefined);
    });

    it('stays in sight while the device is away, without Back Up Now', () => {
      const shown = pageState(facts({ engine: engine({ devices: [], catalogue: catalogue(backup) }) })).backup;
      assert.equal(shown?.canBackUp, false);
      assert.equal(shown?.canRestore, false);
      assert.equal(shown?.canOpen, true);
    });
  });

  describe('choices', () => {
    it('show what the device says', () => {
      const { place } = pageState(withDetails({ backup: { ...details.backup, cloudBackupEnabled: true } }));
      assert.equal(place?.cloud.checked, true);
      assert.equal(place?.computer.checked, false);
      assert.equal(place?.cloudLocked, undefined);
    });

    it('say what a backup lacks that is not encrypted, before there is one', () => {
      const { encryption } = pageState(facts()).place ?? {};
      assert.equal(encryption?.checked, false);
      for (const lacking of [/saved passwords/, /Health/, /Wi-Fi settings/, /call history/]) {
        assert.match(encryption?.text ?? '', lacking);
      }
    });

    it('say why iCloud cannot be chosen, and never stop a backup', () => {
      const { cloudBackupEnabled: _cloud, ...rest } = details.backup;
      const page = pageState(withDetails({ backup: rest }));
      assert.match(page.place?.cloudLocked ?? '', /does not tell/);
      assert.equal(page.backup?.canBackUp, true);
      assert.match(pageState(withDetails({ backup: rest, supervised: true })).place?.cloudLocked ?? '', /manages/);
    });

    it('say that management requires encryption; it can be turned on when it is off', () => {
      const place = (willEncrypt: boolean) =>
        pageState(withDetails({ backup: { ...details.backup, willEncrypt, requiresEncryption: true } })).place;
      assert.match(place(true)?.encryption.lockedBecause ?? '', /requires encrypted backups/);
      assert.equal(place(false)?.encryption.lockedBecause, undefined);
      assert.match(place(false)?.encryption.text ?? '', /requires encrypted backups. Turn this on/);
      assert.equal(place(true)?.encryption.canChangePassword, true);
    });

    it('say that the disk of the folder is away', () => {
      const away = { folders: [{ path: FOLDER, kind: 'own', state: 'offline' } as const], backups: [] };
      const page = pageState(facts({ engine: engine({ catalogue: away }) }));
      assert.match(page.place?.folder.warning ?? '', /not connected/);
      assert.match(page.backup?.next[0]?.text ?? '', /not connected/);
      const missing = { folders: [{ path: FOLDER, kind: 'own', state: 'missing' } as const], backups: [] };
      assert.equal(pageState(facts({ engine: engine({ catalogue: missing }) })).place?.folder.warning, undefined);
    });

    it('lock Wi-Fi where the device does not tell it', () => {
      const { wifiConnections: _wifi, ...rest } = details;
      assert.ok(pageState(withDevice({ details: rest })).options?.wifi.lockedBecause);
      assert.equal(pageState(facts()).options?.wifi.lockedBecause, undefined);
      assert.equal(pageState(facts()).options?.automatic.everyHours, 24);
    });
  });

  describe('a reminder', () => {
    const old = (days: number, parts = {}) =>
      pageState(
        facts({
          engine: engine({
            catalogue: catalogue({ ...backup, date: new Date(NOW - days * 86_400_000).toISOString() }),
          }),
          ...parts,
        }),
      ).reminder;

    it('comes when the last good backup is older than the setting says', () => {
      assert.equal(old(13), undefined);
      assert.match(old(15)?.title ?? '', /15/);
    });
    it('can be put off and turned off, and does not disturb a running job', () => {
      assert.equal(old(15, { reminderQuietUntil: NOW + 1 }), undefined);
      assert.ok(old(15, { reminderQuietUntil: NOW - 1 }));
      assert.equal(old(500, { reminderDays: 0 }), undefined);
    });
    it('does not come for a device without a backup: the page says so already', () => {
      assert.equal(pageState(facts()).reminder, undefined);
    });
  });

  it('lists the history, newest first, and how each ended', () => {
    const entry = {
      udid: UDID,
      startedAt: new Date(NOW - 60_000).toISOString(),
      endedAt: new Date(NOW).toISOString(),
      bytes: 1e6,
      files: 3,
      full: true,
      encrypted: false,
    } as const;
    const { history } = pageState(
      facts({
        history: [
          { ...entry, outcome: 'done' },
          { ...entry, outcome: 'failed', error: { code: 'deviceGone', message: '', details: {} } },
          { ...entry, outcome: 'cancelled' },
          ...Array.from({ length: 30 }, () => ({ ...entry, outcome: 'done', encrypted: true }) as const),
        ],
      }),
    );
    assert.equal(history.length, 8);
    assert.equal(history[0]?.what, 'Full backup: 1 MB, 3 files, 1:00');
    assert.match(history[1]?.what ?? '', /The device was disconnected\. \(1:00\)/);
    assert.match(history[2]?.what ?? '', /Cancelled after 1:00/);
    assert.match(history[3]?.what ?? '', /encrypted/);
  });

  it('is a function of its facts, and survives JSON', () => {
    const input = withDetails({}, { jobs: [job('backup')], catalogue: catalogue(backup) });
    assert.deepEqual(pageState(input), pageState(structuredClone(input)));
    assert.deepEqual(JSON.parse(JSON.stringify(pageState(input))), pageState(input));
  });
});
