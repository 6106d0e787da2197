import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'mocha';
import * as vscode from 'vscode';
import { extension, manifest } from './manifest';

const { contributes } = manifest();
const commands = new Set(contributes.commands.map(({ command }) => command));
const views = new Set(Object.values(contributes.views).flatMap((list) => list.map(({ id }) => id)));

describe('contributions', () => {
  it('of menus refer to commands and views that exist', () => {
    for (const [menu, entries] of Object.entries(contributes.menus)) {
      for (const { command, when = '' } of entries) {
        if (command) assert.ok(commands.has(command), `${menu}: ${command}`);
        for (const [, view] of when.matchAll(/\bview == ([\w.]+)/g))
          assert.ok(views.has(view ?? ''), `${menu}: ${when}`);
      }
    }
  });

  it('ask only for context keys that are set', async () => {
    const sources = path.join(PROJECT_ROOT, 'src');
    const files = (fs.readdirSync(sources, { recursive: true }) as string[]).filter((file) => file.endsWith('.ts'));
    const texts = await Promise.all(files.map((file) => fs.promises.readFile(path.join(sources, file), 'utf8')));
    const known = new Set([...texts.join('\n').matchAll(/'(iosBackup:\w+)'/g)].map(([, key]) => key));
    const asked = [...JSON.stringify(contributes).matchAll(/iosBackup:\w+/g)].map(([key]) => key);
    assert.ok(asked.length > 10);
    assert.deepEqual(
      [...new Set(asked)].filter((key) => !known.has(key)),
      [],
    );
  });

  it('of texts link to commands that exist', async () => {
    const texts = [
      ...contributes.viewsWelcome.map(({ contents }) => contents),
      ...contributes.walkthroughs.flatMap(({ steps }) => steps.map(({ description }) => description)),
    ];
    const links = texts.flatMap((text) => [...text.matchAll(/\]\(command:([\w.]+)\)/g)].map(([, id]) => id ?? ''));
    const registered = new Set(await vscode.commands.getCommands(true));
    assert.ok(links.length > 10);
    assert.deepEqual(
      links.filter((id) => !registered.has(id)),
      [],
    );
  });

  it('have one text for each reason why no device is shown, on every system', () => {
    const systems = ['debian', 'fedora', 'arch', 'suse', 'linux', 'win32', 'darwin'];
    const reasons = ['connecting', 'ready', 'absent', 'refused', 'silent', 'engineLost', 'engineBusy'];
    for (const system of systems) {
      for (const mux of reasons) {
        const fitting = contributes.viewsWelcome.filter(
          ({ view, when = '' }) => view === 'iosBackup.devices' && holds(when, { mux, system }),
        );
        assert.equal(fitting.length, 1, `${mux} on ${system}: ${fitting.map(({ when }) => when).join(' / ')}`);
        assert.doesNotMatch(fitting[0]?.contents ?? '%', /%/);
      }
    }
    for (const system of systems) {
      for (const backups of ['connecting', 'offline', 'noPermission', 'none']) {
        const fitting = contributes.viewsWelcome.filter(
          ({ view, when = '' }) => view === 'iosBackup.backups' && holds(when, { backups, system }),
        );
        assert.equal(fitting.length, 1, `${backups} on ${system}`);
      }
    }
  });

  it('name the command that helps on this system', () => {
    const text = (system: string) =>
      contributes.viewsWelcome.find(({ when = '' }) => when.includes("'absent'") && when.includes(`'${system}'`))
        ?.contents;
    assert.match(text('debian') ?? '', /sudo apt install usbmuxd/);
    assert.match(text('fedora') ?? '', /sudo dnf install usbmuxd/);
    assert.match(text('arch') ?? '', /sudo pacman -S usbmuxd/);
    assert.match(text('suse') ?? '', /sudo zypper install usbmuxd/);
    assert.match(text('win32') ?? '', /Apple Devices/);
    const noPermission = contributes.viewsWelcome.find(({ when = '' }) => /noPermission.*darwin/.test(when))?.contents;
    assert.match(noPermission ?? '', /Full Disk Access/);
  });

  it('lead in five steps to an encrypted backup, each with a picture and an end of its own', () => {
    const steps = contributes.walkthroughs[0]?.steps ?? [];
    assert.deepEqual(
      steps.map(({ id }) => id),
      ['plugIn', 'trust', 'backUp', 'encrypt', 'check'],
    );
    for (const { id, media, completionEvents } of steps) {
      assert.ok(fs.existsSync(path.join(extension().extensionPath, media.svg ?? '')), id);
      assert.ok(completionEvents.length > 0, id);
    }
  });

  it('keep paths and sockets out of a workspace’s reach', () => {
    const { properties } = contributes.configuration;
    for (const name of ['folder', 'deviceFolders', 'moreFolders', 'socketAddress']) {
      assert.equal(properties[`iosBackup.${name}`]?.scope, 'machine', name);
    }
    for (const [name, { scope }] of Object.entries(properties)) {
      assert.ok(scope === 'machine' || scope === 'application', `${name} can be set by a workspace`);
    }
  });
});

/** The part of VS Code's `when` language that our texts use. */
function holds(when: string, values: Readonly<Record<string, string>>): boolean {
  return when.split('||').some((side) =>
    side.split('&&').every((part) => {
      const match = /^\s*(!?)iosBackup:(\w+)\s*(?:(==|!=|=~)\s*(?:'([^']*)'|\/(.*)\/))?\s*$/.exec(part);
      assert.ok(match, `not understood: ${part}`);
      const [, not, key = '', operator, text, pattern] = match;
      const value = values[key];
      if (!operator) return not ? !value : Boolean(value);
      if (operator === '=~') return new RegExp(pattern ?? '').test(value ?? '');
      return (value === text) === (operator === '==');
    }),
  );
}
