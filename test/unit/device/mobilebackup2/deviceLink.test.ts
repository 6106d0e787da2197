import assert from 'node:assert/strict';
import { isAppError, type ErrorCode } from '../../../../src/base/errors';
import { DeviceLink, EMPTY_PARAMETER } from '../../../../src/device/mobilebackup2/deviceLink';
import { dict, encodeBinaryPlist, parsePlist, type PlistArray, type PlistValue } from '../../../../src/plist';
import { ScriptedPeer } from '../../../support/scriptedPeer';

const has = (code: ErrorCode) => (error: unknown) => isAppError(error, code);

function framed(body: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}

describe('DeviceLink', () => {
  let peer: ScriptedPeer;
  let link: DeviceLink;
  beforeEach(() => {
    peer = new ScriptedPeer();
    link = new DeviceLink(peer.stream);
  });
  afterEach(() => link.close());

  const say = (...message: PlistValue[]) => peer.send(framed(encodeBinaryPlist(message)));
  const hear = async () => parsePlist(await peer.receive((await peer.receive(4)).readUInt32BE(0))) as PlistArray;

  it('opens with the version of devices of today', async () => {
    say('DLMessageVersionExchange', 300, 0);
    say('DLMessageDeviceReady');
    await link.open();
    assert.deepEqual(await hear(), ['DLMessageVersionExchange', 'DLVersionsOk', 400]);
  });

  const openings: readonly [string, PlistValue[][]][] = [
    ['another greeting', [['DLMessageDeviceReady']]],
    ['no version', [['DLMessageVersionExchange', 'new']]],
    ['a newer protocol', [['DLMessageVersionExchange', 401, 0]]],
    ['no readiness', [['DLMessageVersionExchange', 300, 0], ['DLMessageDisconnect']]],
  ];
  for (const [what, messages] of openings) {
    it(`refuses an opening with ${what}`, async () => {
      for (const message of messages) say(...message);
      await assert.rejects(link.open(), has('unexpectedReply'));
    });
  }

  const bodies: readonly [string, Buffer][] = [
    ['of no length', Buffer.alloc(4)],
    ['of 128 MiB and a byte', Buffer.of(8, 0, 0, 1)],
    ['that is no property list', framed(Buffer.from('nonsense'))],
    ['that is no array', framed(encodeBinaryPlist(dict({ a: 1 })))],
    ['without a name', framed(encodeBinaryPlist([]))],
    ['whose name is a number', framed(encodeBinaryPlist([1]))],
  ];
  for (const [what, bytes] of bodies) {
    it(`refuses a message ${what}`, async () => {
      peer.send(bytes);
      await assert.rejects(link.receive(), has('unexpectedReply'));
    });
  }

  it('writes requests and answers as devices expect them', async () => {
    await link.process(dict({ MessageName: 'Hello' }));
    assert.deepEqual(await hear(), ['DLMessageProcessMessage', dict({ MessageName: 'Hello' })]);
    await link.sendStatus(-13, 'Multi status', dict({ a: 1 }));
    assert.deepEqual(await hear(), ['DLMessageStatusResponse', -13, 'Multi status', dict({ a: 1 })]);
    await link.sendStatus(0);
    assert.deepEqual(await hear(), ['DLMessageStatusResponse', 0, EMPTY_PARAMETER, new Map()]);
  });

  it('tells that the device has gone, reading, writing, and between raw bytes', async () => {
    peer.send(Buffer.of(0, 0, 0, 9, 1));
    peer.close();
    await assert.rejects(link.receive(), has('deviceGone'));
    await assert.rejects(link.send(['x']), has('deviceGone'));
    await assert.rejects(
      link.raw(() => link.input.read(1)),
      has('deviceGone'),
    );
  });

  it('gives what a raw part gives', async () => {
    peer.send(Buffer.of(7));
    assert.deepEqual(await link.raw(() => link.input.read(1)), Buffer.of(7));
  });

  it('can be cancelled while the device is silent, and still says goodbye', async () => {
    const abort = new AbortController();
    const receiving = link.receive(abort.signal);
    abort.abort();
    await assert.rejects(receiving, has('cancelled'));
    const goodbye = link.disconnect();
    assert.deepEqual(await hear(), ['DLMessageDisconnect', EMPTY_PARAMETER]);
    // What still comes of a message nobody waits for is thrown away, until the device closes.
    say('DLMessageUploadFiles', 1, 2);
    peer.send(Buffer.alloc(3));
    peer.close();
    await goodbye;
  });

  it('says goodbye once, and nothing on a closed connection', async () => {
    peer.close();
    await link.disconnect();
    await link.disconnect();
    await assert.rejects(link.send(['x']), has('deviceGone'));
  });

  for (const [what, part] of [
    ['a message breaks off', (link: DeviceLink) => link.receive()],
    ['a block breaks off', (link: DeviceLink) => link.raw(() => link.input.read(100))],
  ] as const) {
    it(`does not wait for ever when ${what}`, async () => {
      const impatient = new DeviceLink(peer.stream, 4);
      peer.send(Buffer.of(0, 0, 0, 100, 1));
      await assert.rejects(part(impatient), has('timedOut'));
    });
  }

  it('does not wait for ever for a device that takes nothing', async () => {
    let close = (): void => {};
    const closed = new Promise<void>((resolve) => (close = resolve));
    const stuck = {
      ...peer.stream,
      write: () => closed.then(() => peer.stream.close()).then(() => peer.stream.write(Buffer.of(1))),
      close: async () => close(),
    };
    await assert.rejects(new DeviceLink(stuck, 4).send(['x']), has('timedOut'));
  });

  it('waits as long as it takes between messages', async () => {
    const impatient = new DeviceLink(peer.stream, 4);
    const receiving = impatient.receive();
    await new Promise((resolve) => setTimeout(resolve, 30));
    say('DLMessageDeviceReady');
    assert.equal((await receiving).name, 'DLMessageDeviceReady');
    await impatient.close();
  });

  it('closes although the stream cannot', async () => {
    const broken = { ...peer.stream, close: () => Promise.reject(new Error('EIO')) };
    await new DeviceLink(broken).close();
  });
});
