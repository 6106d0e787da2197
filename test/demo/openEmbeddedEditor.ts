import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { findBrowser } from '../../scripts/findBrowser.mjs';
import { startHostServer } from '../support/vscodeHost/hostServer';

export interface EditorRequest {
  /** The mux of the virtual iPhone; absent: the system's, with the person's own home and folders. */
  readonly address?: string;
  /** Open a window now; otherwise only say where it is. */
  readonly show: boolean;
}

export interface OpenedEditor {
  /** One or two lines for the person. */
  readonly where: string;
  readonly close: () => Promise<void>;
}

/** The VS Code server of test/host, shown by the system's browser. */
export async function openEmbeddedEditor({ address, show }: EditorRequest): Promise<OpenedEditor> {
  const kept = path.join(PROJECT_ROOT, 'out', 'start');
  if (!address) fs.mkdirSync(kept, { recursive: true, mode: 0o700 });
  const server = await startHostServer({
    extensions: [PROJECT_ROOT],
    // A virtual iPhone's backups go with it: everything is in the run's folder, which is deleted at the end.
    ...(address ? { env: () => ({ USBMUXD_SOCKET_ADDRESS: address }) } : { folder: kept }),
  });
  const url = `${server.url}?folder=${encodeURIComponent(server.workspace)}`;
  const shown = show && hasDisplay();
  const browser = shown ? showInBrowser(url, path.join(server.folder, 'browser')) : undefined;
  return {
    where: shown ? `VS Code is at ${url}` : `Open this in a browser on this computer: ${url}`,
    close: async () => {
      browser?.kill();
      await server.stop();
    },
  };
}

function hasDisplay(): boolean {
  const { DISPLAY, WAYLAND_DISPLAY } = process.env;
  return process.platform !== 'linux' || Boolean(DISPLAY ?? WAYLAND_DISPLAY);
}

/** @returns the window's process, if it is ours to end: a tab in the person's own browser is not */
function showInBrowser(url: string, profile: string): ChildProcess | undefined {
  const browser = findBrowser();
  if (browser) {
    const args = [`--app=${url}`, `--user-data-dir=${profile}`, '--no-first-run', '--window-size=1280,860'];
    if (process.getuid?.() === 0) args.push('--no-sandbox');
    return ignoringFailure(spawn(browser, args, { stdio: 'ignore' }));
  }
  const [command, ...args] = {
    darwin: ['open', url],
    win32: ['cmd', '/c', 'start', '', url.replaceAll('&', '^&')],
  }[process.platform as string] ?? ['xdg-open', url];
  ignoringFailure(spawn(command ?? 'xdg-open', args, { stdio: 'ignore' }));
  return undefined;
}

/** Without a browser the address that was printed still does. */
function ignoringFailure(child: ChildProcess): ChildProcess {
  return child.on('error', () => {});
}
