import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'mocha';
import { isDict, parsePlist } from '../../src/plist';
import { Editor, keepEvidenceOfFailures, type Theme } from '../support/editor';
import type { EditorWindow } from '../support/editorWindow';
import { lookAt } from '../support/lookAt';
import { passcodeQuestion } from '../support/passcodeQuestion';
import { until } from '../support/until';
import { startVirtualDevice, type VirtualDeviceProcess } from '../support/virtualDeviceProcess';
import { presetNamed } from '../virtualDevice/presets';

const small = presetNamed('small');
const description = {
  ...small,
  name: 'Ben’s iPhone',
  productVersion: '17.6.1',
  passcode: '1234',
  state: { ...small.state, trust: 'grant', passcodePrompt: 'wait' },
} as const;
const { name, udid } = description;
const first = 'correct horse battery staple';
const second = 'Zwölf Boxkämpfer jagen Viktor';

describe('encryption in the editor', () => {
  let phone: VirtualDeviceProcess;
  let editor: Editor;
  let window: EditorWindow;
  let folder: string;
  keepEvidenceOfFailures(() => editor);

  before(async () => {
    phone = await startVirtualDevice([description]);
    editor = await Editor.start({ env: { USBMUXD_SOCKET_ADDRESS: phone.address } });
    folder = path.join(editor.server.folder, 'backups');
    editor.changeSettings({ 'iosBackup.folder': folder });
    window = await editor.openWindow();
    await window.showContainer('iOS Backup');
    await device().click();
    await trustButton().click();
    await page().getByRole('button', { name: 'Back Up Now' }).waitFor();
  });

  after(async () => {
    await editor?.[Symbol.asyncDispose]();
    await phone?.[Symbol.asyncDispose]();
  });

  const device = () => window.row(name, window.view('Devices'));
  const page = () => window.webview();
  const trustButton = () => page().getByRole('button', { name: 'Trust This Device' });
  const button = (label: string) => page().getByRole('button', { name: label, exact: true });
  const encrypt = () => page().getByLabel('Encrypt local backup');
  const heading = (text: string | RegExp) => page().getByRole('heading', { name: text });
  const password = async () => (await phone.device.summary()).switches.backupPassword;

  const asksForPasscode = () => passcodeQuestion(window, phone, name);

  async function enterPasscode(): Promise<void> {
    await asksForPasscode();
    await phone.device.enterPasscode();
  }

  const look = (shot: string, themes?: readonly Theme[]) => lookAt(editor, window, `encryption-${shot}`, themes);

  it('refuses an empty password and two that differ', async () => {
    await encrypt().click();
    await heading('Encrypt backups of this device').waitFor();
    assert.equal(await encrypt().isChecked(), false);
    await button('Set Password').click();
    await page().getByText('Enter a password.').waitFor();
    await page().getByLabel('New password').fill(first);
    await page().getByText('Strong').waitFor();
    await page().getByLabel('Verify').fill('something else');
    await button('Set Password').click();
    await page().getByText('The two passwords are not the same.').waitFor();
    await look('1-dialog');
    assert.equal(await password(), undefined);
  });

  it('turns encryption on after the passcode, and makes an encrypted backup', async () => {
    await page().getByLabel('Verify').fill(first);
    await page().getByLabel('Remember this password').check();
    await button('Set Password').click();
    await enterPasscode(); // for the password
    await page().getByText(`Backing up ${name}`).first().waitFor();
    assert.equal(await password(), first);
    await enterPasscode(); // for the backup
    await page()
      .getByRole('heading', { name: `${name} is backed up` })
      .waitFor({ timeout: 60_000 });
    await page().getByText('The password opens it.').waitFor();
    assert.deepEqual(await phone.device.compareFolder(folder, first), []);
    const manifest = parsePlist(fs.readFileSync(path.join(folder, udid, 'Manifest.plist')));
    assert.ok(isDict(manifest));
    assert.equal(manifest.get('IsEncrypted'), true);
    await until(() => encrypt().isChecked());
    await look('2-on');
    await button('Dismiss').click();
  });

  it('says that a password is wrong, and shows the device’s real state', async () => {
    // Another computer has changed the password meanwhile: the remembered one is of no use.
    await phone.device.set({ backupPassword: 'changed elsewhere' });
    await button('Change Password…').click();
    await page().getByText('The remembered password is used.').waitFor();
    await page().getByLabel('New password').fill(second);
    await page().getByLabel('Verify').fill(second);
    await button('Change Password').click();
    await heading('That is not the password of the backup.').waitFor();
    assert.equal(await password(), 'changed elsewhere');
    assert.equal(await encrypt().isChecked(), true);
    await look('3-wrong');
  });

  it('helps when the password is not known', async () => {
    await button('I Do Not Know It').click();
    await heading('If you do not know the password').waitFor();
    await look('4-forgotten');
    await button('Try Them').click();
    await page().getByText('One of them opens the newest encrypted backup.').waitFor();
    await window.press('Escape');
    await heading('If you do not know the password').waitFor({ state: 'hidden' });
    await button('Dismiss').click();
  });

  it('changes the password with the old one typed, from the palette', async () => {
    await window.runCommand('iOS Backup: Change Backup Password…');
    await window.quickInput.waitFor();
    // The remembered one is offered; it is not the device's any more.
    const choice = window.quickInput.getByText('Enter another one');
    if (await choice.isVisible({ timeout: 2000 }).catch(() => false)) await choice.click();
    await window.quickInput.getByText('The password that backups of this device have now').waitFor();
    await window.answer('changed elsewhere');
    await window.quickInput.getByText('Choose a password that you will not lose').waitFor();
    assert.equal(await window.quickInput.locator('input').getAttribute('type'), 'password');
    await window.quickInput.locator('input.input').fill(second);
    await window.shot('encryption-5-palette');
    await window.press('Enter');
    await window.quickInput.getByText('The same password once more').waitFor();
    await window.answer(second);
    await window.choose('Kept in the system’s keychain');
    await enterPasscode();
    await heading(`The backup password of ${name} is changed`).waitFor();
    assert.equal(await password(), second);
    await look('6-changed', ['dark']);
    await button('Dismiss').click();
  });

  it('says so when the passcode is refused, and changes nothing', async () => {
    await encrypt().click();
    await heading('Turn encryption off').waitFor();
    await button('Turn Off').click(); // with the remembered password
    await asksForPasscode();
    await window.shot('encryption-7-passcode');
    await phone.device.refusePasscode();
    await heading('The passcode was not entered on the device.').waitFor();
    assert.equal(await password(), second);
    assert.equal(await encrypt().isChecked(), true);
  });

  it('turns encryption off with the remembered password', async () => {
    await encrypt().click();
    await button('Turn Off').click();
    await enterPasscode();
    await heading(`Later backups of ${name} are not encrypted`).waitFor();
    await until(async () => (await password()) === undefined);
    await until(async () => !(await encrypt().isChecked()));
    await look('8-off', ['dark']);
  });

  it('forgets the passwords when asked to', async () => {
    await window.runCommand('iOS Backup: Forget Remembered Password…');
    await window.choose(name);
    await window.answerDialog('Forget the remembered passwords', 'Forget');
    await window.toast('are forgotten').waitFor();
    await window.runCommand('iOS Backup: Forget Remembered Password…');
    await window.toast('No password is remembered').waitFor();
  });

  it('says that its management requires encryption', async () => {
    await phone.device.set({ encryptionRequired: true, backupPassword: first });
    await page().getByText('requires encrypted backups').waitFor();
    assert.equal(await encrypt().isDisabled(), true);
    await window.shot('encryption-9-required');
  });

  it('keeps passwords out of settings, logs and stored state', () => {
    const files = fs
      .readdirSync(editor.server.folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.parentPath.startsWith(folder))
      .map((entry) => path.join(entry.parentPath, entry.name));
    const leaking = files.filter((file) => {
      const content = fs.readFileSync(file);
      return [first, second].some(
        (secret) => content.includes(secret) || content.includes(Buffer.from(secret, 'utf16le')),
      );
    });
    assert.deepEqual(leaking, []);
    assert.ok(files.length > 10);
    assert.deepEqual(
      window.consoleLines.filter((line) => line.includes(first) || line.includes(second)),
      [],
    );
  });
});
