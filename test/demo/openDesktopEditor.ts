import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { EditorRequest, OpenedEditor } from './openEmbeddedEditor';

/**
 * The installed VS Code, with the extension under development. For a real device it is the person's own VS Code. For a
 * virtual one it is one with settings, home of backups and extensions of its own, because one that runs already would
 * not learn the virtual device's address; that one is ended with the rest.
 */
export async function openDesktopEditor({ address, show }: EditorRequest): Promise<OpenedEditor> {
  const args = ['--new-window', `--extensionDevelopmentPath=${PROJECT_ROOT}`];
  if (!address) {
    if (show) await runCode(args, process.env);
    return { where: 'VS Code has been opened.', close: () => Promise.resolve() };
  }
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ib-'));
  const data = path.join(folder, 'data');
  fs.mkdirSync(path.join(data, 'User'), { recursive: true });
  const settings = {
    'iosBackup.folder': path.join(folder, 'Backups'),
    'workbench.startupEditor': 'none',
    'telemetry.telemetryLevel': 'off',
  };
  fs.writeFileSync(path.join(data, 'User', 'settings.json'), JSON.stringify(settings, null, 2));
  const own = [`--user-data-dir=${data}`, `--extensions-dir=${path.join(folder, 'extensions')}`];
  if (show) await runCode([...args, ...own], { ...process.env, USBMUXD_SOCKET_ADDRESS: address });
  return {
    where: 'VS Code has been opened.',
    close: async () => {
      endEditor(data);
      await fs.promises.rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
    },
  };
}

/** `code` hands over to the editor and ends. */
function runCode(args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    const windows = process.platform === 'win32';
    const quoted = windows ? args.map((argument) => `"${argument}"`) : args; // `code` is a batch file there
    const child = spawn('code', quoted, { env, stdio: ['ignore', 'ignore', 'inherit'], shell: windows });
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`code ended with ${String(code)}`))));
  });
}

/** VS Code writes the id of its main process into its data folder. */
function endEditor(data: string): void {
  try {
    process.kill(Number(fs.readFileSync(path.join(data, 'code.lock'), 'utf8')), 'SIGTERM');
  } catch {
    // The person has closed it.
  }
}
