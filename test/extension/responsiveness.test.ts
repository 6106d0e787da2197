import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { after, before, describe, it } from 'mocha';
import * as vscode from 'vscode';
import { EngineSession } from '../../src/app/engineSession';
import { until } from '../support/until';
import { startVirtualDevice, type VirtualDeviceProcess } from '../support/virtualDeviceProcess';
import { presetNamed } from '../virtualDevice/presets';
import { extension } from './manifest';

const small = presetNamed('small');
const description = {
  ...small,
  content: {
    ...small.content,
    groups: [
      { domain: 'CameraRollDomain', relativePath: 'Media/DCIM', count: 40, size: 4_000_000 },
      { domain: 'HomeDomain', relativePath: 'Library/Small', count: 4000, size: 4096 },
    ],
  },
  state: { ...small.state, trust: 'grant', passcodePrompt: 'enter' },
} as const;

describe('a backup', () => {
  let phone: VirtualDeviceProcess;
  let session: EngineSession;
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'backups-'));
  const section = () => vscode.workspace.getConfiguration('iosBackup');
  const set = (name: string, value: unknown) => section().update(name, value, vscode.ConfigurationTarget.Global);

  before(async function () {
    this.timeout(60_000);
    phone = await startVirtualDevice([description]);
    await set('folder', folder);
    await set('socketAddress', phone.address);
    await extension().activate();
    const log = vscode.window.createOutputChannel('test', { log: true });
    session = new EngineSession(extension().extensionPath + '/dist/engine.js', 'test', log);
    session.start();
    await until(() => (session.state?.devices.length ?? 0) > 0);
  });

  after(async () => {
    session?.dispose();
    await set('folder', undefined);
    await set('socketAddress', undefined);
    await phone?.[Symbol.asyncDispose]();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  it('does not keep the extension host from anything else', async function () {
    this.timeout(120_000);
    const idle = await measured(() => new Promise((resolve) => setTimeout(resolve, 3000)));
    const busy = await measured(async () => {
      const device = session.state?.devices[0];
      await vscode.commands.executeCommand('iosBackup.backUpNow', { kind: 'device', device });
    });
    console.log(`loop delay without a backup: ${idle.text}`);
    console.log(`loop delay during a backup: ${busy.text}`);
    assert.deepEqual(await phone.device.compareFolder(folder), []);
    // The host's own share of the processor: what it did not use it cannot have blocked.
    assert.ok(busy.cpuShare < 0.5, busy.text);
    // The highest values are the system's when other programs need both processors.
    assert.ok(busy.p99 < 50, busy.text);
  });
});

async function measured(work: () => Promise<unknown>) {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  const cpu = process.cpuUsage();
  const start = performance.now();
  delay.enable();
  await work();
  delay.disable();
  const ms = performance.now() - start;
  const used = process.cpuUsage(cpu);
  const cpuShare = (used.user + used.system) / 1000 / ms;
  const [p50, p99, max] = [delay.percentile(50), delay.percentile(99), delay.max].map((ns) => ns / 1e6);
  const text = `p50 ${p50?.toFixed(1)} ms, p99 ${p99?.toFixed(1)} ms, highest ${max?.toFixed(1)} ms, in ${(ms / 1000).toFixed(1)} s; ${(cpuShare * 100).toFixed(0)} % of a processor`;
  return { p99: p99 ?? Infinity, cpuShare, text };
}
