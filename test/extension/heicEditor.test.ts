import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import * as vscode from 'vscode';
import { backupUri } from '../../src/views/backupFileSystem/backupUri';
import { HeicEditor } from '../../src/views/heicEditor/heicEditor';
import { until } from '../support/until';
import { extension } from './manifest';

describe('a HEIC picture of a backup', () => {
  afterEach(() => vscode.commands.executeCommand('workbench.action.closeAllEditors'));

  it('says that it cannot be shown, and offers to extract exactly this one', () => {
    const uri = backupUri({ id: '0123456789abcdef', path: 'Camera Roll/DCIM/<i> "1".HEIC' });
    const webview = { cspSource: 'csp', asWebviewUri: (one: vscode.Uri) => one, options: {}, html: '' };
    new HeicEditor({ extensionUri: extension().extensionUri }).resolveCustomEditor(
      { uri, dispose() {} },
      { webview: webview as unknown as vscode.Webview },
    );
    assert.match(webview.html, /cannot show pictures in HEIC format/);
    assert.ok(!webview.html.includes('<i>'));
    assert.ok(!webview.html.includes('script-src'));
    const [, link = ''] = /href="(command:[^"]*)"/.exec(webview.html) ?? [];
    const [command, given = ''] = link
      .replace(/&#(\d+);/g, (_all, code) => String.fromCharCode(Number(code)))
      .split('?');
    assert.equal(command, 'command:iosBackup.extractFromBackup');
    const [meant] = JSON.parse(decodeURIComponent(given)) as [
      { readonly $mid: number; readonly scheme: string; readonly authority: string; readonly path: string },
    ];
    // The mark by which VS Code makes an address of it again, for the command.
    assert.equal(meant.$mid, 1);
    assert.equal(vscode.Uri.from(meant).toString(), uri.toString());
    assert.deepEqual(webview.options, { ...webview.options, enableScripts: false });
  });

  for (const name of ['IMG_0001.HEIC', 'IMG_0002.heif']) {
    it(`opens so by itself: ${name}`, async () => {
      await extension().activate();
      const uri = backupUri({ id: '0123456789abcdef', path: `Camera Roll/DCIM/100APPLE/${name}` });
      await vscode.commands.executeCommand('vscode.open', uri);
      const input = () => vscode.window.tabGroups.activeTabGroup.activeTab?.input;
      await until(() => input() instanceof vscode.TabInputCustom);
      assert.equal((input() as vscode.TabInputCustom).viewType, 'iosBackup.heic');
    });
  }
});
