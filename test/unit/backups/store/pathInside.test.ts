import assert from 'node:assert/strict';
import path from 'node:path';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { hostPath, isUdid, splitDevicePath } from '../../../../src/backups/store/pathInside';
import type { AppError } from '../../../../src/base/errors';
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

  for (const name of [
    'a.b',
    'a b',
    '.hidden',
    'console',
    'CONFIG.txt',
    'aux1',
    'com10',
    'lpt',
    'nullable.plist',
    'x'.repeat(255),
    `${'é'.repeat(127)}x`,
    'e\u0301',
  ]) {
    it(`takes ${JSON.stringify(name).slice(0, 30)} on every system`, () => {
      for (const platform of platforms)
        assert.deepEqual(splitDevicePath(`${UDID}/./${name}`, UDID, platform), [UDID, name]);
    });
  }

  it('counts the length of a name as each system does', () => {
    assert.deepEqual(splitDevicePath(`${UDID}/${'é'.repeat(255)}`, UDID, 'win32'), [UDID, 'é'.repeat(255)]);
    for (const [name, platform] of [
      ['é'.repeat(256), 'win32'],
      ['é'.repeat(128), 'darwin'],
      ['\u{1f600}'.repeat(64), 'linux'],
    ] as const) {
      assert.throws(() => splitDevicePath(`${UDID}/${name}`, UDID, platform), { code: 'nameNotPossible' });
    }
  });

  it('takes 64 parts and no more', () => {
    const parts = Array.from({ length: 63 }, () => 'x');
    assert.equal(splitDevicePath([UDID, ...parts].join('/'), UDID, 'linux').length, 64);
    assert.throws(() => splitDevicePath([UDID, ...parts, 'x'].join('/'), UDID, 'linux'), { code: 'unsafePath' });
  });

  it('says what it refused and why, at most 300 characters of it', () => {
    for (const [devicePath, code, why] of [
      [`${UDID}/..`, 'unsafePath', 'climbs out'],
      ['etc/passwd', 'unsafePath', 'begins neither'],
      [`${UDID}/${'x/'.repeat(100)}`, 'unsafePath', '101 parts'],
      [`${UDID}/a\0`, 'unsafePath', 'NUL'],
      [`${UDID}/a\\b`, 'unsafePath', 'backslash'],
      [`${UDID}/a:b`, 'unsafePath', 'drive or a stream'],
      [`${UDID}/con`, 'unsafePath', 'device of Windows'],
      [`${UDID}/a|b`, 'nameNotPossible', 'Windows forbids'],
      [`${UDID}/a.`, 'nameNotPossible', 'ends in a dot'],
      [`${UDID}/\ud800`, 'nameNotPossible', 'well-formed'],
      [`${UDID}/${'x'.repeat(274)}`, 'nameNotPossible', 'too long'],
      [`${UDID}/${'x'.repeat(275)}`, 'nameNotPossible', 'too long'],
      [`${UDID}/${'x'.repeat(400)}`, 'nameNotPossible', 'too long'],
    ] as const) {
      const shown = devicePath.length > 300 ? `${devicePath.slice(0, 300)}…` : devicePath;
      assert.throws(
        () => splitDevicePath(devicePath, UDID, 'win32'),
        (error: AppError) => {
          assert.equal(error.code, code);
          assert.deepEqual(error.details, { path: shown });
          assert.ok(error.message.includes(JSON.stringify(shown)) && error.message.includes(why), error.message);
          return true;
        },
      );
    }
  });

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
  it('is the root itself without parts, and minds no slashes at its end', () => {
    assert.equal(hostPath('/', [], 'linux'), '/');
    assert.equal(hostPath('C:\\', [], 'win32'), 'C:\\');
    for (const root of ['/backups', '/backups/', '/backups//'])
      assert.equal(hostPath(root, ['x'], 'linux'), '/backups/x');
    for (const root of ['C:\\b', 'C:\\b\\', 'C:\\b/', 'C:\\b\\/'])
      assert.equal(hostPath(root, ['x'], 'win32'), 'C:\\b\\x');
    assert.equal(hostPath('/back\\', ['x'], 'linux'), '/back\\/x');
  });

  it('takes the longest path of each system, and says so of a longer one', () => {
    for (const [platform, root, longest] of [
      ['linux', '/b', 4095],
      ['darwin', '/b', 1023],
      ['win32', 'C:\\b', 32_000],
    ] as const) {
      const name = 'x'.repeat(longest - root.length - 3);
      assert.equal(hostPath(root, ['a', name], platform).replace('\\\\?\\', '').length, longest);
      assert.throws(() => hostPath(root, ['a', `${name}x`], platform), {
        code: 'nameNotPossible',
        details: { path: `a/${name}`.slice(0, 300) + '…' },
        message: /the whole path is too long/,
      });
    }
  });

  it('lifts the limit of Windows from 240 characters on', () => {
    assert.equal(hostPath('C:\\b', ['x'.repeat(234)], 'win32').length, 239);
    assert.ok(hostPath('C:\\b', ['x'.repeat(235)], 'win32').startsWith('\\\\?\\C:\\b\\x'));
    assert.ok(hostPath('/b', ['x'.repeat(255)], 'linux').startsWith('/b/x'));
  });

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

describe('isUdid()', () => {
  it("knows both of Apple's forms, and nothing that could be a path", () => {
    for (const text of [UDID, '2b6f0cc904d137be2e1730235f5664094b831186', 'x'.repeat(8), 'x'.repeat(64)])
      assert.equal(isUdid(text), true, text);
    for (const text of [
      '',
      'x'.repeat(7),
      'x'.repeat(65),
      `-${UDID}`,
      `.${UDID}`,
      `${UDID}/x`,
      `${UDID}.x`,
      `${UDID}-20240101-000000`, // another device's version
      'a_bcdefgh',
    ])
      assert.equal(isUdid(text), false, text);
  });
});
