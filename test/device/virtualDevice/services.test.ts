import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { dict, type PlistDict, type PlistValue } from '../../../src/plist';
import { RawAfc } from '../../support/rawAfc';
import { RawHost } from '../../support/rawHost';
import { presetNamed, VirtualDeviceHost } from '../../virtualDevice';

type Changes = Parameters<typeof presetNamed>[1];

async function paired(changes: Changes = {}): Promise<AsyncDisposable & { host: VirtualDeviceHost; raw: RawHost }> {
  const host = await VirtualDeviceHost.start({ devices: [presetNamed('small', changes)], control: false });
  const raw = new RawHost(host.address, host.device.state.attachments[0]?.deviceId ?? 0);
  assert.equal((await raw.pair()).get('Error'), undefined);
  return { host, raw, [Symbol.asyncDispose]: () => host.stop() };
}

const PROXY = 'com.apple.mobile.notification_proxy';
const LOCK = '/com.apple.itunes.lock_sync';

describe('virtual notification_proxy', () => {
  it('relays what is observed and nothing else, and keeps what hosts post', async () => {
    await using here = await paired();
    const device = here.host.device.state;
    await using proxy = await here.raw.service(PROXY);
    proxy.sendPlist({ Command: 'ObserveNotification', Name: 'wanted' });
    proxy.sendPlist({ Command: 'PostNotification', Name: 'com.apple.itunes-mobdev.syncWillStart' });
    while (device.postedByHosts.length === 0) await new Promise(setImmediate);
    assert.deepEqual(device.postedByHosts, ['com.apple.itunes-mobdev.syncWillStart']);
    device.postNotification('unwanted');
    device.postNotification('wanted');
    const relayed = await proxy.receivePlist();
    assert.deepEqual([relayed.get('Command'), relayed.get('Name')], ['RelayNotification', 'wanted']);
    assert.equal((await proxy.ask({ Command: 'Shutdown' })).get('Command'), 'ProxyDeath');
    assert.equal((await proxy.readToEnd()).length, 0);
  });

  it('without a session only names about pairing are relayed', async () => {
    await using here = await paired();
    await using lockdown = await here.raw.lockdown();
    const Service = 'com.apple.mobile.insecure_notification_proxy';
    const port = (await lockdown.ask({ Request: 'StartService', Service })).get('Port') as number;
    await using proxy = await here.raw.connect(port);
    const device = here.host.device.state;
    const request = 'com.apple.mobile.lockdown.request_pair';
    proxy.sendPlist({ Command: 'ObserveNotification', Name: 'com.apple.itunes-client.syncCancelRequest' });
    proxy.sendPlist({ Command: 'ObserveNotification', Name: request });
    while (!device.logEntries.some(({ text }) => text.includes('refused without a session')))
      await new Promise(setImmediate);
    await new Promise(setImmediate);
    await here.host.device.cancelSync();
    device.postNotification(request);
    assert.equal((await proxy.receivePlist()).get('Name'), request);
  });
});

describe('virtual passcode sheet', () => {
  const signal = () => new AbortController().signal;
  const names = ['com.apple.LocalAuthentication.ui.presented', 'com.apple.LocalAuthentication.ui.dismissed'];

  for (const [passcodePrompt, answer] of [
    ['enter', 'entered'],
    ['refuse', 'refused'],
  ] as const) {
    it(`comes and goes: ${answer}`, async () => {
      await using here = await paired({ passcode: '1', state: { passcodePrompt } });
      const { state } = here.host.device;
      assert.equal(await state.askPasscode(signal()), answer);
      assert.deepEqual(state.postedByDevice, names);
    });
  }

  it('waits for a person, and ends by itself', async () => {
    await using here = await paired({ passcode: '1', state: { passcodePrompt: 'wait', passcodeTimeoutMs: 60 } });
    const { device } = here.host;
    await device.lock();
    const asked = device.state.askPasscode(signal());
    assert.equal((await device.summary()).passcodeAsked, true);
    await device.enterPasscode();
    assert.equal(await asked, 'entered');
    assert.equal(device.state.locked, false);
    assert.equal(await device.state.askPasscode(signal()), 'timeout');
    await assert.rejects(device.enterPasscode(), /does not ask/);
  });

  it('goes away when whoever asked is gone', async () => {
    await using here = await paired({ passcode: '1', state: { passcodePrompt: 'ignore' } });
    const { state } = here.host.device;
    const gone = new AbortController();
    const asked = state.askPasscode(gone.signal);
    gone.abort();
    await assert.rejects(asked, { code: 'cancelled' });
    assert.equal(state.passcodeAsked, false);
    assert.deepEqual(state.postedByDevice, names);
  });

  it('is not shown by a device without passcode', async () => {
    await using here = await paired();
    assert.equal(await here.host.device.state.askPasscode(signal()), 'entered');
    assert.deepEqual(here.host.device.state.postedByDevice, []);
  });
});

describe('virtual AFC', () => {
  it('makes, writes, reads, renames and removes', async () => {
    await using here = await paired();
    await using afc = new RawAfc(await here.raw.service('com.apple.afc'));
    assert.equal(await afc.status(0x09, afc.path('/a/b/c')), 0);
    const handle = await afc.open('/a/b/file', 4);
    assert.equal(await afc.status(0x10, afc.u64(handle), Buffer.from('hello world')), 0);
    assert.equal(await afc.status(0x11, afc.u64(handle, 0, 6)), 0);
    assert.equal((await afc.data(0x0f, afc.u64(handle, 100))).toString(), 'world');
    assert.equal((await afc.data(0x0f, afc.u64(handle, 100))).length, 0);
    assert.equal(await afc.status(0x15, afc.u64(handle, 5)), 0);
    assert.equal(await afc.status(0x14, afc.u64(handle)), 0);
    assert.equal(await afc.status(0x14, afc.u64(handle)), 7);
    const info = await afc.strings(0x0a, afc.path('/a/b/file'));
    assert.equal(info[info.indexOf('st_size') + 1], '5');
    assert.equal(info[info.indexOf('st_ifmt') + 1], 'S_IFREG');
    assert.equal(await afc.status(0x18, Buffer.concat([afc.path('/a/b/file'), afc.path('/a/moved')])), 0);
    assert.deepEqual(await afc.strings(0x03, afc.path('/a')), ['.', '..', 'b', 'moved']);
    assert.equal(await afc.status(0x08, afc.path('/a')), 1);
    assert.equal(await afc.status(0x22, afc.path('/a')), 0);
    assert.equal(await afc.status(0x0a, afc.path('/a')), 8);
    assert.equal(await afc.status(0x7f, afc.path('/a')), 6);
    assert.ok((await afc.strings(0x0b, Buffer.alloc(0))).includes('FSFreeBytes'));
  });

  it('keeps inside the media folder', async () => {
    await using here = await paired();
    await using afc = new RawAfc(await here.raw.service('com.apple.afc'));
    assert.equal(await afc.status(0x0a, afc.path('/../../etc/passwd')), 8);
    assert.equal(await afc.status(0x1c, Buffer.concat([afc.u64(2), afc.path('/DCIM/../link'), afc.path('/link')])), 0);
    assert.equal(await afc.status(0x0d, Buffer.concat([afc.u64(1), afc.path('/link')])), 8);
  });

  it('has what hosts look for', async () => {
    await using here = await paired();
    await using afc = new RawAfc(await here.raw.service('com.apple.afc'));
    assert.ok((await afc.strings(0x03, afc.path('/iTunes_Control/iTunes'))).includes('iTunesPrefs'));
    assert.ok((await afc.strings(0x03, afc.path('/Books'))).includes('iBooksData2.plist'));
  });

  it('gives the sync lock to one connection at a time, and takes it back when that one is gone', async () => {
    await using here = await paired();
    await using first = new RawAfc(await here.raw.service('com.apple.afc'));
    await using second = new RawAfc(await here.raw.service('com.apple.afc'));
    const [one, two] = [await first.open(LOCK, 2), await second.open(LOCK, 2)];
    const lock = (afc: RawAfc, handle: number, operation: number) => afc.status(0x1b, afc.u64(handle, operation));
    assert.equal(await lock(first, one, 6), 0);
    assert.equal(await lock(first, one, 6), 0);
    assert.equal(await lock(second, two, 6), 19);
    assert.equal((await here.host.device.summary()).syncLocked, true);
    assert.equal(await lock(first, one, 12), 0);
    assert.equal(await lock(second, two, 6), 0);
    assert.equal(await lock(first, one, 6), 19);
    await second[Symbol.asyncDispose]();
    let status = 19;
    while (status === 19) status = await lock(first, one, 6);
    assert.equal(status, 0);
  });

  it('another program can hold the sync lock', async () => {
    await using here = await paired({ state: { syncLockHeld: true } });
    await using afc = new RawAfc(await here.raw.service('com.apple.afc'));
    const handle = await afc.open(LOCK, 2);
    assert.equal(await afc.status(0x1b, afc.u64(handle, 6)), 19);
    await here.host.device.set({ syncLockHeld: false });
    assert.equal(await afc.status(0x1b, afc.u64(handle, 6)), 0);
  });

  it('closes when a packet makes no sense', async () => {
    await using here = await paired();
    await using socket = await here.raw.service('com.apple.afc');
    socket.write(Buffer.alloc(40, 'x'));
    assert.equal((await socket.readToEnd()).length, 0);
  });
});

describe('virtual installation_proxy and springboardservices', () => {
  it('lists apps in batches, with large attributes only when they are asked for', async () => {
    const apps = Array.from({ length: 45 }, (_, index) => ({
      bundleId: `org.example.app${index}`,
      name: `App ${index}`,
      version: '1',
      store: index !== 7,
    }));
    await using here = await paired({ apps });
    await using proxy = await here.raw.service('com.apple.mobile.installation_proxy');
    const ReturnAttributes = ['CFBundleIdentifier', 'ApplicationSINF', 'iTunesMetadata'];
    proxy.sendPlist({ Command: 'Browse', ClientOptions: dict({ ApplicationType: 'User', ReturnAttributes }) });
    const found: PlistDict[] = [];
    const amounts: PlistValue[] = [];
    for (;;) {
      const message = await proxy.receivePlist();
      if (message.get('Status') === 'Complete') break;
      assert.equal(message.get('CurrentIndex'), found.length);
      amounts.push(message.get('CurrentAmount') ?? 0);
      found.push(...(message.get('CurrentList') as PlistDict[]));
    }
    assert.deepEqual(amounts, [20, 20, 5]);
    assert.deepEqual([...(found[0]?.keys() ?? [])].sort(), [...ReturnAttributes].sort());
    assert.deepEqual([...(found[7]?.keys() ?? [])], ['CFBundleIdentifier']);

    const lookup = await proxy.ask({
      Command: 'Lookup',
      ClientOptions: dict({ BundleIDs: ['org.example.app3', 'none'] }),
    });
    const result = lookup.get('LookupResult') as PlistDict;
    assert.deepEqual([...result.keys()], ['org.example.app3']);
    assert.equal((result.get('org.example.app3') as PlistDict).has('iTunesMetadata'), false);
    assert.equal((await proxy.ask({ Command: 'Fly' })).get('Error'), 'UnknownCommand');
  });

  it('draws an icon that is a PNG, a different one for each app', async () => {
    await using here = await paired();
    await using board = await here.raw.service('com.apple.springboardservices');
    const icon = async (bundleId: string) =>
      (await board.ask({ command: 'getIconPNGData', bundleId })).get('pngData') as Uint8Array;
    const [one, two] = [await icon('org.example.notes'), await icon('org.example.weather')];
    assert.equal(Buffer.from(one).subarray(1, 4).toString(), 'PNG');
    assert.equal(Buffer.from(one).readUInt32BE(16), 120);
    assert.notDeepEqual(one, two);
  });
});

describe('virtual diagnostics_relay', () => {
  const RELAY = 'com.apple.mobile.diagnostics_relay';
  const ask = { Request: 'MobileGestalt', MobileGestaltKeys: ['PasswordConfigured', 'NoSuchKey'] };

  it('tells whether a passcode is set, until iOS 17.4 stops answering', async () => {
    await using here = await paired({ passcode: '1' });
    await using relay = await here.raw.service(RELAY);
    const gestalt = ((await relay.ask(ask)).get('Diagnostics') as PlistDict).get('MobileGestalt') as PlistDict;
    assert.deepEqual(Object.fromEntries(gestalt), { Status: 'Success', PasswordConfigured: true });
    assert.equal((await relay.ask({ Request: 'Sing' })).get('Status'), 'UnknownRequest');
    assert.equal((await relay.ask({ Request: 'Goodbye' })).get('Status'), 'Success');
    assert.equal((await relay.readToEnd()).length, 0);

    await using later = await paired({ productVersion: '17.4' });
    await using silent = await later.raw.service(RELAY);
    const deprecated = ((await silent.ask(ask)).get('Diagnostics') as PlistDict).get('MobileGestalt') as PlistDict;
    assert.deepEqual(Object.fromEntries(deprecated), { Status: 'MobileGestaltDeprecated' });
  });

  it('restarts the device: away, and back with a new DeviceID and locked', async () => {
    await using here = await paired({ passcode: '1' });
    const { device } = here.host;
    await using relay = await here.raw.service(RELAY);
    const back = new Promise<number>((resolve) =>
      device.state.onAttachment.on(({ kind, attachment }) => kind === 'attached' && resolve(attachment.deviceId)),
    );
    assert.equal((await relay.ask({ Request: 'Restart' })).get('Status'), 'Success');
    assert.equal(await back, 2);
    assert.equal(relay.ended, true);
    assert.equal(device.state.locked, true);
  });
});

describe('virtual heartbeat and assertion_agent', () => {
  it('Marco comes first, and again after Polo only', async () => {
    await using here = await paired();
    await using heartbeat = await here.raw.service('com.apple.mobile.heartbeat');
    const marco = await heartbeat.receivePlist();
    assert.deepEqual([marco.get('Command'), marco.get('Interval')], ['Marco', 10]);
    heartbeat.sendPlist({ Command: 'Polo' });
    assert.equal((await heartbeat.readAfter(30)).length, 0);
  });

  it('an assertion is answered', async () => {
    await using here = await paired();
    await using agent = await here.raw.service('com.apple.mobile.assertion_agent');
    const assertion = {
      AssertionTypeKey: 'AMDPowerAssertionTypeWirelessSync',
      AssertionNameKey: 'test',
      AssertionTimeoutKey: 60,
    };
    assert.equal((await agent.ask({ CommandKey: 'CommandCreateAssertion', ...assertion })).get('Status'), 'Success');
  });
});
