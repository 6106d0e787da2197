import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'mocha';
import { Editor, keepEvidenceOfFailures } from '../support/editor';
import type { EditorWindow } from '../support/editorWindow';
import { startVirtualDevice, type VirtualDeviceProcess } from '../support/virtualDeviceProcess';
import { presetNamed } from '../virtualDevice/presets';

describe('the first backup, from cable to folder', () => {
  let phone: VirtualDeviceProcess;
  let editor: Editor | undefined;
  let window: EditorWindow;
  let folder: string;
  const description = presetNamed('iphone');
  const name = description.name;
  keepEvidenceOfFailures(() => editor);

  before(async () => {
    phone = await startVirtualDevice([
      { ...description, state: { ...description.state, trust: 'ask', passcodePrompt: 'wait', prepareMs: 500 } },
    ]);
    await phone.device.unplug();
    editor = await Editor.start({ env: { USBMUXD_SOCKET_ADDRESS: phone.address } });
    folder = path.join(editor.server.folder, 'backups');
    editor.changeSettings({ 'iosBackup.folder': folder });
    window = await editor.openWindow();
  });

  after(async () => {
    await editor?.[Symbol.asyncDispose]();
    await phone?.[Symbol.asyncDispose]();
  });

  const device = () => window.row(name, window.view('Devices'));
  const page = () => window.webview();

  it('says that no device is connected', async () => {
    await window.showContainer('iOS Backup');
    await window.view('Devices').getByText('No iPhone or iPad is connected').waitFor();
    await window.shot('first-1-no-device-dark');
  });

  it('shows the device as soon as it is plugged in', async () => {
    await phone.device.plug();
    const start = Date.now();
    await device().waitFor();
    assert.ok(Date.now() - start < 5000);
    await device().click();
    await page().getByRole('button', { name: 'Trust This Device' }).waitFor();
    await window.shot('first-2-untrusted-dark');
  });

  it('goes on by itself when the person taps Trust', async () => {
    await page().getByRole('button', { name: 'Trust This Device' }).click();
    await page().getByText('tap Trust and enter its passcode').first().waitFor();
    await window.shot('first-3-waiting-for-trust-dark');
    await phone.device.trust();
    await page().getByRole('button', { name: 'Back Up Now' }).waitFor();
    await window.shot('first-4-trusted-dark');
  });

  it('backs up after the passcode, and shows where it is', async () => {
    await window.clickRowAction(device(), 'Back Up Now');
    await window.toast(`Enter the passcode on ${name}`).waitFor();
    await window.statusBarItem('Enter the passcode').waitFor();
    await window.shot('first-5-passcode-dark');
    await phone.device.enterPasscode();
    await window.toast(/is backed up/).waitFor({ timeout: 60_000 });
    await window.shot('first-6-done-dark');
    assert.deepEqual(await phone.device.compareFolder(folder), []);
    assert.ok(fs.existsSync(path.join(folder, description.udid, 'Status.plist')));
    await editor?.setTheme('light');
    await window.shot('first-7-done-light');
    await editor?.setTheme('highContrast');
    await window.shot('first-8-done-high-contrast');
    await editor?.setTheme('dark');
  });
});
