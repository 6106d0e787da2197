import path from 'node:path';
import { after, before, describe, it } from 'mocha';
import { Editor, keepEvidenceOfFailures } from '../support/editor';
import type { EditorWindow } from '../support/editorWindow';
import { startVirtualDevice, type VirtualDeviceProcess } from '../support/virtualDeviceProcess';
import { presetNamed } from '../virtualDevice/presets';

const small = presetNamed('small');
const description = { ...small, state: { ...small.state, trust: 'grant', passcodePrompt: 'enter' } } as const;

describe('the first steps', () => {
  let phone: VirtualDeviceProcess;
  let editor: Editor;
  let window: EditorWindow;
  keepEvidenceOfFailures(() => editor);

  before(async () => {
    phone = await startVirtualDevice([description]);
    await phone.device.unplug();
    editor = await Editor.start();
    editor.changeSettings({
      'iosBackup.folder': path.join(editor.server.folder, 'backups'),
      'iosBackup.socketAddress': `UNIX:${path.join(editor.server.folder, 'nobody-listens-here')}`,
    });
    window = await editor.openWindow();
  });

  after(async () => {
    await editor?.[Symbol.asyncDispose]();
    await phone?.[Symbol.asyncDispose]();
  });

  const step = (title: string) => window.page.locator('.getting-started-step', { hasText: title });
  const done = (title: string) =>
    step(title).locator('.getting-started-step-checked.complete, .codicon-getting-started-step-checked');

  it('name the command that starts the service on this system', async () => {
    await window.showContainer('iOS Backup');
    await window.view('Devices').getByText('is not running on this computer').waitFor();
    await window.view('Devices').getByText('sudo').first().waitFor();
    await window.shot('walkthrough-1-no-service');
  });

  it('follow the setting as soon as there is a service', async () => {
    editor.changeSettings({ 'iosBackup.socketAddress': phone.address });
    await window.view('Devices').getByText('No iPhone or iPad is connected').waitFor();
    await window.view('Backups').getByText('There are no backups on this computer yet').waitFor();
  });

  it('complete themselves, from the cable to the backup', async () => {
    await window.runCommand('Welcome: Open Walkthrough...');
    await window.choose('Back up an iPhone or iPad');
    await step('Plug it in').waitFor();
    await window.page.setViewportSize({ width: 1800, height: 900 }); // The pictures need room.
    await window.page
      .locator('.getting-started-media svg, .getting-started-media img, .getting-started-media iframe')
      .first()
      .waitFor();
    await window.shot('walkthrough-2-start');
    await phone.device.plug();
    await done('Plug it in').waitFor();
    await step('Trust this computer').click();
    await window.page.getByRole('button', { name: 'Trust Device' }).click();
    await done('Trust this computer').waitFor();
    await step('Make the first backup').click();
    await window.shot('walkthrough-3-trusted');
    await window.page.getByRole('button', { name: 'Back Up Now' }).click();
    await done('Make the first backup').waitFor({ timeout: 60_000 });
    await step('Encrypt it').click();
    await editor.setTheme('light');
    await window.shot('walkthrough-4-backed-up-light');
    await step('See what you have').click();
    await window.page.getByRole('button', { name: 'Show Backups' }).click();
    await done('See what you have').waitFor();
    await editor.setTheme('highContrast');
    await window.shot('walkthrough-5-checked-high-contrast');
  });
});
