import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { format } from 'node:util';
import type { Page } from 'playwright-core';
import type { MochaResult } from '../mochaResult.mjs';
import { startHostServer } from './hostServer';
import { openBrowser, openHostWindow } from './hostWindow';

const limit = Number(process.env.EXTENSION_TEST_TIMEOUT ?? 240_000);
const logs = path.join(PROJECT_ROOT, 'logs');

/** Lines of the workbench itself, which say nothing about the tests. */
const noise =
  /^(Timed out waiting for authentication provider|Error while fetching the extension under development|Ignoring fetching additional|Updating additional builtin|Resolv(ing|ed) connection token|Creating a socket|\[(Service Worker|reconnection-grace-time|AgentHost|AccountPolicyGate))/;

/** Runs the suite in the extension host of the VS Code server. @returns an exit code */
export async function runOnServer(suite: string): Promise<number> {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'ib-result-'));
  const resultFile = path.join(scratch, 'result.json');
  const server = await startHostServer({ env: () => ({ TEST_RESULT: resultFile, ...passedOn() }) });
  const browser = await openBrowser();
  const consoleLines: string[] = [];
  let page: Page | undefined;
  let code: number | undefined;
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    code = await new Promise<number>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no result after ${limit / 1000} s`)), limit);
      const before = async (opened: Page) => {
        page = opened;
        opened.on('console', (message) => consoleLines.push(`${message.type()} ${message.text()}`));
        opened.on('crash', () => reject(new Error('the window crashed')));
        // VS Code calls these two, if they are there: for every line of the log (what tests print among them), and at the end.
        await opened.exposeFunction('codeAutomationLog', (_type: string, args: unknown) => {
          const line = format(...([args].flat() as [unknown]));
          if (!noise.test(line)) console.log(line);
        });
        await opened.exposeFunction('codeAutomationExit', (ended: number) => {
          clearTimeout(timer);
          resolve(ended);
        });
      };
      const development = { extensions: [PROJECT_ROOT], testsPath: suite };
      openHostWindow(context, server, { folder: server.workspace, development, before }).catch(reject);
    });
  } catch (error) {
    console.error(error);
    fs.mkdirSync(logs, { recursive: true });
    await page?.screenshot({ path: path.join(logs, 'extension-tests.png') }).catch(() => {});
  } finally {
    fs.mkdirSync(logs, { recursive: true });
    fs.writeFileSync(path.join(logs, 'extension-tests.window.log'), consoleLines.join('\n'));
    fs.writeFileSync(path.join(logs, 'extension-tests.server.log'), server.readLog());
    await browser.close();
    await server.stop();
  }
  return judge(code, resultFile, scratch);
}

/** Runs the suite in a desktop VS Code. @returns an exit code */
export async function runOnDesktop(suite: string): Promise<number> {
  const { runTests } = await import('@vscode/test-electron');
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'ib-'));
  const workspace = path.join(scratch, 'workspace');
  fs.mkdirSync(workspace);
  const resultFile = path.join(scratch, 'result.json');
  const { VSCODE, VSCODE_VERSION = 'stable' } = process.env;
  let code: number | undefined;
  try {
    code = await runTests({
      ...(VSCODE ? { vscodeExecutablePath: VSCODE } : { version: VSCODE_VERSION }),
      extensionDevelopmentPath: PROJECT_ROOT,
      extensionTestsPath: suite,
      extensionTestsEnv: { TEST_RESULT: resultFile, ...passedOn() },
      launchArgs: [
        ...[workspace, '--disable-extensions', '--disable-workspace-trust', '--skip-welcome', '--skip-release-notes'],
        ...['--user-data-dir', path.join(scratch, 'data')],
      ],
    });
  } catch (error) {
    console.error(error);
  }
  return judge(code, resultFile, scratch);
}

function passedOn(): Record<string, string> {
  const { CI, MOCHA_GREP } = process.env;
  return { ...(CI ? { CI } : {}), ...(MOCHA_GREP ? { MOCHA_GREP } : {}) };
}

/** VS Code ends with 0 also when the extension host died, so the result file has the last word. */
function judge(code: number | undefined, resultFile: string, scratch: string): number {
  const text = fs.existsSync(resultFile) ? fs.readFileSync(resultFile, 'utf8') : undefined;
  fs.rmSync(scratch, { recursive: true, force: true });
  if (text === undefined) {
    console.error('the extension host ended without a result');
    return 1;
  }
  if (process.env.TEST_RESULT) fs.writeFileSync(process.env.TEST_RESULT, text);
  const result = JSON.parse(text) as MochaResult;
  for (const { title, error } of result.failures) console.log(`\nFAILED ${title}\n${error}`);
  console.log(`${result.passed} passed, ${result.failed} failed in the extension host`);
  return code === 0 && result.failed === 0 && result.passed > 0 ? 0 : 1;
}
