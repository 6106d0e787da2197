import assert from 'node:assert/strict';
import fs from 'node:fs';
import type net from 'node:net';
import { mock } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAppError, type ErrorCode } from '../../../src/base/errors';
import { silentLog } from '../../../src/base/log';
import { UsbmuxClient } from '../../../src/device/usbmux/usbmuxClient';
import { attached, muxMessage, ScriptedMux, type ScriptedRequest } from './scriptedMux';

const UDID = '00008030-001C2D223A82802E';
const has = (code: ErrorCode) => (error: unknown) => isAppError(error, code);

describe('UsbmuxClient', () => {
  let mux: ScriptedMux;
  let client: UsbmuxClient;

  beforeEach(() => {
    mux = new ScriptedMux();
    client = new UsbmuxClient(mux.address, silentLog);
  });

  afterEach(() => mux.dispose());

  /** Lets a pending connection get as far as it can. */
  const untilConnected = async () => {
    while (mux.connections === 0) await sleep(1);
    await sleep(5);
  };

  it('lists the devices, and leaves out entries that cannot be read', async () => {
    const list = [attached(7, '00008030001C2D223A82802E'), attached(9, UDID, 'Network'), 'odd', new Map()];
    await mux.start((request) => request.reply({ DeviceList: list }));
    const devices = await client.listDevices();
    assert.deepEqual(
      devices.map(({ deviceId, udid, connection }) => [deviceId, udid, connection]),
      [
        [7, UDID, 'usb'],
        [9, UDID, 'network'],
      ],
    );
    assert.equal((await client.findDevice(UDID)).deviceId, 7);
    await assert.rejects(client.findDevice('other'), has('deviceNotFound'));
  });

  it('tells no devices from no such device', async () => {
    await mux.start((request) => request.reply({ DeviceList: [] }));
    assert.deepEqual(await client.listDevices(), []);
    await assert.rejects(client.findDevice(UDID), has('noDevice'));
  });

  it('reads a reply that comes in single bytes', async () => {
    const dribble = async (socket: net.Socket) => {
      for (const byte of muxMessage(1, { BUID: 'B' })) {
        socket.write(Buffer.of(byte));
        await sleep(0);
      }
    };
    await mux.start(({ socket }) => void dribble(socket));
    assert.equal(await client.readBuid(), 'B');
  });

  it('connects with the port swapped, and hands over the stream with what follows the reply', async () => {
    const requests: ScriptedRequest[] = [];
    await mux.start((request) => {
      requests.push(request);
      request.socket.write(Buffer.concat([muxMessage(1, { MessageType: 'Result', Number: 0 }), Buffer.from('hello')]));
      request.socket.once('data', (data) => request.socket.write(data));
    });
    const stream = await client.connect(7, 62078);
    assert.equal(requests[0]?.message.get('DeviceID'), 7);
    assert.equal(requests[0]?.message.get('PortNumber'), 32498);
    assert.equal((await stream.read(5)).toString(), 'hello');
    await stream.write(Buffer.from('echo'));
    assert.equal((await stream.read(4)).toString(), 'echo');
    await stream.close();
  });

  for (const [number, code] of [
    [2, 'deviceGone'],
    [3, 'connectionRefused'],
    [1, 'muxProtocol'],
  ] as const) {
    it(`turns Connect number ${number} into ${code}`, async () => {
      await mux.start((request) => request.reply({ MessageType: 'Result', Number: number }));
      await assert.rejects(client.connect(7, 1), has(code));
      while (mux.connections > 0) await sleep(1);
    });
  }

  it('keeps, reads and deletes pair records', async () => {
    const records = new Map<unknown, unknown>();
    await mux.start(({ type, message, reply }) => {
      const id = message.get('PairRecordID');
      const data = records.get(id);
      if (type === 'SavePairRecord') {
        records.set(id, message.get('PairRecordData'));
        assert.equal(message.get('DeviceID'), 7);
        return reply({ MessageType: 'Result', Number: 0 });
      }
      if (data === undefined) return reply({ MessageType: 'Result', Number: 2 });
      if (type === 'ReadPairRecord') return reply({ PairRecordData: data as Buffer });
      records.delete(id);
      return reply({ MessageType: 'Result', Number: 0 });
    });
    assert.equal(await client.readPairRecord(UDID), undefined);
    await client.savePairRecord(UDID, Buffer.from('record'), 7);
    assert.equal((await client.readPairRecord(UDID))?.toString(), 'record');
    assert.equal(await client.deletePairRecord(UDID), true);
    assert.equal(await client.deletePairRecord(UDID), false);
  });

  it('says when a pair record could not be kept', async () => {
    await mux.start((request) => request.reply({ MessageType: 'Result', Number: 13 }));
    await assert.rejects(client.savePairRecord(UDID, Buffer.from('x')), (error) => {
      return isAppError(error, 'muxProtocol') && error.details['number'] === 13;
    });
  });

  describe('tells apart', () => {
    it('a daemon that is absent: no socket', async () => {
      await assert.rejects(client.listDevices(), has('muxAbsent'));
    });

    it('a daemon that is absent: a socket that nobody serves', async () => {
      await mux.start();
      fs.renameSync(mux.path, `${mux.path}.kept`);
      await mux.stop();
      fs.renameSync(`${mux.path}.kept`, mux.path);
      await assert.rejects(client.listDevices(), has('muxAbsent'));
    });

    it('a daemon that is absent: a port where nobody listens', async () => {
      const tcp = new UsbmuxClient({ kind: 'tcp', host: '127.0.0.1', port: 1 }, silentLog);
      await assert.rejects(tcp.listDevices(), has('muxAbsent'));
    });

    it('a daemon that refuses us', async function () {
      if (process.platform === 'win32') return this.skip(); // No permissions on TCP.
      await mux.start();
      fs.chmodSync(mux.path, 0o600);
      fs.chmodSync(mux.folder, 0o711);
      await asOrdinaryUser(mux.path, () => assert.rejects(client.listDevices(), has('muxRefused')));
    });

    it('a daemon that takes connections and says nothing', async () => {
      await mux.start();
      mock.timers.enable({ apis: ['setTimeout'] });
      try {
        const listed = assert.rejects(client.listDevices(), has('muxSilent'));
        while (mux.connections === 0) await new Promise(setImmediate);
        for (let i = 0; i < 20; i++) await new Promise(setImmediate);
        mock.timers.tick(5_000);
        await listed;
      } finally {
        mock.timers.reset();
      }
    });

    it('a daemon that hangs up', async () => {
      await mux.start((request) => request.socket.end());
      await assert.rejects(client.listDevices(), has('muxProtocol'));
    });

    it('something that is no usbmux', async () => {
      await mux.start(({ socket }) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
      await assert.rejects(client.listDevices(), has('muxProtocol'));
    });

    it('a reply of another shape', async () => {
      for (const fields of [{}, { DeviceList: 'none' }, { MessageType: 'Result', Number: 1 }]) {
        await mux.start((request) => request.reply(fields));
        await assert.rejects(client.listDevices(), has('muxProtocol'));
        await mux.stop();
      }
    });
  });

  it('stops waiting as soon as it is cancelled, and leaves no connection', async () => {
    await mux.start();
    const abort = new AbortController();
    const listed = assert.rejects(client.listDevices(abort.signal), has('cancelled'));
    await untilConnected();
    abort.abort();
    await listed;
    while (mux.connections > 0) await sleep(1);
    await assert.rejects(client.listDevices(abort.signal), has('cancelled'));
  });
});

/** root is refused nothing: for the time of the work, be somebody else. */
async function asOrdinaryUser(socketPath: string, work: () => Promise<void>): Promise<void> {
  const isRoot = process.geteuid?.() === 0;
  if (!isRoot) fs.chmodSync(socketPath, 0);
  else process.seteuid?.(65534);
  try {
    await work();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}
