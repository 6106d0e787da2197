import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'mocha';
import { accessibilityViolations } from '../support/accessibility';
import { Editor, keepEvidenceOfFailures, type Theme } from '../support/editor';
import type { EditorWindow } from '../support/editorWindow';
import { lookAt } from '../support/lookAt';
import { until } from '../support/until';
import { startVirtualDevice, type VirtualDeviceProcess } from '../support/virtualDeviceProcess';
import { presetNamed } from '../virtualDevice/presets';

const small = presetNamed('small');
const description = {
  ...small,
  name: 'Ann’s <b>iPhone</b>',
  content: {
    ...small.content,
    groups: [{ domain: 'CameraRollDomain', relativePath: 'Media/DCIM', count: 60, size: 200_000 }],
  },
  state: { ...small.state, trust: 'ask', passcodePrompt: 'enter', cloudBackup: false },
} as const;
const { name, udid } = description;

describe('the page of a device', () => {
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
    // A project that somebody sent: it must not be able to send the backup elsewhere.
    const hostile = path.join(editor.server.folder, 'stolen');
    fs.mkdirSync(path.join(editor.server.workspace, '.vscode'));
    fs.writeFileSync(
      path.join(editor.server.workspace, '.vscode', 'settings.json'),
      JSON.stringify({
        'iosBackup.folder': hostile,
        'iosBackup.deviceFolders': { [udid]: hostile },
        'iosBackup.moreFolders': [hostile],
        'iosBackup.socketAddress': '127.0.0.1:9',
        'iosBackup.reminderDays': 0,
      }),
    );
    window = await editor.openWindow();
  });

  after(async () => {
    await editor?.[Symbol.asyncDispose]();
    await phone?.[Symbol.asyncDispose]();
  });

  const device = () => window.row('iPhone', window.view('Devices'));
  const page = () => window.webview();
  const button = (label: string) => page().getByRole('button', { name: label, exact: true });

  const look = (shot: string, themes?: readonly Theme[]) => lookAt(editor, window, `general-${shot}`, themes);

  it('shows what the device is called as text, and asks for trust', async () => {
    await window.showContainer('iOS Backup');
    await device().click();
    await page().getByRole('heading', { name }).waitFor();
    assert.equal(await page().locator('h1 b').count(), 0);
    await button('Trust This Device').waitFor();
    await look('1-untrusted');
  });

  it('says what to do when “Don’t Trust” was tapped, and goes on after replugging', async () => {
    await button('Trust This Device').click();
    await page().getByText('tap Trust and enter its passcode').first().waitFor();
    await phone.device.dontTrust();
    await page().getByText('“Don’t Trust” was tapped').first().waitFor();
    await look('2-denied');
    await phone.device.unplug();
    await page().getByText('Not connected').first().waitFor();
    await phone.device.plug();
    await button('Trust This Device').click();
    await page().getByText('tap Trust and enter its passcode').first().waitFor();
    await phone.device.trust();
    await button('Back Up Now').waitFor();
    await look('3-trusted');
  });

  it('is usable in a narrow editor and at 200 %', async () => {
    // 300 pixels are left for the editor; and 640 × 400 is what a window of 1280 × 800 has at 200 %.
    for (const [shot, width, height] of [
      ['narrow', 660, 1100],
      ['zoomed', 640, 400],
    ] as const) {
      await window.page.setViewportSize({ width, height });
      await until(async () => (await widthOfPage()) < 320);
      await window.shot(`general-4-${shot}`);
      await noSidewaysScrolling();
      assert.deepEqual(await accessibilityViolations(window), []);
    }
    await window.page.setViewportSize({ width: 1280, height: 800 });
  });

  async function widthOfPage(): Promise<number> {
    return (await page().locator('body').boundingBox())?.width ?? Infinity;
  }

  async function noSidewaysScrolling(): Promise<void> {
    const wider = await page()
      .locator('html')
      .evaluate((html) => {
        const { scrollWidth, clientWidth } = html as unknown as Record<'scrollWidth' | 'clientWidth', number>;
        return scrollWidth - clientWidth;
      });
    assert.equal(wider, 0);
  }

  it('reads and sets what the device keeps, and follows it when it changes elsewhere', async () => {
    await page().getByLabel('Show this device when on Wi-Fi').click();
    await until(async () => (await phone.device.summary()).switches.wifiConnections);
    await page().getByLabel('To iCloud').click();
    await until(async () => (await phone.device.summary()).switches.cloudBackup);
    await until(() => page().getByLabel('To iCloud').isChecked());
    await page().getByLabel('To this computer').click();
    await until(async () => !(await phone.device.summary()).switches.cloudBackup);
    await until(() => page().getByLabel('To this computer').isChecked());
    assert.equal(await page().getByLabel('Encrypt local backup').isChecked(), false);
    await phone.device.set({ backupPassword: 'set by another program' });
    await until(() => page().getByLabel('Encrypt local backup').isChecked());
    await button('Change Password…').waitFor();
    await phone.device.set({ backupPassword: null });
    await until(async () => !(await page().getByLabel('Encrypt local backup').isChecked()));
  });

  it('shows a running backup in two windows, over a reload, and cancels it', async function () {
    this.timeout(300_000); // Two more extension hosts are started.
    await phone.device.set({ rate: 60_000 });
    await button('Back Up Now').click();
    await page().getByText('Copying files').first().waitFor();
    await look('5-running');
    const second = await editor.openWindow();
    await second.showContainer('iOS Backup');
    await second.row('iPhone', second.view('Devices')).click();
    await second.webview().getByText('Copying files').first().waitFor();
    await second.statusBarItem('Copying files').waitFor();
    await second.close();
    await window.reload();
    await window.statusBarItem('Copying files').waitFor({ timeout: 60_000 });
    await page().getByText('Copying files').first().waitFor();
    await button('Cancel').click();
    await page().getByRole('heading', { name: 'Cancelled' }).waitFor();
    await look('6-cancelled');
    await button('Dismiss').click();
    await page().getByRole('heading', { name: 'Cancelled' }).waitFor({ state: 'hidden' });
    await phone.device.set({ rate: 0 });
  });

  it('says what to do when the disk is full, keeps it over a reload, and goes on afterwards', async () => {
    await phone.device.set({ hostDiskFull: true });
    await button('Back Up Now').click();
    const failed = page().getByRole('heading', { name: /disk of the backup folder is full/ });
    await failed.waitFor();
    await button('Choose Another Folder').waitFor();
    await look('7-disk-full');
    await window.reload();
    await failed.waitFor({ timeout: 60_000 });
    await phone.device.set({ hostDiskFull: null });
    await button('Back Up Now').click();
    await page()
      .getByRole('heading', { name: `${name} is backed up` })
      .waitFor({ timeout: 60_000 });
    assert.deepEqual(await phone.device.compareFolder(folder), []);
    assert.equal(fs.existsSync(path.join(editor.server.folder, 'stolen')), false);
    await look('8-done');
  });

  it('keeps a history, and leads to the backups', async () => {
    const rows = page().locator('#history-list li');
    await until(async () => (await rows.count()) === 3);
    assert.match((await rows.nth(0).textContent()) ?? '', /Full backup|Backup/);
    assert.match((await rows.nth(1).textContent()) ?? '', /full/);
    assert.match((await rows.nth(2).textContent()) ?? '', /Cancelled/);
    await button('Manage Backups…').click();
    await window.view('Backups').locator('.monaco-list-row.focused', { hasText: 'iPhone' }).waitFor();
    await window.shot('general-9-manage');
  });

  it('is all there for the keyboard', async () => {
    await page().locator('h1').click();
    const seen: string[] = [];
    for (let step = 0; step < 20; step++) {
      await window.press('Tab');
      seen.push(
        (await page()
          .locator(':focus')
          .getAttribute('id', { timeout: 1000 })
          .catch(() => null)) ?? '?',
      );
      if (seen.at(-1) === 'automatic') break;
    }
    for (const id of ['dismiss', 'back-up-now', 'manage', 'choose-folder', 'encrypt', 'wifi', 'automatic']) {
      assert.ok(seen.includes(id), `${id} is not reached: ${seen.join(' ')}`);
    }
    await window.press('Space');
    await until(() => page().getByLabel('Back up automatically when connected').isChecked());
    await window.press('Space');
    await until(async () => !(await page().getByLabel('Back up automatically when connected').isChecked()));
  });

  it('asks nothing of another computer', () => {
    // VS Code's own service worker answers these with the extension's files.
    const own = /^https:\/\/[^/]*\.vscode-resource\.vscode-cdn\.net\/.*\/ios-backup\.ios-backup-/;
    assert.deepEqual(
      window.foreignRequests.filter((address) => !own.test(address)),
      [],
    );
  });
});
