import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { parsePlist, type PlistDict } from '../../../src/plist';
import { runTool, type ToolResult } from '../../support/foreignTool';
import { presetNamed, VirtualDeviceHost } from '../../virtualDevice';

/* Debian's libimobiledevice-utils 1.3.0: clients that nobody here wrote. */

type Changes = Parameters<typeof presetNamed>[1];

const start = (changes: Changes = {}) =>
  VirtualDeviceHost.start({ devices: [presetNamed('small', changes)], control: false });

async function tool(host: VirtualDeviceHost, program: string, ...args: string[]): Promise<ToolResult> {
  return runTool(program, args, host.address);
}

function logged(host: VirtualDeviceHost): string {
  return host.device.state.logEntries.map(({ text }) => text).join('\n');
}

describe("libimobiledevice's tools and the virtual device", () => {
  it('idevice_id lists devices, also those of the network', async () => {
    const devices = [presetNamed('small'), presetNamed('ipad'), presetNamed('ipod')];
    await using host = await VirtualDeviceHost.start({ devices, control: false });
    const usb = (await tool(host, 'idevice_id', '-l')).stdout.trim().split('\n').sort();
    assert.deepEqual(usb, devices.map(({ udid }) => udid).sort());
    assert.equal((await tool(host, 'idevice_id', '-n')).stdout.trim(), devices[1]?.udid);
    await host.devices[0]?.unplug();
    assert.equal((await tool(host, 'idevice_id', '-l')).stdout.trim().split('\n').length, 2);
  });

  it('idevicepair pairs, validates, lists and unpairs', async () => {
    await using host = await start();
    const { udid } = host.device;
    const run = (...args: string[]) => tool(host, 'idevicepair', ...args);
    assert.match((await run('pair')).output, new RegExp(`SUCCESS: Paired with device ${udid}`));
    assert.equal(host.mux.records.udids[0], udid);
    assert.match((await run('validate')).output, /SUCCESS: Validated pairing/);
    // This one looks into the system's folder instead of asking the daemon.
    assert.equal((await run('list')).code, 0);
    assert.match((await run('hostid')).output, new RegExp([...host.device.state.pairedHosts.keys()][0] ?? 'none'));
    assert.equal((await run('systembuid')).stdout.trim(), host.mux.buid);
    assert.match((await run('unpair')).output, /SUCCESS: Unpaired/);
    assert.equal(host.device.state.pairedHosts.size, 0);
    assert.deepEqual(host.mux.records.udids, []);
    assert.doesNotMatch(logged(host), /warning|refused/);
  });

  it('idevicepair validates the pair record itself before iOS 7', async () => {
    await using host = await start({ productVersion: '6.1', buildVersion: '10B141' });
    assert.match((await tool(host, 'idevicepair', 'pair')).output, /SUCCESS/);
    assert.match((await tool(host, 'idevicepair', 'validate')).output, /SUCCESS/);
  });

  it('idevicepair names each state of the Trust dialog', async () => {
    await using host = await start({ passcode: '1', state: { trust: 'ask', locked: true } });
    const pair = async () => (await tool(host, 'idevicepair', 'pair')).output;
    assert.match(await pair(), /passcode is set/);
    await host.device.unlock();
    assert.match(await pair(), /Please accept the trust dialog/);
    await host.device.dontTrust();
    assert.match(await pair(), /user denied the trust dialog/);
    await host.device.replug();
    assert.match(await pair(), /Please accept the trust dialog/);
    await host.device.trust();
    assert.match(await pair(), /SUCCESS: Paired/);
  });

  it('ideviceinfo reads the global domain, with values of every kind', async () => {
    await using host = await start();
    const { stdout } = await tool(host, 'ideviceinfo', '-x');
    const values = parsePlist(Buffer.from(stdout)) as PlistDict;
    assert.equal(values.get('UniqueDeviceID'), host.device.udid);
    assert.equal(values.get('DeviceName'), "Ann's iPhone");
    assert.equal(values.get('PasswordProtected'), false);
    assert.ok((values.size ?? 0) > 50);
    const simple = await tool(host, 'ideviceinfo', '-s', '-x');
    assert.equal((parsePlist(Buffer.from(simple.stdout)) as PlistDict).has('SerialNumber'), false);
  });

  it('ideviceinfo reads every domain that it knows', async () => {
    await using host = await start({ state: { backupPassword: 'x', findMy: true } });
    const help = (await tool(host, 'ideviceinfo', '-h')).output;
    const domains = [...new Set(help.match(/com\.apple\.[\w.]+/g) ?? [])];
    assert.ok(domains.length > 25, help);
    const read = async (domain: string): Promise<PlistDict> => {
      const { stdout, output, code } = await tool(host, 'ideviceinfo', '-x', '-q', domain);
      assert.equal(code, 0, output);
      return parsePlist(Buffer.from(stdout)) as PlistDict;
    };
    for (const domain of domains) assert.ok((await read(domain)) instanceof Map, domain);
    assert.equal((await read('com.apple.mobile.backup')).get('WillEncrypt'), true);
    assert.equal((await read('com.apple.mobile.battery')).get('BatteryCurrentCapacity'), 87);
    assert.equal((await read('com.apple.fmip')).get('IsAssociated'), true);
    assert.equal((await read('com.apple.disk_usage')).get('TotalDiskCapacity'), 128_000_000_000);
  }).timeout(30_000);

  it('ideviceinfo reaches a device over the network by TCP, once it is paired over the cable', async () => {
    await using host = await start({ connections: ['usb', 'network'] });
    const { networkAddress } = host.device.device;
    if (!networkAddress) {
      assert.equal(process.platform, 'darwin', 'a loopback address should be to be had here');
      return;
    }
    assert.match((await tool(host, 'idevicepair', 'pair')).output, /SUCCESS/);
    const { stdout, output } = await tool(host, 'ideviceinfo', '-n', '-u', host.device.udid, '-k', 'SerialNumber');
    assert.equal(stdout.trim(), host.device.state.description.serialNumber, output);
  });

  it('idevicename reads and sets a name', async () => {
    await using host = await start();
    assert.equal((await tool(host, 'idevicename')).stdout.trim(), "Ann's iPhone");
    assert.match((await tool(host, 'idevicename', 'Grüße 📱')).output, /device name set to/);
    assert.equal(host.device.state.name, 'Grüße 📱');
  });

  it('a device that has forgotten the computer is paired anew', async () => {
    await using host = await start();
    await tool(host, 'idevicepair', 'pair');
    await host.device.forgetHosts();
    assert.match(logged(host), /forgot all hosts/);
    assert.match((await tool(host, 'idevicepair', 'pair')).output, /SUCCESS/);
    assert.equal(host.device.state.pairedHosts.size, 1);
  });

  it('idevicediagnostics restarts it', async () => {
    await using host = await start();
    const back = new Promise<void>((resolve) => {
      host.device.state.onAttachment.on(({ kind }) => kind === 'attached' && resolve());
    });
    await tool(host, 'idevicediagnostics', 'restart');
    await back;
    assert.equal(host.device.state.attachments[0]?.deviceId, 2);
  });
});
