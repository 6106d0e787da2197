import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'mocha';
import type { Locator } from 'playwright-core';
import { Editor, keepEvidenceOfFailures } from '../support/editor';
import type { EditorWindow } from '../support/editorWindow';
import { RealBackups, variedContent } from '../support/realBackups';

const VICTIM = 'Media/DCIM/100APPLE';

describe('backups, checked, repaired and put in order', function () {
  this.timeout(180_000);
  let device: RealBackups;
  let editor: Editor | undefined;
  let window: EditorWindow;
  let folder: string;
  keepEvidenceOfFailures(() => editor);

  before(async () => {
    const content = await variedContent();
    const photos = { domain: 'CameraRollDomain', relativePath: VICTIM, count: 30, size: 900_000 };
    const app = {
      domain: 'AppDomain-org.example.notes',
      relativePath: 'Documents/attachments',
      count: 12,
      size: 600_000,
    };
    device = await RealBackups.start(
      {},
      { content: { ...content, groups: [...content.groups.slice(1), photos, app] } },
    );
    editor = await Editor.start({ env: { USBMUXD_SOCKET_ADDRESS: device.address } });
    folder = path.join(editor.server.folder, 'backups');
    fs.mkdirSync(folder);
    for (let version = 0; version < 3; version++) {
      if (version > 0) await device.change(6, version);
      await device.make(folder);
    }
    editor.changeSettings({ 'iosBackup.folder': folder });
    window = await editor.openWindow();
    await window.showContainer('iOS Backup');
  });

  after(async () => {
    await editor?.[Symbol.asyncDispose]();
    await device?.[Symbol.asyncDispose]();
  });

  const view = () => window.view('Backups');
  /** Of backups, newest first; the first row is the device. */
  const rows = () => view().locator('.monaco-list-row');
  const current = () => rows().nth(1);
  const names = () =>
    fs
      .readdirSync(folder)
      .filter((name) => !name.startsWith('.'))
      .sort();

  /** A context menu overlooks a click that comes too soon after it opened. */
  async function menu(row: Locator, title: string): Promise<void> {
    await row.click({ button: 'right' });
    const item = window.menuItem(title);
    for (let attempt = 0; attempt < 5; attempt++) {
      await item.click();
      try {
        return await item.waitFor({ state: 'detached', timeout: 1500 });
      } catch {
        // Again.
      }
    }
    throw new Error(`the menu does not take ${title}`);
  }

  async function clear(): Promise<void> {
    await window.page.keyboard.press('Escape');
    await window.runCommand('Notifications: Clear All Notifications');
  }

  /** A bit of the first photo of the present backup turns, as on a failing disk; its versions have it whole. */
  function damagePhoto(): string {
    const photos = fs.readdirSync(device.place(folder), { recursive: true }) as string[];
    const file = photos
      .map((name) => path.join(device.place(folder), name))
      .find((name) => fs.statSync(name).size === 900_000 && fs.statSync(name).nlink === 3);
    assert.ok(file);
    const bytes = fs.readFileSync(file);
    bytes[1234] = (bytes[1234] ?? 0) ^ 4;
    fs.writeFileSync(`${file}.new`, bytes);
    fs.renameSync(`${file}.new`, file);
    return path.relative(device.place(folder), file);
  }

  it('shows the versions of a device with what they take', async () => {
    await rows().nth(3).waitFor({ timeout: 60_000 });
    assert.equal(await rows().count(), 4);
    await current().getByText(/MB/).waitFor({ timeout: 30_000 });
    await window.shot('manage-1-versions-dark');
  });

  it('finds no damage in a good one', async () => {
    await menu(current(), 'Check Backup…');
    await window.choose('Full Check');
    await window.toast(/No damage found in Ann's iPhone/).waitFor({ timeout: 60_000 });
    await window.shot('manage-2-no-damage-dark');
    await clear();
  });

  it('names what is damaged, in the Problems panel and in a report', async () => {
    const file = damagePhoto();
    await menu(current(), 'Check Backup…');
    await window.choose('Full Check');
    const toast = window.toast(/1 file is damaged in Ann's iPhone.*Camera Roll/);
    await toast.waitFor({ timeout: 60_000 });
    await window.answerToast(/1 file is damaged/, 'Show Report');
    await window
      .runCommand('View: Focus Problems (Errors, Warnings, Infos)')
      .catch(() => window.runCommand('Problems: Focus on Problems View'));
    const panel = window.page.locator('.markers-panel');
    await panel.getByText(/Camera Roll: Media\/DCIM\/100APPLE\/.* is damaged/).waitFor();
    await panel.getByText(path.basename(file)).first().waitFor();
    await window.tab('Check of').waitFor({ timeout: 30_000 });
    await window.shot('manage-3-problems-and-report-dark');
    await editor?.setTheme('light');
    await window.shot('manage-3-problems-and-report-light');
    await editor?.setTheme('dark');
  });

  it('repairs it from another version, and the Problems panel is empty again', async () => {
    await clear();
    await menu(current(), 'Repair from Other Versions…');
    await window.dialog(/Repair Ann's iPhone/).waitFor();
    await window.shot('manage-4-repair-dark');
    await window.answerDialog(/Repair Ann's iPhone/, 'Make a Repaired Version');
    await window.toast(/The damaged file is repaired/).waitFor({ timeout: 60_000 });
    await clear();
    await rows().nth(4).waitFor({ timeout: 30_000 });
    await menu(current(), 'Check Backup…');
    await window.choose('Full Check');
    await window.toast(/No damage found/).waitFor({ timeout: 60_000 });
    await window.page.locator('.markers-panel').getByText('No problems have been detected').waitFor();
    await clear();
  });

  it('shows what is in it, with the keyboard too', async () => {
    await window.runCommand('View: Close All Editors');
    await window.runCommand('View: Hide Panel').catch(() => {});
    await menu(current(), 'Show What Is in It');
    const page = window.webview();
    await page.getByRole('heading', { name: 'All Apps and Domains' }).waitFor({ timeout: 30_000 });
    await page.getByRole('rowheader', { name: 'Camera Roll' }).waitFor();
    await window.shot('manage-5-contents-dark');
    const cell = page.getByRole('listitem').first();
    assert.match((await cell.getAttribute('aria-label')) ?? '', /^Camera Roll: 27/);
    await cell.focus();
    await window.page.keyboard.press('Enter');
    await editor?.setTheme('highContrast');
    await window.shot('manage-5-contents-high-contrast');
    await editor?.setTheme('light');
    await window.shot('manage-5-contents-light');
    await editor?.setTheme('dark');
  });

  it('gives one a name, and archives one', async () => {
    await menu(current(), 'Rename…');
    await window.answer('Before the holidays');
    await rows().filter({ hasText: 'Before the holidays' }).waitFor();
    const before = names();
    await menu(current(), 'Archive');
    await window.toast(/is archived/).waitFor({ timeout: 30_000 });
    await clear();
    assert.equal(names().length, before.length + 1);
    await window.shot('manage-6-named-and-archived-dark');
  });

  it('shows what a rule would remove before anything goes', async () => {
    editor?.changeSettings({ 'iosBackup.folder': folder, 'iosBackup.keepVersions': { last: 2 } });
    const before = names();
    const asked = window.quickInput.locator('input[placeholder*="nothing has been removed yet: keep the last 2"]');
    // The window follows a change of its settings within a second.
    for (let attempt = 0; attempt < 4; attempt++) {
      await menu(rows().first(), 'Thin Out Versions…');
      await window.quickInput.waitFor();
      if (await asked.isVisible()) break;
      await window.page.keyboard.press('Escape');
    }
    await asked.waitFor();
    await window.shot('manage-7-thin-out-dark');
    assert.deepEqual(names(), before);
    await window.page.keyboard.press('Escape');
  });

  it('deletes only when told so twice, never by Enter alone', async () => {
    const before = names();
    const last = () => rows().last();
    await menu(last(), 'Delete…');
    await window.dialog(/Delete the backup of Ann's iPhone/).waitFor();
    await window.shot('manage-8-delete-dark');
    await window.page.keyboard.press('Enter');
    await window.dialog(/Delete the backup/).waitFor({ state: 'detached' });
    assert.deepEqual(names(), before);
    await menu(last(), 'Delete…');
    await window.answerDialog(/Delete the backup/, 'Delete');
    // The editor's server has no trash of the system.
    await window.answerDialog(/no trash/, 'Delete for Good');
    for (const end = Date.now() + 20_000; names().length === before.length && Date.now() < end;) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.equal(names().length, before.length - 1);
    assert.ok(names().includes(device.udid));
  });
});
