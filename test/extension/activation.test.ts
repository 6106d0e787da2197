import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import * as vscode from 'vscode';
import type { Api } from '../../src/extension';
import { extension, manifest } from './manifest';

describe('the extension', () => {
  it('activates without a device, quickly', async () => {
    const { activationMs, activationCpuMs } = (await extension().activate()) as Api;
    console.log(`activation took ${activationMs.toFixed(1)} ms, ${activationCpuMs.toFixed(1)} ms of them at work`);
    // Work, not time gone: the tests share two processors with a browser.
    assert.ok(activationCpuMs < 50, `${activationCpuMs} ms`);
  });

  it('registers the commands that package.json contributes, and no others that a person could find', async () => {
    await extension().activate();
    const all = await vscode.commands.getCommands(true);
    const registered = new Set(all);
    const contributed = manifest().contributes.commands.map(({ command }) => command);
    assert.ok(contributed.length > 15);
    assert.equal(new Set(contributed).size, contributed.length);
    assert.deepEqual(
      contributed.filter((command) => !registered.has(command)),
      [],
    );
    // What VS Code makes for a view or its container: focus, open, remove …
    const ofViews = /^iosBackup\.(\w+)\.(focus|open|removeView|toggleVisibility|resetViewLocation)$|\.state\./;
    const hidden = all.filter(
      (command) => /^iosBackup\./.test(command) && !contributed.includes(command) && !ofViews.test(command),
    );
    assert.deepEqual(hidden, []);
  });
});
