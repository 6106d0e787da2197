import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'mocha';
import { verifyBackup } from '../../src/backups';
import { readTree } from '../support/backupFolders';
import { Editor, keepEvidenceOfFailures } from '../support/editor';
import type { EditorWindow } from '../support/editorWindow';
import { RealBackups, variedContent } from '../support/realBackups';

const PASSWORD = 'correct horse';
const PHOTO_BYTES = 900_000;

describe('an encrypted backup, checked with its password and moved to another disk', function () {
  this.timeout(180_000);
  let device: RealBackups;
  let editor: Editor | undefined;
  let window: EditorWindow;
  let folder: string;
  let elsewhere: string;
  keepEvidenceOfFailures(() => editor);

  before(async () => {
    const content = await variedContent();
    const photos = {
      domain: 'CameraRollDomain',
      relativePath: 'Media/DCIM/100APPLE',
      count: 12,
      size: PHOTO_BYTES,
    };
    const groups = [...content.groups.slice(1), photos];
    device = await RealBackups.start({ backupPassword: PASSWORD }, { content: { ...content, groups } });
    editor = await Editor.start({ env: { USBMUXD_SOCKET_ADDRESS: device.address } });
    folder = path.join(editor.server.folder, 'backups');
    elsewhere = path.join(editor.server.folder, 'big disk');
    for (const place of [folder, elsewhere]) fs.mkdirSync(place);
    for (let version = 0; version < 2; version++) {
      if (version > 0) await device.change(6, version);
      await device.make(folder);
    }
    editor.changeSettings({ 'iosBackup.folder': folder });
    window = await editor.openWindow();
    await window.showContainer('iOS Backup');
    await rows().nth(2).waitFor({ timeout: 60_000 });
    await current().getByText(/MB/).waitFor({ timeout: 30_000 });
  });

  after(async () => {
    await editor?.[Symbol.asyncDispose]();
    await device?.[Symbol.asyncDispose]();
  });

  /** The first row is the device, then its backups, newest first. */
  const rows = () => window.view('Backups').locator('.monaco-list-row');
  const current = () => rows().nth(1);
  const present = () => device.place(folder);
  const names = () => fs.readdirSync(folder).filter((name) => !name.startsWith('.'));

  async function clear(): Promise<void> {
    await window.page.keyboard.press('Escape');
    await window.runCommand('Notifications: Clear All Notifications');
  }

  async function askForFullCheck(): Promise<void> {
    await window.clickRowMenu(current(), 'Check Backup…');
    await window.choose('Full Check');
    await window.quickInput.getByText('Check Without the Password').waitFor();
  }

  it('asks whether with the password, refuses a wrong one, and finds no damage with the right one', async () => {
    const before = readTree(present());
    await askForFullCheck();
    await window.shot('encrypted-check-1-with-or-without-dark');
    await window.choose('Check With the Password');
    await window.quickInput.getByText(/Password of the backup of/).waitFor();
    await window.shot('encrypted-check-2-password-dark');
    await window.answer('wrong');
    await window.quickInput.getByText(/That password is wrong/).waitFor({ timeout: 60_000 });
    await window.shot('encrypted-check-3-wrong-password-dark');
    await window.answer(PASSWORD);
    await window.toast(/No damage found in Ann's iPhone/).waitFor({ timeout: 60_000 });
    // The question has said it; a notification besides would say it twice.
    assert.equal(await window.toast(/not the password/).count(), 0);
    await window.shot('encrypted-check-4-no-damage-dark');
    assert.deepEqual(readTree(present()), before);
    await clear();
  });

  it('names what is damaged with the password, and cannot without', async () => {
    // Stored in whole blocks of 16 bytes.
    const files = fs.readdirSync(present(), { recursive: true }) as string[];
    const file = files.find((name) => Math.abs(fs.statSync(path.join(present(), name)).size - PHOTO_BYTES) <= 16) ?? '';
    const bytes = fs.readFileSync(path.join(present(), file));
    bytes[1234] = (bytes[1234] ?? 0) ^ 4;
    fs.writeFileSync(path.join(present(), `${file}.new`), bytes);
    fs.renameSync(path.join(present(), `${file}.new`), path.join(present(), file));

    await askForFullCheck();
    await window.choose('Check Without the Password');
    const nameless = window.toast(/1 file is damaged in Ann's iPhone/);
    await nameless.waitFor({ timeout: 60_000 });
    assert.doesNotMatch((await nameless.textContent()) ?? '', /Camera Roll/);
    await clear();

    await askForFullCheck();
    await window.choose('Check With the Password');
    await window.answer(PASSWORD);
    await window.toast(/1 file is damaged in Ann's iPhone.*Camera Roll/).waitFor({ timeout: 60_000 });
    await window.answerToast(/1 file is damaged/, 'Show Report');
    await window.tab('Check of').waitFor({ timeout: 30_000 });
    await window.webview().getByRole('heading', { name: '1 file is damaged' }).waitFor({ timeout: 30_000 });
    await window.shot('encrypted-check-5-damage-dark');
    await editor?.setTheme('light');
    // It is drawn anew.
    await window.webview().getByRole('heading', { name: '1 file is damaged' }).waitFor({ timeout: 30_000 });
    await window.shot('encrypted-check-5-damage-light');
    await editor?.setTheme('dark');
    await clear();
  });

  it('moves an earlier one to another folder, compared before the original goes', async () => {
    const version = names().find((name) => name !== device.udid) ?? '';
    const before = readTree(path.join(folder, version));
    await window.clickRowMenu(rows().nth(2), 'Move to Another Folder…');
    await window.quickInput.getByText(/Move Ann's iPhone/).waitFor();
    await window.enterFolder(elsewhere);
    await window.shot('encrypted-check-6-move-dialog-dark');
    assert.deepEqual(fs.readdirSync(elsewhere), []);
    await window.quickInput.getByRole('button', { name: 'Move Here' }).click();
    const moved = window.toast(/is now in .*big disk.*compared with the original/);
    await moved.waitFor({ timeout: 60_000 });
    await window.shot('encrypted-check-7-moved-dark');
    assert.deepEqual(names(), [device.udid]);
    assert.deepEqual(readTree(path.join(elsewhere, version)), before);
    const report = await verifyBackup({ path: path.join(elsewhere, version), level: 'full', password: PASSWORD });
    assert.deepEqual([report.findings, report.hashesKnown, report.notChecked], [[], true, []]);

    await window.answerToast(/is now in/, 'Show Backups of This Folder');
    await rows().nth(2).waitFor({ timeout: 30_000 });
    await window.shot('encrypted-check-8-both-folders-dark');
    await clear();
  });

  it('keeps a backup when there is no trash and the answer is to keep it', async () => {
    await window.clickRowMenu(current(), 'Delete…');
    await window.answerDialog(/Delete the backup of Ann's iPhone/, 'Delete');
    const noTrash = window.dialog(/There is no trash for that disk/);
    await noTrash.or(window.dialog(/only complete backup/)).waitFor();
    if (await window.dialog(/only complete backup/).isVisible()) {
      await window.answerDialog(/only complete backup/, 'Delete the Only Backup');
    }
    await noTrash.waitFor();
    await window.shot('encrypted-check-9-no-trash-dark');
    const before = readTree(present());
    await window.page.keyboard.press('Enter');
    await noTrash.waitFor({ state: 'detached' });
    assert.deepEqual(readTree(present()), before);
  });
});
