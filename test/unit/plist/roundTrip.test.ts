import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, test } from 'mocha';
import { encodeBinaryPlist, encodeXmlPlist, parsePlist } from '../../../src/plist';
import { ANY, ANY_IN_XML, canonical, plistValue } from './plistValues';

describe('property lists written and read again', () => {
  test('are the same in binary', () => {
    fc.assert(
      fc.property(plistValue(ANY), (value) => {
        assert.deepEqual(canonical(parsePlist(encodeBinaryPlist(value))), canonical(value));
      }),
      { numRuns: 500 },
    );
  });

  test('are the same in XML', () => {
    fc.assert(
      fc.property(plistValue(ANY_IN_XML), (value) => {
        assert.deepEqual(canonical(parsePlist(Buffer.from(encodeXmlPlist(value)))), canonical(value));
      }),
      { numRuns: 500 },
    );
  });

  test('are written with the same bytes', () => {
    fc.assert(
      fc.property(plistValue(ANY_IN_XML), (value) => {
        const binary = encodeBinaryPlist(value);
        assert.deepEqual(encodeBinaryPlist(parsePlist(binary)), binary);
        const xml = encodeXmlPlist(value);
        assert.equal(encodeXmlPlist(parsePlist(Buffer.from(xml))), xml);
      }),
    );
  });
});
