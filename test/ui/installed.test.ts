import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { Editor, keepEvidenceOfFailures } from '../support/editor';
import type { EditorWindow } from '../support/editorWindow';

describe('the installed extension', () => {
  let editor: Editor | undefined;
  let window: EditorWindow;
  keepEvidenceOfFailures(() => editor);

  before(async () => {
    editor = await Editor.start();
    window = await editor.openWindow();
  });

  after(async () => editor?.[Symbol.asyncDispose]());

  it('shows its log from the palette', async () => {
    await window.runCommand('iOS Backup: Show Log');
    await window.page.locator('.part.panel', { hasText: 'iOS Backup' }).waitFor();
    await window.shot('log-dark');
  });

  it('follows the theme', async () => {
    await editor?.setTheme('light');
    await window.shot('log-light');
  });

  it('asks nothing of another computer', () => {
    assert.deepEqual(window.foreignRequests, []);
  });
});
