import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, it } from 'mocha';
import type { Browser } from 'playwright-core';
import { EditorWindow } from '../support/editorWindow';
import { processesOf } from '../support/vscodeHost/endProcessesOf';
import { openBrowser } from '../support/vscodeHost/hostWindow';

describe('npm start', () => {
  let program: ChildProcess | undefined;
  let browser: Browser | undefined;

  afterEach(async () => {
    await browser?.close();
    if (program?.exitCode === null && program.signalCode === null) {
      program.kill('SIGTERM');
      await once(program, 'exit');
    }
  });

  it('opens an editor that shows the virtual iPhone, and ends everything on Ctrl-C', async () => {
    const script = path.join(PROJECT_ROOT, 'scripts', 'start.mjs');
    const started = spawn(process.execPath, [script, '--virtual', '--embedded', '--no-open'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    program = started;
    const lines: string[] = [];
    const reader = createInterface({ input: started.stdout });
    const url = await new Promise<string>((resolve, reject) => {
      reader.on('line', (line) => {
        lines.push(line);
        const found = /http:\/\/127\.0\.0\.1:\d+\/\S*/.exec(line)?.[0];
        if (found) resolve(found);
      });
      reader.on('close', () => reject(new Error(`no address in:\n${lines.join('\n')}`)));
    });
    const folder = path.dirname(new URL(url).searchParams.get('folder') ?? '');

    const page = await (browser = await openBrowser()).newPage({ viewport: { width: 1280, height: 800 } });
    page.setDefaultTimeout(60_000);
    const window = await EditorWindow.open(async (before) => {
      await before(page);
      await page.goto(url);
      return page;
    });
    await window.showContainer('iOS Backup');
    const phone = window.row('iPhone von Jörg', window.view('Devices'));
    await phone.waitFor();
    assert.ok(processesOf(folder).length > 0);

    started.stdin.write('x\n'); // pulls the cable
    await phone.waitFor({ state: 'detached' });

    started.kill('SIGINT');
    const [code] = (await once(started, 'exit')) as [number | null];
    assert.equal(code, 0);
    assert.deepEqual(processesOf(folder), []);
    assert.ok(lines.some((line) => line.includes('pull the cable')));
  });
});
