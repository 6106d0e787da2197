import assert from 'node:assert/strict';
import { infoFields } from '../../../src/backups/catalogue/infoFields';
import { decodeFilesRow } from '../../../src/backups/format/fileRecord';
import { readRecordFacts } from '../../../src/backups/format/recordFacts';
import { plistText } from '../../../src/backups/reader/plistText';
import {
  decodeXmlPlist,
  dict,
  encodeBinaryPlist,
  encodeXmlPlist,
  isBinaryPlist,
  parsePlist,
  PlistReal,
  PlistUid,
  toPlain,
  type PlistValue,
} from '../../../src/plist';
import { hex, vectors } from '../../support/backupVectors';
import { canonical } from '../../unit/plist/plistValues';
import { bytesTarget, isAllowed, type FuzzTarget } from '../fuzz';

/** Every kind of value, in every size of number and count. */
const everything: PlistValue = dict({
  string: 'text & <more>',
  unicode: 'é\u{1f600}',
  long: 'x'.repeat(300),
  integers: [0, 255, 65_535, 2 ** 32 - 1, 2 ** 40, -1, 2n ** 63n, -(2n ** 63n)],
  reals: [new PlistReal(0.5), new PlistReal(-1e300)],
  bools: [true, false],
  date: new Date('2024-05-06T07:08:09Z'),
  data: Buffer.from([0, 1, 2, 0xff]),
  uid: new PlistUid(70_000),
  nested: [[[dict({ a: [dict({})] })]], []],
  $objects: ['$null', dict({ $class: new PlistUid(2) }), dict({ $classname: 'MBFile' })],
});
const info = dict({ 'Device Name': 'Phone', 'Last Backup Date': new Date(0), IsEncrypted: true, Size: 5 });
const both = (value: PlistValue) => [encodeBinaryPlist(value), Buffer.from(encodeXmlPlist(value))];

/** What was read can be written, and read again as the same. */
function comesAgain(value: PlistValue): void {
  const binary = encodeBinaryPlist(value);
  assert.deepEqual(canonical(parsePlist(binary)), canonical(value));
  toPlain(value);
}

export const propertyListTargets: readonly FuzzTarget[] = [
  bytesTarget({
    name: 'binaryPlist',
    what: 'binary property lists',
    samples: [encodeBinaryPlist(everything), encodeBinaryPlist(info), hex(vectors.files[0]?.mbfile ?? '')],
    parse: (bytes) => comesAgain(parsePlist(bytes)),
    allowed: ['plist'],
  }),
  bytesTarget({
    name: 'xmlPlist',
    what: 'XML property lists',
    samples: [Buffer.from(encodeXmlPlist(everything)), Buffer.from(encodeXmlPlist(info))],
    parse(bytes) {
      const value = decodeXmlPlist(bytes);
      comesAgain(value);
      let xml: string;
      try {
        xml = encodeXmlPlist(value);
      } catch (error) {
        // A year beyond 9999 is read (from a fraction of the year 9999's last second), but has no form.
        if (isAllowed(error, ['plist'])) return;
        throw error;
      }
      assert.equal(encodeXmlPlist(decodeXmlPlist(Buffer.from(xml))), xml);
    },
    allowed: ['plist'],
  }),
  bytesTarget({
    name: 'keyedArchive',
    what: 'file records, as two readers see them (the quick one never says something else)',
    samples: [...vectors.files.map(({ mbfile }) => hex(mbfile)), hex(vectors.symlink.mbfile)],
    parse(file) {
      const facts = readRecordFacts(file);
      const full = decodeFilesRow({ fileID: '00', domain: 'd', relativePath: 'p', flags: 1, file });
      if (!facts) return;
      assert.deepEqual([facts.mode, facts.hasKey], [full.mode, full.encryptionKey !== undefined]);
      if (full.kind === 'file') assert.equal(Math.max(0, facts.size), full.size);
    },
    allowed: ['plist'],
  }),
  bytesTarget({
    name: 'plistText',
    what: 'property lists shown as text',
    short: 600,
    samples: [...both(everything), ...vectors.files.slice(0, 2).map(({ mbfile }) => hex(mbfile))],
    parse: (bytes) => plistText(bytes),
    allowed: ['plist'],
  }),
  bytesTarget({
    name: 'plistFields',
    what: 'single fields of Info.plist, Status.plist and Manifest.plist',
    samples: [
      ...both(info),
      ...(['Info', 'Manifest', 'Status'] as const).map((name) =>
        Buffer.from(vectors.plists[`${name}.plist base64`], 'base64'),
      ),
    ],
    parse(bytes) {
      const fields = infoFields(bytes);
      for (const path of [
        ['Device Name'],
        ['Date'],
        ['Lockdown', 'ProductVersion'],
        ['IsEncrypted'],
        ['SnapshotState'],
      ])
        fields(...path);
      assert.ok(isBinaryPlist(bytes) || parsePlist(bytes) !== undefined);
    },
    allowed: ['plist', 'range'],
  }),
];
