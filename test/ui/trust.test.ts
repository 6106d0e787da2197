import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { Editor, keepEvidenceOfFailures } from '../support/editor';
import type { EditorWindow } from '../support/editorWindow';
import { lookAt } from '../support/lookAt';
import { startVirtualDevice, type VirtualDeviceProcess } from '../support/virtualDeviceProcess';
import { presetNamed } from '../virtualDevice/presets';

describe('trust, when it is not as simple as a tap', () => {
  let phone: VirtualDeviceProcess;
  let editor: Editor;
  let window: EditorWindow;
  const small = presetNamed('small');
  keepEvidenceOfFailures(() => editor);

  before(async () => {
    phone = await startVirtualDevice([
      { ...small, passcode: '123456', state: { ...small.state, trust: 'ask', locked: true } },
    ]);
    editor = await Editor.start({ env: { USBMUXD_SOCKET_ADDRESS: phone.address } });
    window = await editor.openWindow();
    await window.showContainer('iOS Backup');
    await device().click();
  });

  after(async () => {
    await editor?.[Symbol.asyncDispose]();
    await phone?.[Symbol.asyncDispose]();
  });

  const device = () => window.row('iPhone', window.view('Devices'));
  const page = () => window.webview();
  const button = (label: string) => page().getByRole('button', { name: label, exact: true });
  const heading = (text: string) => page().getByText(text).first();

  const look = (shot: string) => lookAt(editor, window, `trust-${shot}`);

  it('waits for a locked device, can be given up, and goes on by itself', async () => {
    await button('Trust This Device').click();
    await heading('The iPhone is locked').waitFor();
    await look('1-locked');
    await button('Cancel').click();
    await button('Trust This Device').click();
    await heading('The iPhone is locked').waitFor();
    await phone.device.unlock();
    await heading('tap Trust and enter its passcode').waitFor();
    await phone.device.trust();
    await button('Back Up Now').waitFor();
  });

  it('says that the device has forgotten this computer, and pairs again', async () => {
    await phone.device.unplug();
    await heading('Not connected').waitFor();
    await phone.device.forgetHosts();
    await phone.device.plug();
    await heading('has forgotten this computer').waitFor();
    await window.row('Has forgotten this computer', window.view('Devices')).waitFor();
    await look('2-stale');
    await button('Pair Again').click();
    await heading('tap Trust and enter its passcode').waitFor();
    await phone.device.trust();
    await button('Back Up Now').waitFor();
  });

  it('says that management forbids it, and offers nothing that cannot work', async () => {
    await phone.device.unplug();
    await heading('Not connected').waitFor();
    await phone.device.forgetHosts();
    await phone.device.set({ trust: 'forbidden' });
    await phone.device.plug();
    await button('Pair Again').click();
    await heading('Pairing is not allowed').waitFor();
    assert.equal(await button('Pair Again').count(), 0);
    assert.equal(await button('Back Up Now').count(), 0);
    await look('3-forbidden');
  });
});
