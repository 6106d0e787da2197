import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { dict, encodeBinaryPlist, type PlistDict } from '../../../src/plist';
import { RawSocket } from '../../support/rawHost';
import { presetNamed, VirtualDeviceHost } from '../../virtualDevice';

const small = presetNamed('small');
const start = (changes: Parameters<typeof presetNamed>[1] = {}) =>
  VirtualDeviceHost.start({ devices: [presetNamed('small', changes)], control: false });

async function ask(mux: RawSocket, message: Parameters<typeof dict>[0]): Promise<PlistDict> {
  mux.sendMux(dict(message));
  return mux.receiveMuxPlist();
}

describe('virtual usbmuxd', () => {
  it('lists each way to reach a device with its own DeviceID', async () => {
    await using host = await start({ connections: ['usb', 'network'] });
    await using mux = await RawSocket.connect(host.address);
    const reply = await ask(mux, { MessageType: 'ListDevices' });
    assert.equal(reply.has('MessageType'), false);
    const list = reply.get('DeviceList') as PlistDict[];
    const [usb, network] = list.map((entry) => entry.get('Properties') as PlistDict);
    assert.equal(usb?.get('ConnectionType'), 'USB');
    assert.equal(usb?.get('SerialNumber'), small.udid.replace('-', ''));
    assert.equal(network?.get('ConnectionType'), 'Network');
    assert.equal(network?.get('SerialNumber'), small.udid);
    assert.deepEqual([...(network?.get('NetworkAddress') as Uint8Array).subarray(0, 2)], [16, 2]);
    assert.notEqual(usb?.get('DeviceID'), network?.get('DeviceID'));
  });

  it('echoes the tag, and answers several requests on one connection', async () => {
    await using host = await start();
    await using mux = await RawSocket.connect(host.address);
    mux.sendMux(dict({ MessageType: 'ReadBUID' }), 77);
    mux.sendMux(dict({ MessageType: 'Nonsense' }), 78);
    const [first, second] = [await mux.receiveMux(), await mux.receiveMux()];
    assert.deepEqual([first.tag, second.tag], [77, 78]);
    assert.match(second.payload.toString(), /<integer>1<\/integer>/);
  });

  it('tells listeners of devices that come and go, always with a new DeviceID and tag 0', async () => {
    await using host = await start();
    await using mux = await RawSocket.connect(host.address);
    mux.sendMux(dict({ MessageType: 'Listen', ProgName: 'test' }), 5);
    assert.equal((await mux.receiveMux()).tag, 5);
    const attached = await mux.receiveMux();
    assert.equal(attached.tag, 0);
    await host.device.replug();
    const detached = await mux.receiveMuxPlist();
    const again = await mux.receiveMuxPlist();
    assert.deepEqual([detached.get('MessageType'), detached.get('DeviceID')], ['Detached', 1]);
    assert.deepEqual([again.get('MessageType'), again.get('DeviceID')], ['Attached', 2]);

    await using other = await RawSocket.connect(host.address);
    const listeners = (await ask(other, { MessageType: 'ListListeners' })).get('ListenerList') as PlistDict[];
    assert.deepEqual(
      listeners.map((listener) => listener.get('ProgName')),
      ['test'],
    );
  });

  it('drops a listening client that sends anything else', async () => {
    await using host = await start();
    await using mux = await RawSocket.connect(host.address);
    mux.sendMux(dict({ MessageType: 'Listen' }));
    await mux.receiveMux();
    await mux.receiveMux();
    mux.sendMux(dict({ MessageType: 'ListDevices' }));
    assert.equal((await mux.readToEnd()).length, 0);
  });

  it('refuses a port where nothing was started (3), an unknown device (2), and a request without port (1)', async () => {
    await using host = await start();
    await using mux = await RawSocket.connect(host.address);
    const number = async (message: Parameters<typeof dict>[0]) =>
      (await ask(mux, { MessageType: 'Connect', ...message })).get('Number');
    assert.equal(await number({ DeviceID: 1, PortNumber: 0x00c0 }), 3);
    assert.equal(await number({ DeviceID: 9, PortNumber: 32_498 }), 2);
    assert.equal(await number({ DeviceID: 1 }), 1);
    // 62078 not swapped is another port.
    assert.equal(await number({ DeviceID: 1, PortNumber: 62_078 }), 3);
    assert.equal(await number({ DeviceID: 1, PortNumber: 32_498 }), 0);
  });

  it('keeps pair records, and gives back XML whatever was saved', async () => {
    await using host = await start();
    await using mux = await RawSocket.connect(host.address);
    await using listener = await RawSocket.connect(host.address);
    listener.sendMux(dict({ MessageType: 'Listen' }));
    await listener.receiveMux();
    await listener.receiveMux();
    const number = async (message: Parameters<typeof dict>[0]) => (await ask(mux, message)).get('Number');
    const PairRecordID = small.udid;
    const PairRecordData = encodeBinaryPlist(dict({ HostID: 'X', EscrowBag: Buffer.from([1, 2, 3]) }));
    assert.equal(await number({ MessageType: 'ReadPairRecord', PairRecordID }), 2);
    assert.equal(await number({ MessageType: 'ReadPairRecord' }), 22);
    assert.equal(await number({ MessageType: 'SavePairRecord', PairRecordID }), 22);
    assert.equal(await number({ MessageType: 'SavePairRecord', PairRecordID, PairRecordData: Buffer.from('x') }), 22);
    assert.equal(await number({ MessageType: 'SavePairRecord', PairRecordID, PairRecordData, DeviceID: 1 }), 0);
    assert.equal((await listener.receiveMuxPlist()).get('MessageType'), 'Paired');
    const read = (await ask(mux, { MessageType: 'ReadPairRecord', PairRecordID })).get('PairRecordData') as Uint8Array;
    assert.match(Buffer.from(read).toString(), /^<\?xml[^]*<string>X<\/string>/);
    assert.equal(await number({ MessageType: 'DeletePairRecord', PairRecordID }), 0);
    assert.equal(await number({ MessageType: 'DeletePairRecord', PairRecordID }), 2);
  });

  it('leaves binary property lists and messages without MessageType unanswered, and stays usable', async () => {
    await using host = await start();
    await using mux = await RawSocket.connect(host.address);
    mux.sendMuxBytes(encodeBinaryPlist(dict({ MessageType: 'ReadBUID' })));
    mux.sendMux(dict({ Foo: 1 }));
    mux.sendMuxBytes(Buffer.from('no property list at all'));
    mux.sendMux(dict({ MessageType: 'ReadBUID' }), 9);
    assert.equal((await mux.receiveMux()).tag, 9);
  });

  it('answers a version it does not know with a binary Result 6', async () => {
    await using host = await start();
    await using mux = await RawSocket.connect(host.address);
    mux.sendMuxBytes(Buffer.alloc(0), { version: 7 });
    const { version, message, payload } = await mux.receiveMux();
    assert.deepEqual([version, message, payload.readUInt32LE(0)], [0, 1, 6]);
  });

  for (const length of [70_000, 15, 0]) {
    it(`drops a client that announces ${length} bytes`, async () => {
      await using host = await start();
      await using mux = await RawSocket.connect(host.address);
      mux.sendMuxBytes(Buffer.alloc(0), { length });
      assert.equal((await mux.readToEnd()).length, 0);
    });
  }

  it('listens on TCP too, and gives its address in the form that clients take', async () => {
    await using host = await VirtualDeviceHost.start({ devices: [small], socket: '127.0.0.1:0', control: false });
    assert.match(host.address, /^127\.0\.0\.1:\d+$/);
    await using mux = await RawSocket.connect(host.address);
    assert.equal((await ask(mux, { MessageType: 'ReadBUID' })).get('BUID'), host.mux.buid);
  });
});
