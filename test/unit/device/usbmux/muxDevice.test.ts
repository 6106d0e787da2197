import assert from 'node:assert/strict';
import { dict } from '../../../../src/plist';
import { decodeMuxDevice, preferredConnection, udidOfSerial } from '../../../../src/device/usbmux/muxDevice';

describe('decodeMuxDevice', () => {
  const attached = (properties: Record<string, string | number>) =>
    dict({ MessageType: 'Attached', DeviceID: 7, Properties: dict(properties) });

  it('reads a device on a cable', () => {
    const properties = {
      ConnectionType: 'USB',
      DeviceID: 7,
      LocationID: 0,
      ProductID: 4776,
      SerialNumber: '00008030001C2D223A82802E',
    };
    assert.deepEqual(decodeMuxDevice(attached(properties)), {
      deviceId: 7,
      udid: '00008030-001C2D223A82802E',
      connection: 'usb',
      productId: 4776,
      locationId: 0,
    });
  });

  it('reads a device on the network', () => {
    const properties = { ConnectionType: 'Network', SerialNumber: '00008030-001C2D223A82802E' };
    assert.deepEqual(decodeMuxDevice(attached(properties)), {
      deviceId: 7,
      udid: '00008030-001C2D223A82802E',
      connection: 'network',
    });
  });

  it('reads the properties where an old daemon puts them: beside the number', () => {
    const flat = dict({ DeviceID: 3, ConnectionType: 'USB', SerialNumber: 'x', ProductID: 4776 });
    assert.deepEqual(decodeMuxDevice(flat), { deviceId: 3, udid: 'x', connection: 'usb', productId: 4776 });
  });

  it('refuses an entry without its numbers', () => {
    assert.throws(() => decodeMuxDevice(dict({ Properties: dict({ SerialNumber: 'x' }) })), /DeviceID/);
    assert.throws(() => decodeMuxDevice(attached({ ConnectionType: 'USB' })), /SerialNumber/);
  });
});

describe('udidOfSerial', () => {
  it('puts the dash in where the USB descriptor has none', () => {
    assert.equal(udidOfSerial('00008030001c2d223a82802e'), '00008030-001C2D223A82802E');
  });

  it('leaves other UDIDs as they are', () => {
    const old = '2b6f0cc904d137be2e1730235f5664094b831186';
    assert.equal(udidOfSerial(old), old);
    assert.equal(udidOfSerial('00008030-001C2D223A82802E'), '00008030-001C2D223A82802E');
  });
});

describe('preferredConnection', () => {
  const wifi = { deviceId: 1, udid: 'a', connection: 'network' } as const;
  const cable = { deviceId: 2, udid: 'a', connection: 'usb' } as const;
  const other = { deviceId: 3, udid: 'b', connection: 'usb' } as const;

  it('is the cable', () => {
    assert.equal(preferredConnection([wifi, other, cable], 'a'), cable);
    assert.equal(preferredConnection([wifi, other], 'a'), wifi);
    assert.equal(preferredConnection([other], 'a'), undefined);
  });
});
