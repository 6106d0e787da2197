import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'mocha';
import { readTree } from '../support/backupFolders';
import { Editor, keepEvidenceOfFailures } from '../support/editor';
import type { EditorWindow } from '../support/editorWindow';
import { startVirtualDevice, type VirtualDeviceProcess } from '../support/virtualDeviceProcess';
import { presetNamed } from '../virtualDevice/presets';

const PASSWORD = 'correct horse';
const NAME = 'Ann’s iPhone';

describe('a restore, from the button to the restarted device', function () {
  this.timeout(180_000);
  let phone: VirtualDeviceProcess;
  let editor: Editor | undefined;
  let window: EditorWindow;
  let folder: string;
  /** What the device held when each backup was made. */
  let older: string;
  let newer: string;
  keepEvidenceOfFailures(() => editor);

  before(async () => {
    const { content, state, ...rest } = presetNamed('small', { name: NAME, state: { backupPassword: PASSWORD } });
    const groups = [{ domain: 'CameraRollDomain', relativePath: 'Media/DCIM/100APPLE', count: 40, size: 500_000 }];
    phone = await startVirtualDevice([{ ...rest, state, content: { ...content, groups } }]);
    editor = await Editor.start({ env: { USBMUXD_SOCKET_ADDRESS: phone.address } });
    folder = path.join(editor.server.folder, 'backups');
    fs.mkdirSync(folder);
    editor.changeSettings({ 'iosBackup.folder': folder });
    window = await editor.openWindow();
    await window.showContainer('iOS Backup');
    await device().waitFor({ timeout: 60_000 });
    await device().click();
    await page().getByRole('button', { name: 'Trust This Device' }).click();
    await page().getByRole('button', { name: 'Back Up Now' }).waitFor();
    older = await backUp();
    await phone.device.changeFiles(9, 1);
    newer = await backUp();
    assert.notEqual(older, newer);
    await phone.device.changeFiles(9, 2);
  });

  after(async () => {
    await editor?.[Symbol.asyncDispose]();
    await phone?.[Symbol.asyncDispose]();
  });

  const device = () => window.row(NAME, window.view('Devices'));
  const page = () => window.webview();
  const rows = () => window.quickInput.locator('.monaco-list-row');
  const title = (text: string | RegExp) => window.quickInput.locator('.quick-input-title', { hasText: text });

  async function backUp(): Promise<string> {
    const ended = () => window.toast(/is backed up/);
    await window.runCommand('iOS Backup: Back Up Now');
    await ended().waitFor({ timeout: 60_000 });
    await window.page.keyboard.press('Escape');
    await window.runCommand('Notifications: Clear All Notifications');
    await ended().waitFor({ state: 'detached' });
    return phone.device.stateDigest();
  }

  async function typePassword(password: string): Promise<void> {
    await title('The backup is encrypted').waitFor({ timeout: 30_000 });
    const input = window.quickInput.locator('input.input');
    assert.equal(await input.getAttribute('type'), 'password');
    await input.fill(password);
    await window.page.keyboard.press('Enter');
  }

  /** Up to the name, from the palette. */
  async function restoreNewest(): Promise<void> {
    await window.runCommand('iOS Backup: Restore Backup…');
    await title('choose a backup').waitFor();
    await rows().first().click();
    await typePassword(PASSWORD);
    await window.quickInput.getByText('Nothing is in the way').waitFor({ timeout: 30_000 });
    await window.choose('Go On');
    await title('what is restored').waitFor();
    await window.page.keyboard.press('Enter');
    await window.answerDialog(`Replace what is on ${NAME}`, 'Restore…');
    await title(`Restore to ${NAME}`).waitFor();
    await window.answer("ann's iphone");
  }

  it('says before anything starts that Find My is on, and goes on when it is off', async () => {
    await phone.device.set({ findMy: true });
    await page().getByRole('button', { name: 'Restore Backup…' }).click();
    await title(`Restore to ${NAME}: choose a backup`).waitFor();
    await window.shot('restore-1-choose-backup');
    assert.match((await rows().first().textContent()) ?? '', new RegExp(`${NAME}.*encrypted.*/backups/`, 's'));
    await rows().first().click();

    await typePassword('guess');
    await window.quickInput.getByText('That password is wrong').waitFor({ timeout: 30_000 });
    await window.shot('restore-2-wrong-password');
    await typePassword(PASSWORD);
    await title(`Restore to ${NAME}: before it starts`).waitFor({ timeout: 30_000 });
    await window.quickInput.getByText('Find My is switched on').waitFor();
    await window.shot('restore-3-find-my');
    assert.match((await rows().first().textContent()) ?? '', /Check Again/);
    assert.equal(await rows().filter({ hasText: 'Go On' }).count(), 0);

    await phone.device.set({ findMy: false });
    await window.choose('Check Again');
    await window.quickInput.getByText('Nothing is in the way').waitFor({ timeout: 30_000 });
    await window.shot('restore-4-ready');

    await window.choose('Check Every File of the Backup First');
    await window.quickInput.getByText('Every file of the backup was read and is good').waitFor({ timeout: 60_000 });
    await window.shot('restore-4-verified');
  });

  it('can be closed at every step with nothing changed', async () => {
    const digest = await phone.device.stateDigest();
    await window.choose('Go On');
    await title(`Restore to ${NAME}: what is restored`).waitFor();
    assert.equal(await rows().locator('input[type=checkbox]:checked, .monaco-checkbox.checked').count(), 4);
    await window.shot('restore-5-options');
    await window.page.keyboard.press('Enter');
    const question = window.dialog(`Replace what is on ${NAME}`);
    await question.waitFor();
    await window.shot('restore-6-confirm');
    assert.match((await question.textContent()) ?? '', /Backup of Ann’s iPhone.*will be gone.*App Store/s);
    // Enter is the default button, and that must not be the one which goes on.
    const focused = (await window.page.locator(':focus').textContent()) ?? '';
    assert.equal(focused.trim(), 'Back Up First');
    await window.answerDialog(`Replace what is on ${NAME}`, 'Restore…');
    await title(`Restore to ${NAME}`).waitFor();
    await window.answer("Ann's iPad");
    await window.quickInput.getByText(`The restore starts when ${NAME} is typed here`).waitFor();
    await window.shot('restore-7-wrong-name');
    await window.page.keyboard.press('Escape');
    await window.quickInput.waitFor({ state: 'hidden' });
    assert.equal(await phone.device.stateDigest(), digest);
    assert.equal(await window.statusBarItem('Restoring').count(), 0);
  });

  it('restores after the name was typed, and tells progress, restart and end', async () => {
    const before = readTree(folder);
    await restoreNewest();
    await window.statusBarItem(/Checking the backup|Connecting|preparing|Sending|Putting|restarting/).waitFor();
    await window.shot('restore-8-running');
    await window.statusBarItem(/Sending|Putting|restarting/).waitFor();
    await window.shot('restore-8-sending');
    await window.toast(/has the backup and has restarted.*App Store/s).waitFor({ timeout: 60_000 });
    assert.equal(await phone.device.stateDigest(), newer);
    assert.deepEqual(readTree(folder), before);
    await page()
      .getByRole('heading', { name: `${NAME} is restored` })
      .waitFor();
    await window.shot('restore-9-done');
    await editor?.setTheme('light');
    await window.shot('restore-9-done-light');
    await editor?.setTheme('dark');
    await window.runCommand('Notifications: Clear All Notifications');
  });

  it('backs up first when asked to, and still restores the older version that was clicked', async () => {
    await phone.device.changeFiles(5, 3);
    const now = await phone.device.stateDigest();
    const backups = window.view('Backups');
    // The device, its current backup, and the version before.
    const oldest = window.row('', backups).nth(2);
    await oldest.waitFor();
    await window.clickRowMenu(oldest, 'Restore Backup…');
    await typePassword(PASSWORD);
    await title('before it starts').waitFor({ timeout: 30_000 });
    await window.choose(`Back Up ${NAME} First`);
    await window.toast(/is backed up/).waitFor({ timeout: 60_000 });
    await title('before it starts').waitFor({ timeout: 30_000 });
    await window.shot('restore-10-backed-up-first');
    await window.choose('Go On');
    await title('what is restored').waitFor();
    await window.page.keyboard.press('Enter');
    await window.answerDialog(`Replace what is on ${NAME}`, 'Restore…');
    await window.answer(NAME);
    await window.toast(/has the backup and has restarted/).waitFor({ timeout: 60_000 });
    assert.equal(await phone.device.stateDigest(), older);
    assert.notEqual(now, older);
    assert.equal(fs.readdirSync(folder).filter((name) => name.startsWith(phone.device.udid)).length, 3);
    await window.runCommand('Notifications: Clear All Notifications');
  });

  it('asks before it cancels, and a second try succeeds', async () => {
    const before = readTree(folder);
    await phone.device.set({ syncLockHeld: true });
    await restoreNewest();
    await window.statusBarItem('Waiting for another program').waitFor({ timeout: 30_000 });
    await window.clickRowAction(device(), 'Cancel');
    const question = window.dialog(`Stop the restore of ${NAME}`);
    await question.waitFor();
    await window.shot('restore-11-cancel');
    await window.answerDialog(`Stop the restore of ${NAME}`, 'Stop the Restore');
    await window.toast(/The restore of .* was stopped/).waitFor({ timeout: 30_000 });
    await window.shot('restore-12-cancelled');
    assert.deepEqual(readTree(folder), before);

    await phone.device.set({ syncLockHeld: false });
    await restoreNewest();
    await window.toast(/has the backup and has restarted/).waitFor({ timeout: 60_000 });
    assert.deepEqual(readTree(folder), before);
  });
});
