import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'mocha';
import { Editor, keepEvidenceOfFailures } from '../support/editor';
import type { EditorWindow } from '../support/editorWindow';
import { type MadeBackup, madePassword, madeUdid, makeBackup } from '../support/madeBackup';

describe('an encrypted backup as a folder', () => {
  let editor: Editor | undefined;
  let window: EditorWindow;
  let folder: string;
  let made: MadeBackup;
  keepEvidenceOfFailures(() => editor);

  before(async () => {
    editor = await Editor.start({
      env: { USBMUXD_SOCKET_ADDRESS: 'UNIX:/nonexistent' },
      settings: { 'files.simpleDialog.enable': true },
    });
    folder = path.join(editor.server.folder, 'backups');
    fs.mkdirSync(folder);
    made = makeBackup(path.join(folder, madeUdid), '--later');
    makeBackup(path.join(folder, `${madeUdid}-20250601-080000`));
    editor.changeSettings({ 'iosBackup.folder': folder });
    window = await editor.openWindow();
  });

  after(async () => editor?.[Symbol.asyncDispose]());

  const explorer = (text: string | RegExp) =>
    window.page.locator('.explorer-folders-view .monaco-list-row', { hasText: text });
  /** A view whose header says more than its title. */
  const pane = (title: RegExp) =>
    window.page.locator('.pane', { has: window.page.locator('.pane-header', { hasText: title }) });
  const expand = async (text: string | RegExp) => {
    const row = explorer(text);
    await row.waitFor();
    if ((await row.getAttribute('aria-expanded')) !== 'true') await row.click();
  };

  const openFromList = async () => {
    await window.showContainer('iOS Backup');
    // The list is drawn anew when sizes are known; a click in between would name no row.
    const row = window.row(/kB · iOS 17.5/, window.view('Backups')).first();
    await row.waitFor({ timeout: 60_000 });
    await window.clickRowAction(row, 'Open Backup as Folder');
    await window.quickInput.getByText('Password of the backup').waitFor({ timeout: 60_000 });
  };

  it('is opened from the list of backups, and asks for its password once', async () => {
    await openFromList();
    await window.shot('open-1-password');
    await window.answer('wrong');
    await window.quickInput.getByText('That is not the password').waitFor();
    await window.answer(madePassword);
    // A second folder makes a workspace and loads the window anew. Now and then the embedded editor comes back without
    // any folder, ours and its own: then it is added once more.
    const lost = window.page.getByText('You have not yet added a folder');
    await explorer("Anna's iPhone").or(lost).first().waitFor({ timeout: 60_000 });
    await window.page.waitForTimeout(2000);
    if (await lost.isVisible()) {
      await openFromList();
      await window.answer(madePassword);
    }
    await expand("Anna's iPhone");
    await explorer('Camera Roll').waitFor();
    await window.shot('open-2-folders');
    assert.equal(await window.page.locator('.notification-list-item', { hasText: 'is locked' }).count(), 0);
  });

  it('shows rows of a database, with what is in its log', async () => {
    await expand('Apps');
    await expand('Example Notes');
    await expand('Documents');
    await explorer(/^Notes\.sqlite$/).click();
    const page = window.webview();
    await page.getByText('Note 1', { exact: true }).waitFor();
    await page.getByText('With its write-ahead log').waitFor();
    await page.getByLabel('Filter rows').fill('only in the log');
    await page.getByText('in the log', { exact: false }).first().waitFor();
    await page.getByText(/Rows 1–1$/).waitFor();
    await page.getByLabel('Filter rows').fill('');
    await page.getByText(/Rows 1–100/).waitFor();
    await page
      .getByRole('button', { name: /picture/ })
      .first()
      .click();
    await page.locator('#value-picture').waitFor();
    await window.shot('open-3-database');
  });

  it('shows a property list and what was archived in it', async () => {
    await expand('Library');
    await expand('Preferences');
    await explorer('com.example.notes.plist').click();
    const page = window.webview();
    await page.getByText('Launches').waitFor();
    await page.getByText('Inside').waitFor();
    await window.shot('open-4-plist');
  });

  it('finds a file by name while typing', async () => {
    await window.runCommand('iOS Backup: Find File in Backup…');
    await window.quickInput.locator('input.input').fill('sms db');
    await window.quickInput.locator('.monaco-list-row', { hasText: 'sms.db' }).first().waitFor();
    await window.shot('open-5-find');
    await window.choose('sms.db');
    await window.webview().getByText('Grüße aus Köln').waitFor();
    await window.shot('open-6-messages');
  });

  it('searches contents, and opens a hit at its row', async () => {
    await window.runCommand('iOS Backup: Search in Backup…');
    await window.answer('the train');
    const results = pane(/Search in Backup/i);
    await results.getByText('The train is late').first().waitFor();
    await window.shot('open-7-search');
    await results.getByText('The train is late').first().click();
    await window.webview().locator('tr.hit', { hasText: 'The train is late' }).waitFor();
  });

  it('is compared with an earlier version', async () => {
    await window.runCommand('iOS Backup: Compare with Another Backup…');
    await window.choose(`${madeUdid}-20250601-080000`);
    const view = pane(/Comparison/i);
    await view.getByText('4 differences').waitFor();
    await window.toggleRow(window.row('Home', view));
    await window.row('sms.db', view).click();
    await window.page.locator('.monaco-diff-editor').waitFor();
    await window.page.locator('.monaco-diff-editor .line-insert').first().waitFor();
    await window.shot('open-8-compare');
  });

  it('extracts a folder, byte for byte', async () => {
    const target = path.join(editor?.server.folder ?? '', 'out');
    fs.mkdirSync(target);
    await window.page.locator('.activitybar .action-item a[aria-label^="Explorer"]').click();
    await window.clickRowMenu(explorer('Example Notes').first(), 'Extract from Backup…');
    await window.enterFolder(target);
    await window.quickInput.locator('.monaco-list-row', { hasText: '..' }).first().waitFor();
    await window.quickInput.getByText('Extract Here').click();
    await window.toast(/files, .* were extracted/).waitFor();
    await window.shot('open-9-extracted');
    const prefix = 'AppDomain-com.example.notes/';
    const names = Object.keys(made.files).filter((name) => name.startsWith(prefix));
    for (const name of names) {
      const bytes = fs.readFileSync(path.join(target, 'Example Notes', name.slice(prefix.length)));
      assert.equal(createHash('sha256').update(bytes).digest('hex'), made.files[name], name);
    }
    assert.equal(names.length, 6);
  });

  it('is locked by its command: contents are gone, and the folder says so', async () => {
    await window.runCommand('iOS Backup: Lock Backup');
    await explorer('Locked').waitFor();
    assert.equal(await window.page.locator('.tabs-container .tab', { hasText: 'sms.db' }).count(), 0);
    await window.shot('open-10-locked');
  });

  it('comes back locked after a reload, and unlocks when its file is opened', async () => {
    await window.reload();
    await explorer('Locked').waitFor({ timeout: 60_000 });
    await window.shot('open-11-reloaded');
    await explorer('Locked').click();
    await window.quickInput.getByText('Password of the backup').waitFor();
    await window.answer(madePassword);
    await explorer('Camera Roll').waitFor();
  });

  it('remembers the password when asked to, and then opens without asking', async () => {
    const offer = /Remember the password of/;
    await window.toast(offer).first().waitFor();
    await window.shot('open-12-remember');
    await window.toast(offer).first().getByRole('button', { name: 'Remember', exact: true }).click();
    await window.toast(offer).first().waitFor({ state: 'hidden' });
    await window.runCommand('iOS Backup: Lock Backup');
    await explorer('Locked').waitFor();
    await explorer('Locked').click();
    await explorer('Camera Roll').waitFor();
    assert.equal(await window.quickInput.getByText('Password of the backup').isVisible(), false);
  });

  it('leaves nothing of its contents on the disk', () => {
    const places: string[] = [];
    const look = (at: string) => {
      for (const entry of fs.readdirSync(at, { withFileTypes: true })) {
        const place = path.join(at, entry.name);
        if (place === path.join(editor?.server.folder ?? '', 'out')) continue;
        if (entry.isDirectory()) look(place);
        else if (entry.isFile() && fs.readFileSync(place).includes(made.marker)) places.push(place);
      }
    };
    look(editor?.server.folder ?? '');
    assert.deepEqual(places, []);
  });
});
