import assert from 'node:assert/strict';
import path from 'node:path';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { hostPath, splitDevicePath } from '../../../../src/backups/store/pathInside';
import { UDID } from '../../../support/backupFolders';
import { HOSTILE_PATHS } from '../../../support/hostilePaths';

const platforms = ['linux', 'darwin', 'win32'] as const;

describe('splitDevicePath()', () => {
  for (const [devicePath, parts] of [
    ['', []],
    ['/', []],
    [UDID, [UDID]],
    [`${UDID}/`, [UDID]],
    [`/${UDID}//Snapshot/./ab/`, [UDID, 'Snapshot', 'ab']],
    ['/.b/6/x', ['.b', '6', 'x']],
    [`${UDID}/...`, [UDID, '...']],
    [`${UDID}/..a`, [UDID, '..a']],
    [`${UDID}/${'é'.repeat(127)}`, [UDID, 'é'.repeat(127)]],
    [`${UDID}/👩‍👩‍👧`, [UDID, '👩‍👩‍👧']],
  ] as const) {
    it(`takes ${JSON.stringify(devicePath).slice(0, 60)}`, () => {
      assert.deepEqual(splitDevicePath(devicePath, UDID, 'linux'), parts);
    });
  }

  for (const { path: devicePath, code, on } of HOSTILE_PATHS) {
    for (const platform of platforms) {
      const refused = on.includes(platform);
      it(`${refused ? 'refuses' : 'takes'} ${JSON.stringify(devicePath).slice(0, 60)} on ${platform}`, () => {
        if (refused) assert.throws(() => splitDevicePath(devicePath, UDID, platform), { name: 'AppError', code });
        else splitDevicePath(devicePath, UDID, platform);
      });
    }
  }

  it('never leads out of the root, whatever the device says', () => {
    const pieces = fc.constantFrom(
      UDID,
      '.b',
      '..',
      '.',
      '',
      '/',
      '\\',
      'a',
      'C:',
      '\0',
      ' ',
      '...',
      '.. ',
      '..\\..',
      'CON',
      '\ud800',
    );
    const paths = fc.oneof(
      fc.array(pieces, { maxLength: 8 }).map((all) => all.join('/')),
      fc.string({ unit: 'binary' }),
      fc.array(pieces).map((all) => all.join('')),
    );
    fc.assert(
      fc.property(paths, fc.constantFrom(...platforms), (devicePath, platform) => {
        const rules = platform === 'win32' ? path.win32 : path.posix;
        const root = platform === 'win32' ? 'C:\\backups\\.x.partial' : '/backups/.x.partial';
        let host;
        try {
          host = hostPath(root, splitDevicePath(devicePath, UDID, platform), platform);
        } catch (error) {
          assert.match((error as { code: string }).code, /^(unsafePath|nameNotPossible)$/);
          return;
        }
        const relative = rules.relative(root, rules.resolve(host.replace(/^\\\\\?\\/, '')));
        assert.ok(relative === '' || [UDID, '.b'].includes(relative.split(rules.sep)[0] ?? ''), relative);
        assert.ok(!relative.split(rules.sep).includes('..'), relative);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('hostPath()', () => {
  it('refuses what is longer than the system takes', () => {
    const deep = Array.from({ length: 20 }, () => 'x'.repeat(250));
    assert.throws(() => hostPath('/backups', deep, 'linux'), { code: 'nameNotPossible' });
    assert.throws(() => hostPath('/backups', deep.slice(0, 5), 'darwin'), { code: 'nameNotPossible' });
    assert.equal(hostPath('/backups', deep.slice(0, 5), 'linux').length, 8 + 5 * 251 + 0 + 0);
  });

  it('lifts the limit of 260 characters on Windows', () => {
    assert.equal(hostPath('C:\\b', ['x', 'y'], 'win32'), 'C:\\b\\x\\y');
    assert.ok(hostPath('C:\\b\\', ['x'.repeat(200), 'y'.repeat(200)], 'win32').startsWith('\\\\?\\C:\\b\\xxx'));
    assert.ok(
      hostPath('\\\\server\\share', ['x'.repeat(200), 'y'.repeat(200)], 'win32').startsWith(
        '\\\\?\\UNC\\server\\share\\xxx',
      ),
    );
  });
});
