import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { describe, it } from 'mocha';
import { RawHost } from '../../support/rawHost';
import { startVirtualDevice } from '../../support/virtualDeviceProcess';
import { ControlClient, presetNamed, VirtualDeviceHost, type ControlEvent } from '../../virtualDevice';
import { checkDescription } from '../../virtualDevice/checkDescription';

describe('control connection of the virtual device', () => {
  it('sets switches, shows the state and tells what happens', async () => {
    await using host = await VirtualDeviceHost.start({ devices: [presetNamed('small', { passcode: '1' })] });
    await using client = await ControlClient.connect(host.control ?? '');
    const events: ControlEvent[] = [];
    client.onEvent.on((event) => events.push(event));
    await client.watch();
    const device = client.device(host.device.udid);
    const summary = await device.set({ locked: true, rate: 5, failWith: 38 });
    assert.deepEqual([summary.switches.locked, summary.switches.rate, summary.switches.failWith], [true, 5, 38]);
    assert.equal((await device.set({ failWith: null })).switches.failWith, undefined);
    await device.cancelSync();
    await device.replug();
    assert.deepEqual((await device.notifications()).byDevice, ['com.apple.itunes-client.syncCancelRequest']);
    assert.ok((await device.log()).some(({ text }) => text === 'switch locked: true'));
    const kinds = new Set(events.map(({ event }) => event));
    assert.deepEqual([...kinds].sort(), ['attached', 'detached', 'log', 'notification', 'switches']);
  });

  it('says what is wrong with a request', async () => {
    await using host = await VirtualDeviceHost.start({ devices: [presetNamed('small'), presetNamed('ipod')] });
    await using client = await ControlClient.connect(host.control ?? '');
    const { udid } = host.device;
    const refused: readonly (readonly [string, object, RegExp])[] = [
      ['fly', {}, /there is no method fly/],
      ['device', {}, /there is no device undefined/],
      ['device', { udid: 'x' }, /there is no device x/],
      ['set', { udid, switches: { gravity: 1 } }, /there is no switch gravity/],
      ['set', { udid, switches: { locked: 'yes' } }, /switch locked takes a boolean/],
      ['set', { udid, switches: { trust: 'maybe' } }, /switch trust takes ask, grant, deny, forbidden/],
      ['set', { udid, switches: { locked: null } }, /switch locked needs a value/],
      ['tapTrust', { udid, button: 'trust' }, /the Trust dialog is not on the screen/],
      ['tapTrust', { udid, button: 'both' }, /button must be one of trust, deny/],
      ['answerPasscode', { udid, answer: 'entered' }, /does not ask for its passcode/],
      ['armFault', { udid, fault: { at: {}, way: 'close' } }, /needs at.byte or at.message/],
    ];
    for (const [method, params, reason] of refused) await assert.rejects(client.call(method, params), reason);
  });

  it('answers a line that is no JSON, and goes on', async () => {
    await using host = await VirtualDeviceHost.start({ devices: [presetNamed('small')] });
    const socket = connect(host.control ?? '');
    const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
    const next = async () =>
      JSON.parse(String((await lines.next()).value)) as { id: unknown; error?: string; result?: unknown };
    socket.write('hello\n{"id":4,"method":"device"}\n');
    assert.equal((await next()).id, null);
    assert.equal((await next()).id, 4);
    socket.destroy();
  });

  it('the same device runs as a program of its own, and ends with its parent', async () => {
    let pid = 0;
    {
      await using program = await startVirtualDevice([
        presetNamed('small', { state: { trust: 'ask' } }),
        presetNamed('ipod'),
      ]);
      pid = program.pid;
      assert.equal(program.devices.length, 2);
      const raw = new RawHost(program.address, 1);
      const pending = await raw.pair();
      assert.equal(pending.get('Error'), 'PairingDialogResponsePending');
      await program.device.trust();
      assert.equal((await raw.pair(raw.record)).get('Error'), undefined);
      await using session = await raw.session();
      const reply = await session.ask({ Request: 'GetValue', Key: 'UniqueDeviceID' });
      assert.equal(reply.get('Value'), program.device.udid);
      const { pairRecords } = await program.control.host('host', {});
      assert.deepEqual(pairRecords, []);
    }
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  });
});

describe('descriptions of devices', () => {
  it('may be laid over a preset', () => {
    const description = checkDescription({ preset: 'iphone', name: 'Mine', state: { trust: 'grant' } });
    assert.deepEqual(
      [description.name, description.state.trust, description.productType],
      ['Mine', 'grant', 'iPhone16,1'],
    );
    assert.equal(description.state.passcodePrompt, presetNamed('iphone').state.passcodePrompt);
  });

  for (const [what, value, reason] of [
    ['without anything', {}, /udid must be a string/],
    ['with a bad UDID', { preset: 'small', udid: '../x' }, /not a UDID/],
    ['of an unknown preset', { preset: 'fridge' }, /there is no preset fridge; there are small/],
    ['with a misspelt switch', { preset: 'small', state: { lockd: true } }, /there is no switch lockd/],
    ['with a connection that does not exist', { preset: 'small', connections: ['carrier pigeon'] }, /usb and network/],
  ] as const) {
    it(`are refused ${what}`, () => assert.throws(() => checkDescription(value), reason));
  }
});
