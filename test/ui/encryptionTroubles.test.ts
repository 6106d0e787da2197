import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, it } from 'mocha';
import { accessibilityViolations } from '../support/accessibility';
import { Editor, keepEvidenceOfFailures } from '../support/editor';
import type { EditorWindow } from '../support/editorWindow';
import { passcodeQuestion } from '../support/passcodeQuestion';
import { until } from '../support/until';
import { startVirtualDevice, type VirtualDeviceProcess } from '../support/virtualDeviceProcess';
import { presetNamed } from '../virtualDevice/presets';

const small = presetNamed('small');
const description = {
  ...small,
  name: 'Work iPhone',
  productVersion: '17.6.1',
  passcode: '1234',
  state: { ...small.state, trust: 'grant', passcodePrompt: 'wait' },
} as const;
const { name } = description;
const chosen = 'correct horse battery staple';

describe('what stands in the way of encryption, in the editor', () => {
  let phone: VirtualDeviceProcess;
  let editor: Editor;
  let window: EditorWindow;
  keepEvidenceOfFailures(() => editor);

  before(async () => {
    phone = await startVirtualDevice([description]);
    editor = await Editor.start({ env: { USBMUXD_SOCKET_ADDRESS: phone.address } });
    editor.changeSettings({ 'iosBackup.folder': path.join(editor.server.folder, 'backups') });
    window = await editor.openWindow();
    await window.showContainer('iOS Backup');
    await window.row(name, window.view('Devices')).click();
    await button('Trust This Device').click();
    await button('Back Up Now').waitFor();
  });

  after(async () => {
    await editor?.[Symbol.asyncDispose]();
    await phone?.[Symbol.asyncDispose]();
  });

  const page = () => window.webview();
  const button = (label: string) => page().getByRole('button', { name: label, exact: true });
  const encrypt = () => page().getByLabel('Encrypt local backup');
  const heading = (text: string | RegExp) => page().getByRole('heading', { name: text });
  const password = async () => (await phone.device.summary()).switches.backupPassword;

  async function turnOn(): Promise<void> {
    await encrypt().click();
    await heading('Encrypt backups of this device').waitFor();
    await page().getByLabel('New password').fill(chosen);
    await page().getByLabel('Verify').fill(chosen);
    await page().getByLabel('Remember this password').check();
    await button('Set Password').click();
  }

  const asksForPasscode = () => passcodeQuestion(window, phone, name);

  async function enterPasscode(): Promise<void> {
    await asksForPasscode();
    await phone.device.enterPasscode();
  }

  async function look(shot: string): Promise<void> {
    await window.shot(`encryption-troubles-${shot}`);
    assert.deepEqual(await accessibilityViolations(window), [], shot);
  }

  /** As a person does before going on: a notification can lie over a button. */
  async function dismiss(): Promise<void> {
    await button('Dismiss').click();
    await window.runCommand('Notifications: Clear All Notifications');
  }

  /** A profile comes or goes. The device does not announce that; it is read when the device is connected again. */
  async function manage(encryptionRequired: boolean): Promise<void> {
    await phone.device.set({ encryptionRequired });
    await phone.device.replug();
  }

  async function showsOff(): Promise<void> {
    assert.equal(await password(), undefined);
    await until(async () => (await encrypt().isEnabled()) && !(await encrypt().isChecked()));
    await button('Change Password…').waitFor({ state: 'hidden' });
  }

  it('management that forbids it is named', async () => {
    await phone.device.set({ encryptionForbidden: true });
    await turnOn();
    await enterPasscode();
    await heading('The device is managed and does not allow its encryption to be changed.').waitFor();
    await page().getByText('Ask whoever manages the device.').waitFor();
    await showsOff();
    await look('1-forbidden');
    await phone.device.set({ encryptionForbidden: false });
    await dismiss();
  });

  it('management that requires it, while it is off, asks for it to be turned on', async () => {
    await manage(true);
    await page().getByText('requires encrypted backups. Turn this on').waitFor();
    await showsOff();
    await look('7-required-but-off');
    await manage(false);
    await page().getByText('Also keeps saved passwords').waitFor();
  });

  it('a passcode that nobody enters ends it, and nothing has changed', async () => {
    await phone.device.set({ passcodePrompt: 'ignore', passcodeTimeoutMs: 1500 });
    await turnOn();
    await heading('The passcode was not entered on the device.').waitFor({ timeout: 60_000 });
    await showsOff();
    await look('2-unanswered');
    await phone.device.set({ passcodePrompt: 'wait', passcodeTimeoutMs: 180_000 });
    await dismiss();
  });

  it('a device that goes away in the middle is told, and shows its real state when it is back', async () => {
    await turnOn();
    await asksForPasscode();
    await phone.device.unplug();
    await heading('The device was disconnected.').waitFor();
    await page().getByText('then its real state is shown').waitFor();
    await heading(name).waitFor();
    await look('3-gone');
    await phone.device.plug();
    await button('Back Up Now').waitFor();
    await showsOff();
    await look('4-back');
    await dismiss();
  });

  it('a device that has made the change before it went away is shown as it is', async () => {
    await turnOn();
    await asksForPasscode();
    await phone.device.unplug();
    await phone.device.set({ backupPassword: chosen });
    await heading('The device was disconnected.').waitFor();
    await phone.device.plug();
    await until(() => encrypt().isChecked());
    await button('Change Password…').waitFor();
    await look('5-changed-before');
    await dismiss();
  });

  it('keeps what it may be now to be tried, where a change broke off, until it is told to forget', async () => {
    await window.runCommand('iOS Backup: Forget Remembered Password…');
    await window.choose(name);
    await window.answerDialog('Forget the remembered passwords', 'Forget');
    await window.toast('are forgotten').waitFor();
  });

  it('management that requires it leaves no way to turn it off', async () => {
    await manage(true);
    await page().getByText('Whoever manages this device requires encrypted backups.').waitFor();
    assert.equal(await encrypt().isDisabled(), true);
    await window.runCommand('iOS Backup: Turn Encryption Off…');
    await window.toast('must be backed up with encryption').waitFor();
    await look('6-required');
    await manage(false);
    await until(() => encrypt().isEnabled());
  });

  it('a remembered password that does not open the new backup is told, and can be replaced', async () => {
    await button('Change Password…').click();
    await page().getByLabel('Current password').fill(chosen);
    await page().getByLabel('New password').fill('the second one');
    await page().getByLabel('Verify').fill('the second one');
    await page().getByLabel('Remember this password').check();
    await button('Change Password').click();
    await enterPasscode();
    await heading(`The backup password of ${name} is changed`).waitFor();
    await phone.device.set({ backupPassword: 'set elsewhere' });
    await button('Back Up Now').click();
    await enterPasscode();
    await heading(`${name} is backed up`).waitFor({ timeout: 60_000 });
    await page().getByText('does not open it: the device has another one').waitFor();
    await window.toast('does not open its new backup').waitFor();
    await look('8-another-one');
    await window.answerToast('does not open its new backup', 'Enter the Right One');
    await window.quickInput.getByText('It is remembered instead').waitFor();
    await window.answer('a guess');
    await window.quickInput.getByText('That password is wrong too').waitFor({ timeout: 60_000 });
    await window.answer('set elsewhere');
    await window.toast('is remembered.').waitFor();
    await button('Back Up Now').click();
    await enterPasscode();
    await page().getByText('The password opens it.').waitFor({ timeout: 60_000 });
    await look('9-opens');
  });
});
