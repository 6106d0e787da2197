import assert from 'node:assert/strict';
import type net from 'node:net';
import { mock } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAppError, type ErrorCode } from '../../../src/base/errors';
import { silentLog } from '../../../src/base/log';
import {
  AfcClient,
  browseUserApps,
  Heartbeat,
  keepAwake,
  NotificationProxy,
  readPasscodeSet,
  restartDevice,
  SpringBoardClient,
} from '../../../src/device';
import { dict, encodeXmlPlist, type PlistValue } from '../../../src/plist';
import { framed, xmlMessage } from '../lockdown/scriptedLockdown';
import { ScriptedService } from './scriptedService';

const log = silentLog;
const has = (code: ErrorCode) => (error: unknown) => isAppError(error, code);

describe('services of a device that misbehaves', () => {
  let scripted: ScriptedService | undefined;

  const start = (serve: (socket: net.Socket) => void) => (scripted = new ScriptedService(serve)).device();
  /** Answers whatever comes with the same bytes. */
  const always = (bytes: Buffer) => start((socket) => socket.on('data', () => socket.write(bytes)));

  afterEach(() => scripted?.dispose());

  const afcReply = (
    fields: { magic?: string; whole?: number; part?: number; packet?: number; operation?: number },
    body = Buffer.alloc(0),
  ) => {
    const header = Buffer.alloc(40);
    header.write(fields.magic ?? 'CFA6LPAA', 'latin1');
    header.writeBigUInt64LE(BigInt(fields.whole ?? 40 + body.length), 8);
    header.writeBigUInt64LE(BigInt(fields.part ?? 40 + body.length), 16);
    header.writeBigUInt64LE(BigInt(fields.packet ?? 1), 24);
    header.writeBigUInt64LE(BigInt(fields.operation ?? 2), 32);
    return Buffer.concat([header, body]);
  };
  const afc = async (reply: Buffer) => AfcClient.open(await always(reply));

  const broken: readonly [string, Buffer][] = [
    ['another magic', afcReply({ magic: 'CFA6LPAB' })],
    ['a length below the header', afcReply({ whole: 39, part: 39 })],
    ['more without payload than in all', afcReply({ whole: 40, part: 41 })],
    ['a huge length', afcReply({ whole: 2 ** 52, part: 40 })],
    ['the number of another request', afcReply({ packet: 2 })],
  ];
  for (const [what, reply] of broken) {
    it(`AFC: refuses a reply with ${what}`, async () => {
      await using client = await afc(reply);
      await assert.rejects(client.readDirectory('/'), has('unexpectedReply'));
    });
  }

  it('AFC: takes a reply however it is divided', async () => {
    await using one = await afc(afcReply({ part: 40 }, Buffer.from('.\0..\0a\0b\0')));
    assert.deepEqual(await one.readDirectory('/'), ['a', 'b']);
    await using two = await afc(afcReply({}, Buffer.from('a\0b')));
    assert.deepEqual(await two.readDirectory('/'), ['a', 'b']);
    await using none = await afc(afcReply({}));
    assert.deepEqual(await none.readDirectory('/'), []);
  });

  it('AFC: passes on numbers that it does not know', async () => {
    const status = Buffer.alloc(8);
    status.writeBigUInt64LE(20n);
    await using client = await afc(afcReply({ operation: 1 }, status));
    await assert.rejects(client.remove('/x'), (error) => {
      return isAppError(error, 'deviceReportedError') && error.details['afcStatus'] === 20;
    });
  });

  it('AFC: refuses an opened file without handle, and a status without number', async () => {
    await using client = await afc(afcReply({ operation: 0x0e }, Buffer.alloc(4)));
    await assert.rejects(client.openFile('/x', 'read'), has('unexpectedReply'));
    await using other = await afc(afcReply({ operation: 1 }, Buffer.alloc(4)));
    await assert.rejects(other.remove('/x'), has('deviceReportedError'));
  });

  it('AFC: does not wait for ever', async () => {
    await using client = await AfcClient.open(await start(() => {}));
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const listed = assert.rejects(client.readDirectory('/'), has('timedOut'));
      await new Promise(setImmediate);
      mock.timers.tick(30_000);
      await listed;
    } finally {
      mock.timers.reset();
    }
  });

  it('installation_proxy: joins batches, also empty ones', async () => {
    const app = (id: string) => dict({ CFBundleIdentifier: id });
    const device = await always(
      Buffer.concat([
        xmlMessage({ Status: 'BrowsingApplications', CurrentList: [app('a'), app('b'), 'odd'] }),
        xmlMessage({ Status: 'BrowsingApplications', CurrentAmount: 0 }),
        xmlMessage({ Status: 'Complete', CurrentList: [app('c')] }),
      ]),
    );
    const apps = await browseUserApps(device, ['CFBundleIdentifier']);
    assert.deepEqual(
      apps.map((entry) => entry.get('CFBundleIdentifier')),
      ['a', 'b', 'c'],
    );
  });

  it('installation_proxy: passes on a refusal, and refuses nonsense', async () => {
    await assert.rejects(
      browseUserApps(await always(xmlMessage({ Error: 'APIInternalError' })), []),
      (error) => isAppError(error, 'deviceReportedError') && error.details['reason'] === 'APIInternalError',
    );
    scripted?.dispose();
    await assert.rejects(browseUserApps(await always(xmlMessage({ Status: 'Other' })), []), has('unexpectedReply'));
    scripted?.dispose();
    const text: PlistValue = 'text';
    const noDict = framed(Buffer.from(encodeXmlPlist(text)));
    await assert.rejects(browseUserApps(await always(noDict), []), has('unexpectedReply'));
  });

  it('installation_proxy: can be cancelled between batches', async () => {
    const abort = new AbortController();
    const device = await start((socket) => {
      socket.on('data', () => {
        socket.write(xmlMessage({ Status: 'BrowsingApplications' }));
        setTimeout(() => abort.abort(), 5);
      });
    });
    await assert.rejects(browseUserApps(device, [], abort.signal), has('cancelled'));
    while (scripted && scripted.connections > 0) await sleep(1);
  });

  it('springboardservices: takes odd answers for no icon', async () => {
    for (const fields of [{}, { pngData: 'text' }, { pngData: Buffer.alloc(0) }, { Error: 'x' }]) {
      await using springBoard = await SpringBoardClient.open(await always(xmlMessage(fields)));
      assert.equal(await springBoard.icon('a'), undefined);
      scripted?.dispose();
    }
  });

  it('diagnostics_relay: does not take silence about a passcode for none', async () => {
    const odd = [
      { Status: 'UnknownRequest' },
      { Status: 'Success' },
      { Diagnostics: dict({ MobileGestalt: dict({ Status: 'MobileGestaltDeprecated' }) }) },
      { Diagnostics: dict({ MobileGestalt: dict({ PasswordConfigured: 1 }) }) },
    ];
    for (const fields of odd) {
      assert.equal(await readPasscodeSet(await always(xmlMessage(fields))), undefined);
      scripted?.dispose();
    }
    await assert.rejects(restartDevice(await always(xmlMessage({ Status: 'Failure' }))), has('deviceReportedError'));
  });

  it('notification_proxy: survives messages that it does not know', async () => {
    const heard: string[] = [];
    let closed = 0;
    const device = await start((socket) => {
      socket.write(xmlMessage({ Command: 'New' }));
      socket.write(framed(Buffer.from('<plist><array/></plist>')));
      socket.write(xmlMessage({ Command: 'RelayNotification' }));
      socket.write(xmlMessage({ Command: 'RelayNotification', Name: 'a.b' }));
      socket.write(xmlMessage({ Command: 'ProxyDeath' }));
    });
    const events = { onNotification: (name: string) => void heard.push(name), onClosed: () => void closed++ };
    await using proxy = await NotificationProxy.open(device, { log, ...events });
    while (closed === 0) await sleep(1);
    assert.deepEqual(heard, ['a.b']);
    await proxy.close();
    assert.equal(closed, 1);
  });

  it('notification_proxy: closes although the device does not confirm', async () => {
    const device = await start((socket) => socket.resume());
    const proxy = await NotificationProxy.open(device, { log });
    const began = Date.now();
    await proxy.close();
    assert.ok(Date.now() - began < 5_000);
  });

  it('heartbeat: tells when the device falls silent', async () => {
    const polos: string[] = [];
    const device = await start((socket) => {
      socket.on('data', (data) => polos.push(data.toString()));
      socket.write(xmlMessage({ Command: 'Marco', Interval: 7 }));
      socket.write(xmlMessage({ Command: 'SleepyTime' }));
    });
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      let lost: unknown;
      await using heartbeat = await Heartbeat.start(device, { log, onLost: (error) => (lost = error) });
      while (polos.length === 0) await new Promise(setImmediate);
      for (let i = 0; i < 10; i++) await new Promise(setImmediate);
      mock.timers.tick(11_900);
      await new Promise(setImmediate);
      assert.equal(lost, undefined);
      mock.timers.tick(200);
      while (!lost) await new Promise(setImmediate);
      assert.ok(isAppError(lost, 'timedOut'));
      assert.match(polos.join(''), /Polo/);
      mock.timers.reset();
      await heartbeat.close();
    } finally {
      mock.timers.reset();
    }
  });

  it('keepAwake: does without it', async () => {
    const device = await start((socket) => socket.end());
    const warnings: string[] = [];
    const held = await keepAwake(device, 'x', { log: { ...log, warn: (text) => warnings.push(text) } });
    await held[Symbol.asyncDispose]();
    assert.equal(warnings.length, 1);
  });
});
