import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import * as vscode from 'vscode';
import type { App } from '../../src/app/app';
import type { BackupSummary } from '../../src/backups/types';
import { RememberedPasswords } from '../../src/app/rememberedPasswords';
import { KnownBackups } from '../../src/views/backupFileSystem/knownBackups';
import { OpenBackups } from '../../src/views/backupFileSystem/openBackups';
import { TASK_TYPE } from '../../src/views/tasks/extractTask';
import { ExtractTerminal } from '../../src/views/tasks/extractTerminal';
import { vectors } from '../support/backupVectors';
import { vectorPassword, writeVectorBackup } from '../support/vectorBackup';
import { fakeMemento, FakeSession, fakeSecrets } from './fakes';
import { extension, manifest } from './manifest';

const UDID = '00008130-000A1B2C3D4E5F60';
const APP = 'com.example.app';

describe('an extract task', () => {
  const { showWarningMessage, showInputBox, showInformationMessage } = vscode.window;
  let scratch: string;
  let root: string;
  let folder: string;
  let backups: BackupSummary[];
  let app: App;
  let passwords: RememberedPasswords;
  let confirmed: vscode.Memento;
  /** What the person types when the password is asked for; undefined closes the question. */
  let typed: (string | undefined)[];
  /** Whether the person agrees to a folder outside. */
  let agrees: boolean;
  let questions: string[];

  beforeEach(() => {
    scratch = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'task-')));
    root = path.join(scratch, 'workspace');
    fs.mkdirSync(root);
    folder = writeVectorBackup();
    backups = [
      { path: folder, root: os.tmpdir(), role: 'current', udid: UDID, encrypted: true, state: 'finished' },
      { path: '/nowhere', root: '/', role: 'version', udid: UDID, encrypted: true, state: 'finished', label: 'Old' },
    ];
    [typed, agrees, questions, confirmed] = [[], false, [], fakeMemento()];
    passwords = new RememberedPasswords(fakeSecrets(), fakeMemento());
    const log = { info: () => {}, warn: () => {}, error: () => {} } as unknown as vscode.LogOutputChannel;
    const reader = path.join(extension().extensionPath, 'dist', 'reader.js');
    app = {
      log,
      passwords,
      engine: new FakeSession((method) =>
        method === 'watchFolders' ? Promise.resolve({ folders: [], backups }) : Promise.reject(new Error(method)),
      ).asSession,
      openBackups: new OpenBackups(new KnownBackups(fakeMemento()), reader, log),
    } as unknown as App;
    Object.assign(vscode.window, {
      showInformationMessage: () => Promise.resolve(undefined),
      showInputBox: () => {
        questions.push('password');
        return Promise.resolve(typed.shift());
      },
      showWarningMessage: (_text: string, { detail }: vscode.MessageOptions, go: string) => {
        questions.push(detail ?? '');
        return Promise.resolve(agrees ? go : undefined);
      },
    });
  });
  afterEach(() => {
    Object.assign(vscode.window, { showWarningMessage, showInputBox, showInformationMessage });
    app.openBackups.dispose();
    for (const one of [scratch, folder]) fs.rmSync(one, { recursive: true, force: true });
  });

  /** Runs a task to its end. */
  const run = async (definition: Record<string, unknown>, act?: (terminal: ExtractTerminal) => void) => {
    const terminal = new ExtractTerminal(app, { definition, root, confirmed });
    let output = '';
    terminal.onDidWrite((text) => (output += text));
    const ended = new Promise<number>((resolve) => terminal.onDidClose(resolve));
    terminal.open();
    act?.(terminal);
    const code = await ended;
    assert.ok(!output.includes(vectorPassword));
    return { code, output };
  };
  const container = { app: APP, to: 'out' };
  const files = (at: string) =>
    (fs.readdirSync(at, { recursive: true }) as string[]).filter((name) => fs.statSync(path.join(at, name)).isFile());

  it('takes an app’s container out of the newest backup, with the password that is typed', async () => {
    typed = ['wrong', vectorPassword];
    const { code, output } = await run({ ...container, device: UDID });
    assert.equal(code, 0, output);
    assert.deepEqual(questions, ['password', 'password']);
    const file = vectors.files.find(({ domain }) => domain === `AppDomain-${APP}`);
    assert.ok(file);
    assert.deepEqual(files(path.join(root, 'out')), [path.normalize(file.relativePath)]);
    assert.equal(fs.readFileSync(path.join(root, 'out', file.relativePath)).toString('hex'), file.plain);
    assert.match(output, /1 files, 30 B were extracted\./);
  });

  it('takes a domain or a path, with the remembered password, and nothing is asked', async () => {
    await passwords.set(UDID, vectorPassword);
    for (const at of ['HomeDomain/Library/Notes', 'Home/Library/Notes/']) {
      const { code, output } = await run({ path: at, to: `${at.length}/deep` });
      assert.equal(code, 0, output);
      assert.deepEqual(files(path.join(root, `${at.length}/deep`)), [path.join('Notes', 'hello.txt')]);
    }
    assert.deepEqual(questions, []);
  });

  it('fails when a file cannot be extracted, and names it', async () => {
    await passwords.set(UDID, vectorPassword);
    const { fileID } = vectors.files.find(({ relativePath }) => relativePath === 'Library/Notes/hello.txt') ?? {};
    fs.rmSync(path.join(folder, fileID?.slice(0, 2) ?? '', fileID ?? ''));
    const { code, output } = await run({ path: 'HomeDomain', to: 'out' });
    assert.equal(code, 1);
    assert.match(output, /Not extracted: HomeDomain\/Library\/Notes\/hello\.txt/);
  });

  it('fails with a sentence when its definition names nothing that is there', async () => {
    await passwords.set(UDID, vectorPassword);
    const cases: readonly (readonly [Record<string, unknown>, RegExp])[] = [
      [{ app: APP }, /“to”/],
      [{ app: APP, to: 7 }, /“to” of the task has to be a text/],
      [{ to: 'out' }, /either “app” or “path”/],
      [{ app: APP, path: 'HomeDomain', to: 'out' }, /either “app” or “path”/],
      [{ path: '//', to: 'out' }, /either “app” or “path”/],
      [{ app: '../x', to: 'out' }, /“\.\.\/x” is not a bundle identifier/],
      [{ app: 'com.example.other', to: 'out' }, /nothing of the app com\.example\.other/],
      [{ path: 'HomeDomain/none\u001b[2J', to: 'out' }, /not/],
      [{ ...container, device: 'Nobody’s' }, /no finished backup of “Nobody’s”/],
      [{ ...container, backup: 'Older' }, /No listed backup is called “Older”/],
      [{ ...container, backup: 'Old' }, /\S/],
    ];
    for (const [definition, sentence] of cases) {
      const { code, output } = await run(definition);
      assert.equal(code, 1, `${JSON.stringify(definition)}: ${output}`);
      assert.match(output, sentence);
      assert.ok(!output.includes('\u001b[2J'));
    }
    backups = [...backups, { ...(backups[0] as BackupSummary), udid: '00008130-00000000000000FF' }];
    assert.match((await run(container)).output, /several devices/);
    backups = [];
    assert.match((await run(container)).output, /There is no finished backup\./);
    assert.deepEqual(fs.readdirSync(root), []);
  });

  it('ends when it is closed, interrupted, or its question is', async () => {
    assert.equal((await run(container)).code, 130);
    assert.deepEqual(questions, ['password']);
    await passwords.set(UDID, vectorPassword);
    assert.equal((await run(container, (terminal) => terminal.close())).code, 130);
    assert.equal((await run(container, (terminal) => terminal.handleInput('\u0003'))).code, 130);
    assert.deepEqual(fs.readdirSync(root), []);
  });

  it('writes outside of the workspace only to an empty folder, and only after it was asked for once', async () => {
    await passwords.set(UDID, vectorPassword);
    const outside = path.join(scratch, 'outside');
    fs.mkdirSync(outside);
    fs.symlinkSync(outside, path.join(root, 'link'), 'junction');
    for (const to of ['../outside', 'link', outside]) assert.equal((await run({ ...container, to })).code, 130, to);
    assert.deepEqual(questions, [outside, outside, outside]);
    assert.deepEqual(fs.readdirSync(outside), []);
    [agrees, questions] = [true, []];
    assert.equal((await run({ ...container, to: 'link' })).code, 0);
    assert.equal(files(outside).length, 1);
    const again = await run({ ...container, to: '../outside' });
    assert.equal(again.code, 1);
    assert.match(again.output, /not empty/);
    fs.rmSync(outside, { recursive: true });
    assert.equal((await run({ ...container, to: outside })).code, 0);
    assert.deepEqual(questions, [outside]);
    fs.symlinkSync(path.join(scratch, 'absent'), path.join(root, 'dangling'), 'junction');
    assert.match((await run({ ...container, to: 'dangling/in' })).output, /cannot be used as a folder/);
    assert.ok(!fs.existsSync(path.join(scratch, 'absent')));
  });

  it('of tasks.json is run by VS Code, which sees its exit code', async () => {
    const { contributes } = manifest() as unknown as {
      readonly contributes: { readonly taskDefinitions: readonly { readonly type: string }[] };
    };
    assert.deepEqual(
      contributes.taskDefinitions.map(({ type }) => type),
      [TASK_TYPE],
    );
    await extension().activate();
    const [workspace] = vscode.workspace.workspaceFolders ?? [];
    assert.ok(workspace);
    const file = vscode.Uri.joinPath(workspace.uri, '.vscode', 'tasks.json');
    const tasks = [{ type: TASK_TYPE, label: 'take out', device: 'Nobody’s', app: APP, to: 'out' }];
    await vscode.workspace.fs.writeFile(file, Buffer.from(JSON.stringify({ version: '2.0.0', tasks })));
    try {
      let task: vscode.Task | undefined;
      // VS Code reads the file when it notices it.
      for (let turn = 0; turn < 100 && !task; turn++) {
        task = (await vscode.tasks.fetchTasks({ type: TASK_TYPE })).find(({ name }) => name.includes('take out'));
        if (!task) await new Promise((go) => setTimeout(go, 100));
      }
      assert.ok(task, 'VS Code does not offer it');
      const ended = new Promise<number | undefined>((resolve) => {
        const subscription = vscode.tasks.onDidEndTaskProcess(({ execution, exitCode }) => {
          if (execution.task.definition.type !== TASK_TYPE) return;
          subscription.dispose();
          resolve(exitCode);
        });
      });
      await vscode.tasks.executeTask(task);
      assert.equal(await ended, 1);
    } finally {
      await vscode.workspace.fs.delete(vscode.Uri.joinPath(workspace.uri, '.vscode'), { recursive: true });
    }
  });
});
