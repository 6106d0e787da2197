import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { dict, type PlistDict } from '../../../src/plist';
import { RawHost, RawSocket } from '../../support/rawHost';
import { presetNamed, VirtualDeviceHost, type Fault } from '../../virtualDevice';

const RELAY = 'com.apple.mobile.diagnostics_relay';
const ASK = { Request: 'MobileGestalt', MobileGestaltKeys: ['PasswordConfigured'] };

interface Here extends AsyncDisposable {
  readonly host: VirtualDeviceHost;
  readonly raw: RawHost;
  readonly relay: RawSocket;
  readonly listener: RawSocket;
}

/** A paired device with a connection to a service, and a client that listens. */
async function start(changes: Parameters<typeof presetNamed>[1] = {}): Promise<Here> {
  const host = await VirtualDeviceHost.start({ devices: [presetNamed('small', changes)], control: false });
  const raw = new RawHost(host.address, 1);
  await raw.pair();
  const relay = await raw.service(RELAY);
  const listener = await RawSocket.connect(host.address);
  listener.sendMux(dict({ MessageType: 'Listen' }));
  await listener.receiveMux();
  await listener.receiveMux();
  return { host, raw, relay, listener, [Symbol.asyncDispose]: () => host.stop() };
}

/** The length of one reply of the relay, prefix included. */
async function replyLength(relay: RawSocket): Promise<number> {
  relay.sendPlist(ASK);
  const length = (await relay.read(4)).readUInt32BE(0);
  await relay.read(length);
  return length + 4;
}

/** Arms the fault, asks three times and returns what comes before the end. */
async function breakWith({ host, relay }: Here, fault: Fault): Promise<Buffer> {
  await host.device.armFault(fault);
  for (let count = 0; count < 3; count++) relay.sendPlist(ASK);
  return relay.readToEnd();
}

describe('faults of the virtual device', () => {
  for (const way of ['close', 'reset'] as const) {
    it(`unplugs at a byte (${way})`, async () => {
      await using here = await start();
      const length = await replyLength(here.relay);
      const got = await breakWith(here, { at: { byte: length + 7 }, way });
      // A reset may overtake what was sent before it.
      if (way === 'close') assert.equal(got.length, length + 7);
      else assert.ok(got.length <= length + 7);
      const event = await here.listener.receiveMuxPlist();
      assert.deepEqual([event.get('MessageType'), event.get('DeviceID')], ['Detached', 1]);
      await assert.rejects(here.raw.lockdown(), /Result 2/);
    });
  }

  it('unplugs at a message', async () => {
    await using here = await start();
    const length = await replyLength(here.relay);
    assert.equal((await breakWith(here, { at: { message: 2 }, way: 'close' })).length, 2 * length);
  });

  it('sends half a length', async () => {
    await using here = await start();
    const length = await replyLength(here.relay);
    assert.equal((await breakWith(here, { at: { message: 1 }, way: 'halfLength' })).length, length + 2);
  });

  it('sends half a body', async () => {
    await using here = await start();
    const length = await replyLength(here.relay);
    const got = await breakWith(here, { at: { byte: 1 }, way: 'halfBody' });
    assert.equal(got.length, length + 4 + ((length - 4) >> 1));
  });

  it('falls silent without a word, until it is plugged in again', async () => {
    await using here = await start();
    const length = await replyLength(here.relay);
    await here.host.device.armFault({ at: { message: 1 }, way: 'silence' });
    for (let count = 0; count < 3; count++) here.relay.sendPlist(ASK);
    assert.equal((await here.relay.readAfter(100)).length, length);
    assert.equal(here.relay.ended, false);
    await here.host.device.replug();
    await here.relay.readToEnd();
    assert.equal((await here.listener.receiveMuxPlist()).get('MessageType'), 'Detached');
  });

  it('comes back by itself with a new DeviceID', async () => {
    await using here = await start();
    await breakWith(here, { at: { message: 0 }, way: 'close', replugAfterMs: 10 });
    assert.equal((await here.listener.receiveMuxPlist()).get('MessageType'), 'Detached');
    const attached: PlistDict = await here.listener.receiveMuxPlist();
    assert.deepEqual([attached.get('MessageType'), attached.get('DeviceID')], ['Attached', 2]);
  });

  it('counts one service only if it is told so, and leaves others alone', async () => {
    await using here = await start();
    await here.host.device.armFault({ at: { message: 0 }, way: 'close', service: 'com.apple.mobilebackup2' });
    assert.ok((await replyLength(here.relay)) > 0);
    await here.host.device.disarmFault();
    assert.equal((await here.host.device.summary()).fault, undefined);
  });

  it('is as slow as it is told', async () => {
    await using here = await start();
    const length = await replyLength(here.relay);
    await here.host.device.set({ rate: length * 10 });
    const before = performance.now();
    for (let count = 0; count < 3; count++) await replyLength(here.relay);
    const took = performance.now() - before;
    assert.ok(took > 150 && took < 3_000, `${took} ms`);
  });

  it('resets connections on TCP, encrypted ones too', async () => {
    const devices = [presetNamed('small')];
    await using host = await VirtualDeviceHost.start({ devices, socket: '127.0.0.1:0', control: false });
    const raw = new RawHost(host.address, 1);
    await raw.pair();
    await using plain = await raw.lockdown();
    await using session = await raw.session();
    await session.ask({ Request: 'QueryType' });
    const codes = [plain, session].map(
      ({ socket }) =>
        new Promise((resolve) => {
          socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
          socket.once('close', () => resolve('closed in good order'));
        }),
    );
    await host.device.unplug('reset');
    assert.deepEqual(await Promise.all(codes), ['ECONNRESET', 'ECONNRESET']);
  });

  it('loses the cable and stays on the network', async () => {
    const devices = [presetNamed('small', { connections: ['usb', 'network'] })];
    await using host = await VirtualDeviceHost.start({ devices, control: false });
    const [cable, network] = [new RawHost(host.address, 1), new RawHost(host.address, 2)];
    await using byCable = await cable.lockdown();
    await using byNetwork = await network.lockdown();
    await host.device.unplug('close', 'usb');
    await byCable.readToEnd();
    const type = (await byNetwork.ask({ Request: 'QueryType' })).get('Type');
    assert.equal(type, 'com.apple.mobile.lockdown');
    await assert.rejects(cable.lockdown(), /Result 2/);
    const { attachments } = await host.device.plug('usb');
    assert.deepEqual(
      attachments.map(({ deviceId, connection }) => [deviceId, connection]),
      [
        [2, 'network'],
        [3, 'usb'],
      ],
    );
  });
});
