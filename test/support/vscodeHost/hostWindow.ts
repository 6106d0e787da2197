import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { findBrowser } from '../../../scripts/findBrowser.mjs';
import type { HostServer } from './hostServer';

export function openBrowser({ headless = true }: { readonly headless?: boolean } = {}): Promise<Browser> {
  const executablePath = findBrowser();
  if (!executablePath) throw new Error('there is no browser: node scripts/setup.mjs browser');
  return chromium.launch({
    executablePath,
    headless,
    args: [
      ...['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
      ...['--disable-background-networking', '--disable-component-update'],
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1', // A test talks to this computer only.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), // The sandbox refuses to run as root.
    ],
  });
}

export interface HostWindowOptions {
  /** The folder that is open in it; without one, an empty window. */
  readonly folder?: string;
  /** What --extensionDevelopmentPath and --extensionTestsPath are on the desktop. */
  readonly development?: { readonly extensions: readonly string[]; readonly testsPath?: string };
  /** Called with the page before it loads. */
  readonly before?: (page: Page) => Promise<void>;
}

/** Opens a VS Code window in a browser context. */
export async function openHostWindow(
  context: BrowserContext,
  server: HostServer,
  { folder, development, before }: HostWindowOptions = {},
): Promise<Page> {
  const page = await context.newPage();
  if (development) await developExtensions(page, new URL(server.url).host, development);
  await before?.(page);
  const url = new URL(server.url);
  url.searchParams.set(folder ? 'folder' : 'ew', folder ?? 'true');
  const payload = { skipWelcome: 'true', skipReleaseNotes: 'true' };
  url.searchParams.set('payload', JSON.stringify(Object.entries(payload)));
  await page.goto(url.href, { waitUntil: 'domcontentloaded' });
  return page;
}

/**
 * The workbench reads its options from a meta element once the page is parsed. The same options in the URL are ignored
 * by a built VS Code, unless the server has --enable-smoke-test-driver, and that hides all notifications.
 */
async function developExtensions(
  page: Page,
  authority: string,
  { extensions, testsPath }: NonNullable<HostWindowOptions['development']>,
): Promise<void> {
  const uri = (path: string) => ({ $mid: 1, scheme: 'vscode-remote', authority, path });
  const options = {
    extensions: extensions.map(uri),
    ...(testsPath ? { extensionTestsPath: uri(testsPath) } : {}),
  };
  // Text, because it runs in the page, whose types this program does not have.
  await page.addInitScript(`
    document.addEventListener('readystatechange', () => {
      if (document.readyState !== 'interactive') return;
      const meta = document.getElementById('vscode-workbench-web-configuration');
      if (!meta) return;
      const settings = JSON.parse(meta.getAttribute('data-settings'));
      settings.developmentOptions = { ...settings.developmentOptions, ...${JSON.stringify(options)} };
      meta.setAttribute('data-settings', JSON.stringify(settings));
    });
  `);
}
