import assert from 'node:assert/strict';
import { describe, test } from 'mocha';
import {
  decodeXmlPlist,
  dict,
  encodeXmlPlist,
  parsePlist,
  PlistError,
  type PlistLimits,
  PlistReal,
  PlistUid,
  type PlistValue,
} from '../../../src/plist';

const HEADER = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
`;

function read(body: string): PlistValue {
  return parsePlist(Buffer.from(`${HEADER}${body}\n</plist>\n`));
}

describe('encodeXmlPlist()', () => {
  test("writes Apple's layout", () => {
    const value = dict({
      name: 'a & b <c>',
      empty: '',
      list: [1, new PlistReal(2), new PlistReal(-0.5), true, false, [], dict({})],
      when: new Date('2024-05-06T07:08:09.999Z'),
      key: Buffer.alloc(50, 0xff),
      none: Buffer.alloc(0),
      big: 2n ** 64n - 1n,
      negative: -13,
      uid: new PlistUid(7),
    });
    const lines = [
      '<dict>',
      '\t<key>name</key>',
      '\t<string>a &amp; b &lt;c&gt;</string>',
      '\t<key>empty</key>',
      '\t<string></string>',
      '\t<key>list</key>',
      '\t<array>',
      '\t\t<integer>1</integer>',
      '\t\t<real>2</real>',
      '\t\t<real>-0.5</real>',
      '\t\t<true/>',
      '\t\t<false/>',
      '\t\t<array/>',
      '\t\t<dict/>',
      '\t</array>',
      '\t<key>when</key>',
      '\t<date>2024-05-06T07:08:09Z</date>',
      '\t<key>key</key>',
      '\t<data>',
      `\t${'/'.repeat(66)}8=`,
      '\t</data>',
      '\t<key>none</key>',
      '\t<data>',
      '\t</data>',
      '\t<key>big</key>',
      '\t<integer>18446744073709551615</integer>',
      '\t<key>negative</key>',
      '\t<integer>-13</integer>',
      '\t<key>uid</key>',
      '\t<dict>',
      '\t\t<key>CF$UID</key>',
      '\t\t<integer>7</integer>',
      '\t</dict>',
      '</dict>',
    ];
    assert.equal(encodeXmlPlist(value), `${HEADER}${lines.join('\n')}\n</plist>\n`);
  });

  test('breaks data into lines of 76 columns, a tab counted as eight', () => {
    for (const [depth, width] of [
      [0, 76],
      [1, 68],
      [5, 36],
      [9, 4],
      [20, 4],
    ] as const) {
      let value: PlistValue = Buffer.alloc(300, depth);
      for (let i = 0; i < depth; i++) value = [value];
      const [first] = /^\t*[A-Za-z0-9+/]+=*$/m.exec(encodeXmlPlist(value))!;
      assert.equal(first.trim().length, width);
      assert.deepEqual(parsePlist(Buffer.from(encodeXmlPlist(value))), value);
    }
  });

  test('blanks what XML cannot hold, and keeps all kinds of line ends', () => {
    assert.deepEqual(read(encodedBody('a\0b\x1fc\ud800d\uffff')), 'a b c d ');
    assert.deepEqual(read(encodedBody('\t\r\n\r\n😀')), '\t\r\n\r\n😀');
  });

  test('writes numbers that are no integers as reals', () => {
    const cases: readonly [PlistValue, string][] = [
      [0.25, '0.25'],
      [-1e-7, '-1e-7'],
      [NaN, 'nan'],
      [Infinity, '+infinity'],
      [-Infinity, '-infinity'],
      [new PlistReal(NaN), 'nan'],
      [new PlistReal(Infinity), '+infinity'],
      [new PlistReal(-Infinity), '-infinity'],
      [new PlistReal(-0), '-0'],
      [new PlistReal(0), '0'],
    ];
    for (const [value, text] of cases) assert.equal(encodedBody(value), `<real>${text}</real>`);
  });

  test('writes as many levels as are read', () => {
    assert.deepEqual(parsePlist(Buffer.from(encodeXmlPlist(nestedDict(256)))), nestedDict(256));
  });

  test('refuses what has no form', () => {
    let deep: PlistValue = [1];
    for (let i = 0; i < 100_000; i++) deep = [deep];
    const refused: readonly [PlistValue, RegExp][] = [
      [null, /null/],
      [new Date(NaN), /invalid date/],
      [new Date('+010000-01-01T00:00:00Z'), /year 10000/],
      [new Date('-000001-01-01T00:00:00Z'), /year -1/],
      [2 ** 53, /must be a bigint/],
      [deep, /more than 256 levels/],
      [nestedDict(256), /more than 256 levels/],
      [undefined as unknown as PlistValue, /type undefined/],
    ];
    for (const [value, message] of refused) {
      assert.throws(
        () => encodeXmlPlist([value]),
        (error) => error instanceof PlistError && message.test(error.message),
      );
    }
  });
});

describe('decodeXmlPlist()', () => {
  const cases: readonly [string, string, PlistValue][] = [
    ['an integer', '<integer>42</integer>', 42],
    ['an integer with blanks and a sign', '<integer> +42\n</integer>', 42],
    ['a negative integer', '<integer>-13</integer>', -13],
    ['a hexadecimal integer', '<integer>0xFF</integer>', 255],
    ['a negative hexadecimal integer', '<integer>-0x10</integer>', -16],
    ['an ECID beyond 2^53', '<integer>9007199254740993</integer>', 9007199254740993n],
    ['an integer of 64 bits', '<integer>18446744073709551615</integer>', 2n ** 64n - 1n],
    ['a whole real', '<real>2</real>', new PlistReal(2)],
    ['a real with an exponent', '<real>-1.5E-3</real>', new PlistReal(-0.0015)],
    ['a real without its zero', '<real>.5</real>', new PlistReal(0.5)],
    ['not a number', '<real>nan</real>', new PlistReal(NaN)],
    [
      'infinities',
      '<array><real>+infinity</real><real>-Inf</real></array>',
      [new PlistReal(Infinity), new PlistReal(-Infinity)],
    ],
    ['booleans', '<array><true/><false></false></array>', [true, false]],
    ['a date', '<date>2024-05-06T07:08:09Z</date>', new Date('2024-05-06T07:08:09Z')],
    ['a date with a short year', '<date>162-05-06T07:08:09Z</date>', new Date('0162-05-06T07:08:09Z')],
    ['data in lines', '<data>\n\tAQID\n\tBA==\n</data>', Buffer.of(1, 2, 3, 4)],
    ['data without padding', '<data>AQI</data>', Buffer.of(1, 2)],
    ['no data', '<data/>', Buffer.alloc(0)],
    ['a string with references', '<string>&lt;&amp;&gt;&quot;&apos;&#65;&#x1F600;</string>', '<&>"\'A😀'],
    ['a string with its blanks', '<string> a \n b </string>', ' a \n b '],
    ['character data', '<string>a<![CDATA[<b>&amp;]]>c</string>', 'a<b>&amp;c'],
    ['an empty string', '<string/>', ''],
    ['comments', '<!-- a --><array><!-- b --><string>x<!-- c -->y</string></array>', ['xy']],
    ['a UID', '<dict><key>CF$UID</key><integer>5</integer></dict>', new PlistUid(5)],
    ['what only looks like a UID', '<dict><key>CF$UID</key><string>5</string></dict>', new Map([['CF$UID', '5']])],
    ['an empty key', '<dict><key/><true/></dict>', new Map([['', true]])],
    ['the last of two equal keys', '<dict><key>a</key><false/><key>a</key><true/></dict>', new Map([['a', true]])],
  ];
  for (const [name, body, value] of cases) test(`reads ${name}`, () => assert.deepEqual(read(body), value));

  test('keeps the order of keys, and no key is special', () => {
    const keys = ['b', '10', '__proto__', '2', 'constructor'];
    const value = read(`<dict>${keys.map((key) => `<key>${key}</key><dict/>`).join('')}</dict>`) as Map<
      string,
      PlistValue
    >;
    assert.deepEqual([...value.keys()], keys);
  });

  test('blanks the control characters that old firmware sends', () => {
    assert.equal(read('<string>a\x01b\0c\td</string>'), 'a b c\td');
    assert.equal(read('<string>a\uffffb\ufffec\ufffdd\ue000</string>'), 'a\ufffdb\ufffdc\ufffdd\ue000');
  });

  test('takes every line end for a line feed, as XML does', () => {
    assert.equal(read('<string>a\r\nb\rc\r\r\nd\n&#13;</string>'), 'a\nb\nc\n\nd\n\r');
  });

  test('reads a list with a mark, in UTF-16, behind blanks, in front of zeros, or without a header', () => {
    const xml = `${HEADER}<string>é😀</string></plist>`;
    const utf16 = `<?xml version="1.0" encoding="UTF-16"?><plist><string>é😀</string></plist>`;
    const lists: readonly Uint8Array[] = [
      Buffer.from(`\ufeff${xml}`),
      Buffer.from(`\ufeff${utf16}`, 'utf16le'),
      Buffer.from(`\ufeff${utf16}`, 'utf16le').swap16(),
      Buffer.from(` \r\n\t${xml}`),
      Buffer.from(`${xml}\0`),
      Buffer.from('<plist><string>é😀</string></plist>'),
      Buffer.from('<string>é😀</string>'),
    ];
    for (const list of lists) assert.equal(parsePlist(list), 'é😀');
  });

  test('reads what is not UTF-8 as well as it can', () => {
    const list = Buffer.concat([Buffer.from('<plist><string>a'), Buffer.of(0xff), Buffer.from('b</string></plist>')]);
    assert.equal(parsePlist(list), 'a\ufffdb');
  });

  const bomb = Array.from({ length: 12 }, (_, i) => `<!ENTITY a${i + 1} "${`&a${i};`.repeat(10)}">`).join('');
  const refused: readonly [string, string, RegExp][] = [
    ['nothing', '', /no element|holds no value|root|empty/i],
    ['no XML', 'HTTP/1.1 404 Not Found', /XML/],
    ['another document', '<html><body/></html>', /unknown element <html>/],
    ['an empty list', '<plist/>', /holds no value/],
    ['two values', '<plist><true/><true/></plist>', /more than one value/],
    ['a list in a list', '<plist><array><plist/></array></plist>', /<plist> inside/],
    ['a key at the top', '<plist><key>a</key></plist>', /<key> outside/],
    ['a key in an array', '<plist><array><key>a</key></array></plist>', /<key> outside/],
    ['a key behind a key', '<plist><dict><key>a</key><key>b</key></dict></plist>', /key follows a key/],
    ['a key without a value', '<plist><dict><key>a</key></dict></plist>', /last key/],
    ['a value without a key', '<plist><dict><true/></dict></plist>', /<true> without a key/],
    ['an element in a string', '<plist><string><b/></string></plist>', /<b> inside <string>/],
    ['text in a dictionary', '<plist><dict>x</dict></plist>', /text between/],
    ['text in a boolean', '<plist><true>x</true></plist>', /<true> with text/],
    ['an integer that is none', '<plist><integer>12a</integer></plist>', /<integer> without/],
    ['an empty integer', '<plist><integer/></plist>', /<integer> without/],
    ['an integer of a million digits', `<plist><integer>${'9'.repeat(1e6)}</integer></plist>`, /<integer> without/],
    ['a real that is none', '<plist><real>1,5</real></plist>', /<real> without/],
    ['a date that is none', '<plist><date>yesterday</date></plist>', /<date> without/],
    ['a date of the 13th month', '<plist><date>2024-13-01T00:00:00Z</date></plist>', /<date> without/],
    ['data that are not base64', '<plist><data>A*ID</data></plist>', /<data> without/],
    ['data cut inside a group', '<plist><data>AQIDB</data></plist>', /<data> cut short/],
    ['data behind padding', '<plist><data>AQ==AQ==</data></plist>', /<data> without/],
    ['an endless comment', `<plist><!--${'- '.repeat(1e6)}`, /a comment that does not end/],
    ['a long CDATA section', `<plist><string><![CDATA[${']'.repeat(1e6)}]]></string></plist>`, /CDATA section that/],
    ['a long processing instruction', `<plist><?x ${'? '.repeat(1e6)}?><true/></plist>`, /processing instruction that/],
    ['a long document type', `<!DOCTYPE ${'x'.repeat(1e6)}><plist><true/></plist>`, /document type that/],
    [
      'a thousand attributes',
      `<plist ${Array.from({ length: 1000 }, (_, i) => `a${i}=">"`).join(' ')}><true/></plist>`,
      /too many attributes/,
    ],
    ['an element with an endless name', `<plist><${'x'.repeat(1000)}/></plist>`, /^unknown element <x{40}…>/],
    ['crossed tags', '<plist><array><dict></array></dict></plist>', /XML/],
    ['an unknown entity', '<plist><string>&nbsp;</string></plist>', /XML/],
    [
      'an entity bomb',
      `<!DOCTYPE plist [<!ENTITY a0 "x">${bomb}]><plist><string>&a12;</string></plist>`,
      /declarations of its own/,
    ],
    [
      'an outside entity',
      '<!DOCTYPE plist [<!ENTITY a SYSTEM "file:///etc/passwd">]><plist><string>&a;</string></plist>',
      /declarations of its own/,
    ],
    ['deep nesting', `<plist>${'<array>'.repeat(100_000)}`, /more than 256 levels/],
  ];
  for (const [name, xml, message] of refused) {
    test(`refuses ${name}`, () => {
      assert.throws(
        () => decodeXmlPlist(Buffer.from(xml)),
        (error) => {
          assert.ok(error instanceof PlistError, String(error));
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  test('refuses a list cut at any byte', () => {
    const list = Buffer.from(
      encodeXmlPlist(dict({ a: [1, 'é', Buffer.alloc(3)], b: new Date(0), c: new PlistReal(1) })),
    );
    const end = list.lastIndexOf('>');
    for (let length = 0; length <= end; length++) {
      assert.throws(() => parsePlist(list.subarray(0, length)), PlistError, `cut after ${length} bytes`);
    }
  });

  test('keeps to lower limits', () => {
    const xml = '<plist><array><string>a</string><array><true/></array></array></plist>';
    const refuses = (limits: Partial<PlistLimits>, message: RegExp): void =>
      assert.throws(
        () => parsePlist(Buffer.from(xml), limits),
        (error) => error instanceof PlistError && message.test(error.message),
      );
    assert.ok(parsePlist(Buffer.from(xml), { maxBytes: xml.length, maxObjects: 4, maxDepth: 2 }));
    refuses({ maxBytes: xml.length - 1 }, /bytes; at most/);
    refuses({ maxObjects: 3 }, /more than 3 objects/);
    refuses({ maxDepth: 1 }, /more than 1 levels/);
    const references = `<plist><string>${'&amp;'.repeat(11)}</string></plist>`;
    assert.throws(() => parsePlist(Buffer.from(references), { maxObjects: 10 }), /character references/);
    const comments = `<plist>${'<!-- -->'.repeat(11)}<true/></plist>`;
    assert.equal(parsePlist(Buffer.from(comments), { maxObjects: 11 }), true);
    assert.throws(() => parsePlist(Buffer.from(comments), { maxObjects: 10 }), /more than 10 comments/);
  });
});

/** So many dictionaries, each in the other. */
function nestedDict(levels: number): PlistValue {
  return levels === 1 ? dict({ key: 'value' }) : dict({ key: nestedDict(levels - 1) });
}

/** The element of a value as we write it, without header and end. */
function encodedBody(value: PlistValue): string {
  return encodeXmlPlist(value).slice(HEADER.length).replace('\n</plist>\n', '');
}
