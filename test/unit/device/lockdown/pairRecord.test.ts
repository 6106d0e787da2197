import assert from 'node:assert/strict';
import {
  decodePairRecord,
  encodePairRecord,
  sharedPartOf,
  type PairRecord,
} from '../../../../src/device/lockdown/pairRecord';
import { hostIdOf } from '../../../../src/device/lockdown/hostId';
import { asDict, encodeBinaryPlist, encodeXmlPlist, parsePlist } from '../../../../src/plist';

const record: PairRecord = {
  hostId: '4A000E9F-BF54-BCB9-4ACA-B1E7564C7EB2',
  systemBuid: 'C0FFEE00-1111-2222-3333-444455556666',
  rootCertificate: Buffer.from('root'),
  rootPrivateKey: Buffer.from('root key'),
  hostCertificate: Buffer.from('host'),
  hostPrivateKey: Buffer.from('host key'),
  deviceCertificate: Buffer.from('device'),
  escrowBag: Buffer.from([1, 2, 3]),
  wifiMacAddress: 'aa:bb:cc:dd:ee:ff',
};

describe('pair record', () => {
  it('is read as it was written, in XML and binary', () => {
    const file = encodePairRecord(record, 'U');
    assert.deepEqual(decodePairRecord(file), record);
    assert.deepEqual(decodePairRecord(encodeBinaryPlist(parsePlist(file))), record);
    assert.equal(asDict(parsePlist(file), 'record').get('UDID'), 'U');
  });

  it('may lack what some programs do not keep', () => {
    const less = { ...record, escrowBag: undefined, wifiMacAddress: undefined, rootPrivateKey: undefined };
    assert.deepEqual(decodePairRecord(encodePairRecord(less, 'U')), less);
  });

  it('needs the rest', () => {
    const whole = asDict(parsePlist(encodePairRecord(record, 'U')), 'record');
    for (const key of [
      'HostID',
      'SystemBUID',
      'RootCertificate',
      'HostCertificate',
      'HostPrivateKey',
      'DeviceCertificate',
    ]) {
      const without = new Map(whole);
      without.delete(key);
      assert.throws(() => decodePairRecord(Buffer.from(encodeXmlPlist(without))), new RegExp(key));
    }
  });

  it('is shown to the device without private keys', () => {
    const keys = [...sharedPartOf(record).keys()].sort();
    assert.deepEqual(keys, ['DeviceCertificate', 'HostCertificate', 'HostID', 'RootCertificate', 'SystemBUID']);
  });
});

describe('hostIdOf', () => {
  it('is a UUID that depends on the computer alone', () => {
    const id = hostIdOf(record.systemBuid);
    assert.match(id, /^[0-9A-F]{8}-[0-9A-F]{4}-8[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$/);
    assert.equal(hostIdOf(record.systemBuid), id);
    assert.notEqual(hostIdOf('another'), id);
    assert.notEqual(id, record.systemBuid);
  });
});
