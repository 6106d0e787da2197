import fs from 'node:fs';
import path from 'node:path';
import type { FrameLocator, Locator, Page } from 'playwright-core';

/** Where pictures are kept; not in the repository. */
export const shotsFolder = path.join(PROJECT_ROOT, 'shots');

/** One window of an editor, used like a person does: what is on the screen, and what the keyboard and the mouse do. */
export class EditorWindow {
  /** What the page wrote to its console, oldest first. */
  readonly consoleLines: string[] = [];
  /** Addresses outside this computer that the window asked for; it got none of them. */
  readonly foreignRequests: string[] = [];

  private constructor(readonly page: Page) {}

  /** @param open opens the page, and calls the given function before it loads */
  static async open(open: (before: (page: Page) => Promise<void>) => Promise<Page>): Promise<EditorWindow> {
    let window: EditorWindow | undefined;
    await open(async (page) => {
      window = new EditorWindow(page);
      window.#listen();
    });
    if (!window) throw new Error('the page was not opened');
    await window.#untilLoaded();
    return window;
  }

  #listen(): void {
    this.page.on('console', (message) => this.consoleLines.push(`${message.type()} ${message.text()}`));
    this.page.on('pageerror', (error) => this.consoleLines.push(`pageerror ${error.stack ?? error.message}`));
    this.page.on('request', (request) => {
      const { protocol, hostname } = new URL(request.url());
      if (/^(https?|wss?):$/.test(protocol) && hostname !== '127.0.0.1') this.foreignRequests.push(request.url());
    });
  }

  async #untilLoaded(): Promise<void> {
    await this.page.locator('.monaco-workbench .part.statusbar').waitFor({ timeout: 60_000 });
  }

  /** Loads the window again, as "Developer: Reload Window" does: the extension host starts anew. */
  async reload(): Promise<void> {
    await this.page.reload({ waitUntil: 'domcontentloaded' });
    await this.#untilLoaded();
  }

  async close(): Promise<void> {
    await this.page.close({ runBeforeUnload: false });
  }

  /** Runs a command through the command palette, by its whole title: 'iOS Backup: Back Up Now'. */
  async runCommand(title: string): Promise<void> {
    const label = this.page.locator('.label-name', { hasText: exactly(title) });
    const row = this.quickInput.locator('.monaco-list-row', { has: label }).first();
    for (const end = Date.now() + 60_000; ;) {
      await this.#openPalette();
      try {
        // A window that takes the focus closes the palette again: as a person, one opens it once more.
        await this.quickInput.locator('input.input').fill(`>${title}`, { timeout: 2000 });
        await row.waitFor({ timeout: 2000 });
        return await row.click({ timeout: 2000 });
      } catch (error) {
        // A palette that was opened before the extensions were read does not learn of their commands.
        if (Date.now() > end) throw error;
        await this.page.keyboard.press('Escape');
      }
    }
  }

  /** The commands that the palette offers for a text. */
  async commandsFor(text: string): Promise<string[]> {
    await this.#openPalette();
    await this.quickInput.locator('input.input').fill(`>${text}`);
    await this.quickInput.locator('.monaco-list-row').first().waitFor();
    const titles = await this.quickInput.locator('.monaco-list-row .label-name').allTextContents();
    await this.page.keyboard.press('Escape');
    return titles;
  }

  async #openPalette(): Promise<void> {
    const input = this.quickInput.locator('input.input');
    for (let attempt = 1; ; attempt++) {
      await this.page.keyboard.press('F1'); // The first one can come before the workbench listens.
      try {
        return await input.waitFor({ timeout: 3000 });
      } catch (error) {
        if (attempt === 5) throw error;
      }
    }
  }

  /** Shows an activity bar container by its title; does nothing when it is shown already. */
  async showContainer(title: string): Promise<void> {
    const shown = this.page.locator('.part.sidebar .composite.title', { hasText: exactly(title, 'i') });
    const action = this.page.locator(`.activitybar .action-item a[aria-label^="${title}"]`);
    await action.waitFor({ timeout: 60_000 });
    if (!(await shown.isVisible())) await action.click();
    await shown.waitFor();
  }

  /** A view of the side bar, by its title: 'Devices'. */
  view(title: string): Locator {
    const header = this.page.locator('.pane-header', { hasText: exactly(title, 'i') });
    return this.page.locator('.pane', { has: header });
  }

  /** A row of a tree, by a part of its text. Narrow it with a view: `window.row('Anna', window.view('Devices'))`. */
  row(text: string | RegExp, within?: Locator): Locator {
    return (within ?? this.page.locator('.pane-body')).locator('.monaco-list-row', { hasText: text });
  }

  /** Opens or closes a row. */
  async toggleRow(row: Locator): Promise<void> {
    await row.locator('.monaco-tl-twistie').click();
  }

  /** Clicks the inline action of a row, by its title. */
  async clickRowAction(row: Locator, title: string): Promise<void> {
    await row.hover();
    await row.locator(`.action-label[aria-label^="${title}"]`).click();
  }

  /** Clicks an entry of a row's context menu. */
  async clickRowMenu(row: Locator, title: string): Promise<void> {
    await row.click({ button: 'right' });
    const item = this.menuItem(title);
    // A menu overlooks a click that comes too soon after it was opened.
    for (let attempt = 1; ; attempt++) {
      await item.click();
      try {
        return await item.waitFor({ state: 'detached', timeout: 1000 });
      } catch (error) {
        if (attempt === 5) throw error;
      }
    }
  }

  /** An entry of the open menu. */
  menuItem(title: string): Locator {
    return this.page.locator('.monaco-menu .action-item', { hasText: exactly(title) });
  }

  /** Clicks an action in the title bar of a view. */
  async clickViewAction(view: Locator, title: string): Promise<void> {
    await view.hover();
    await view.locator(`.pane-header .action-label[aria-label^="${title}"]`).click();
  }

  /** A notification, by a part of its text. */
  toast(text: string | RegExp): Locator {
    return this.page.locator('.notifications-toasts .notification-list-item', { hasText: text });
  }

  /** Answers a notification with one of its buttons. */
  async answerToast(text: string | RegExp, button: string): Promise<void> {
    await this.toast(text).getByRole('button', { name: button, exact: true }).click();
  }

  statusBarItem(text: string | RegExp): Locator {
    return this.page.locator('.statusbar-item', { hasText: text });
  }

  /** The open quick pick or input box. */
  get quickInput(): Locator {
    return this.page.locator('.quick-input-widget:visible');
  }

  /** Chooses an entry of the open quick pick by a part of its text. */
  async choose(text: string | RegExp): Promise<void> {
    await this.quickInput.locator('.monaco-list-row', { hasText: text }).first().click();
  }

  /** Types into the open input box and accepts. */
  async answer(text: string): Promise<void> {
    await this.quickInput.locator('input.input').fill(text);
    await this.page.keyboard.press('Enter');
  }

  /** Types a folder into the open file dialog, which writes where it starts into its box once it is ready. */
  async enterFolder(folder: string): Promise<void> {
    const box = this.quickInput.locator('input.input');
    const text = `${folder}/`;
    for (let calm = 0; calm < 5;) {
      if ((await box.inputValue()) === text) calm++;
      else {
        calm = 0;
        await box.fill(text);
      }
      await this.page.waitForTimeout(100);
    }
  }

  /** A modal dialog, by a part of its text. */
  dialog(text: string | RegExp): Locator {
    return this.page.locator('.monaco-dialog-box', { hasText: text });
  }

  async answerDialog(text: string | RegExp, button: string): Promise<void> {
    await this.dialog(text).getByRole('button', { name: button, exact: true }).click();
  }

  /** An editor tab, by its title. */
  tab(title: string): Locator {
    return this.page.locator('.tabs-container .tab', { hasText: title });
  }

  /** What is inside the webview that is shown; `index` counts when several editors show one. */
  webview(index = 0): FrameLocator {
    return this.page.locator('iframe.webview.ready').nth(index).contentFrame().frameLocator('#active-frame');
  }

  /** Moves keyboard focus with keys only: 'Tab', 'Shift+Tab', 'ArrowDown', … */
  async press(...keys: readonly string[]): Promise<void> {
    for (const key of keys) await this.page.keyboard.press(key);
  }

  /** A picture of the window: shots/<name>.png. */
  async shot(name: string): Promise<string> {
    fs.mkdirSync(shotsFolder, { recursive: true });
    const file = path.join(shotsFolder, `${name}.png`);
    await this.page.screenshot({ path: file });
    return file;
  }
}

function exactly(text: string, flags = ''): RegExp {
  return new RegExp(`^\\s*${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}\\s*$`, flags);
}
