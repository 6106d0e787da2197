import assert from 'node:assert/strict';
import { describe, test } from 'mocha';
import { columnDate } from '../../../../src/backups/reader/appleTime';
import { contentKind } from '../../../../src/backups/reader/contentKind';
import { domainFolders } from '../../../../src/backups/reader/domainFolders';
import { plistText } from '../../../../src/backups/reader/plistText';
import { dict, encodeBinaryPlist, PlistReal, PlistUid, type PlistValue } from '../../../../src/plist';

const text = (value: PlistValue) => plistText(encodeBinaryPlist(value));
const archive = (objects: readonly PlistValue[]) =>
  dict({ $version: 100000, $archiver: 'NSKeyedArchiver', $top: dict({ root: new PlistUid(1) }), $objects: objects });

describe('plistText()', () => {
  test('shows every kind of value on a line of its own', () => {
    const value = dict({
      text: 'a "b"\n',
      'odd: key': 1,
      real: new PlistReal(2),
      big: 2n ** 60n,
      yes: true,
      when: new Date(0),
      data: new Uint8Array([1, 2, 255]),
      empty: dict({}),
      list: [1, dict({ a: [] })],
    });
    assert.equal(
      text(value),
      [
        'text: "a \\"b\\"\\n"',
        '"odd: key": 1',
        'real: 2.0',
        `big: ${2n ** 60n}`,
        'yes: true',
        'when: 1970-01-01T00:00:00Z',
        'data: <0102ff> # 3 bytes',
        'empty: {}',
        'list:',
        '  - 1',
        '  -',
        '    a: []',
        '',
      ].join('\n'),
    );
  });

  test('writes each object of an archive once, also one that contains itself', () => {
    const name = dict({ $classname: 'Node', $classes: ['Node'] });
    const node = dict({ $class: new PlistUid(2), next: new PlistUid(1), other: new PlistUid(1) });
    assert.equal(text(archive(['$null', node, name])), '# keyed archive\nroot: &1 !Node\n  next: *1\n  other: *1\n');
  });

  test('stays small for an archive that doubles with every object', () => {
    const objects: PlistValue[] = ['$null'];
    for (let index = 1; index <= 60; index++) {
      const next = new PlistUid(index + 1);
      objects.push(dict({ a: next, b: next }));
    }
    objects.push(dict({ end: true }));
    assert.ok(text(archive(objects)).length < 20_000);
  });

  test('says what is missing or nested too deeply, and takes names that objects have for names', () => {
    assert.match(text(archive(['$null', dict({ gone: new PlistUid(99) })])), /gone: # object 99 is missing/);
    const chain: PlistValue[] = ['$null'];
    for (let index = 1; index < 5000; index++) chain.push(dict({ next: new PlistUid(index + 1) }));
    assert.match(text(archive(chain)), /nested too deeply/);
    assert.equal(text(dict({ ['__proto__']: 1, constructor: 2 })), '__proto__: 1\nconstructor: 2\n');
  });

  test('is cut where nobody reads any more', () => {
    const many = Array.from({ length: 300_000 }, (_, index) => `a rather long line number ${index}`);
    const shown = text(many);
    assert.ok(shown.length < 5 << 20);
    assert.ok(shown.endsWith('# … more is left out\n'));
  });
});

describe('contentKind()', () => {
  for (const [kind, bytes] of [
    ['empty', ''],
    ['plist', 'bplist00'],
    ['plist', '<?xml version="1.0"?>\n<!DOCTYPE plist>'],
    ['database', 'SQLite format 3\0'],
    ['picture', '\xff\xd8\xff\xe0'],
    ['picture', '\0\0\0\x18ftypheic'],
    ['media', '\0\0\0\x18ftypqt  '],
    ['text', 'hello\n'],
    ['binary', 'a\0b'],
  ] as const) {
    test(`${kind}: ${JSON.stringify(bytes)}`, () => assert.equal(contentKind(Buffer.from(bytes, 'latin1')), kind));
  }
});

describe('columnDate()', () => {
  for (const [column, type, value, expected] of [
    ['ZCREATIONDATE', 'TIMESTAMP', 700_000_000, '2023-03-08T20:26:40.000Z'],
    ['date', 'INTEGER', 700_000_000_000_000_000, '2023-03-08T20:26:40.000Z'],
    ['created_at', 'INTEGER', 1_700_000_000, '2023-11-14T22:13:20.000Z'],
    ['timestamp', 'REAL', 1_700_000_000_000, '2023-11-14T22:13:20.000Z'],
    ['date', 'INTEGER', 0, undefined],
    ['date', 'INTEGER', 3, undefined],
    ['ZTIMEZONEOFFSET', 'INTEGER', 700_000_000, undefined],
    ['size', 'INTEGER', 700_000_000, undefined],
  ] as const) {
    test(`${column} ${type} ${value}`, () => assert.equal(columnDate(column, type, value)?.toISOString(), expected));
  }
});

describe('domainFolders()', () => {
  const paths = (domains: readonly string[], names: Readonly<Record<string, string>> = {}) =>
    domainFolders(
      domains.map((domain) => ({ domain, hasFiles: true })),
      new Map(Object.entries(names)),
    ).map(({ path }) => path);

  test('tells two apps of one name apart, whatever the case', () => {
    const names = { 'com.a': 'Notes', 'com.b': 'NOTES' };
    assert.deepEqual(paths(['AppDomain-com.a', 'AppDomain-com.b'], names), ['Apps/Notes', 'Apps/NOTES (com.b)']);
  });

  test('makes no path out of a name that is none', () => {
    const names = { 'com.a': '../../etc', 'com.b': '..', 'com.c': '\u202e', 'com.d': '' };
    const shown = paths(
      ['AppDomain-com.a', 'AppDomain-com.b', 'AppDomain-com.c', 'AppDomain-com.d', '../x', ''],
      names,
    );
    for (const path of shown) {
      assert.ok(
        path.split('/').every((part) => part !== '' && part !== '.' && part !== '..'),
        path,
      );
    }
    assert.equal(new Set(shown).size, shown.length);
  });

  test('shows unknown domains as they are', () => {
    assert.deepEqual(paths(['NewDomain', 'NewDomain-x-y']), ['Other/NewDomain', 'Other/NewDomain-x-y']);
  });
});
