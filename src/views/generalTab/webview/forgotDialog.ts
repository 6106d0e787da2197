import type { FromPage, HelpSection } from '../protocol';
import { element } from './page';

/** What a person can try who does not know the password of the backups. */
export class ForgotDialog {
  readonly #dialog = element('forgot-dialog', HTMLDialogElement);
  readonly #list = element('forgot-list', HTMLElement);

  constructor(private readonly send: (message: FromPage) => void) {
    element('forgot-close', HTMLButtonElement).addEventListener('click', () => this.#dialog.close());
  }

  open(help: readonly HelpSection[]): void {
    this.#list.replaceChildren(...help.map((section) => this.#section(section)));
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  #section({ title, text, steps, actions }: HelpSection): HTMLElement {
    const item = document.createElement('li');
    const heading = document.createElement('h3');
    heading.textContent = title;
    const paragraph = document.createElement('p');
    paragraph.textContent = text;
    item.append(heading, paragraph);
    if (steps.length > 0) {
      const list = document.createElement('ol');
      list.append(
        ...steps.map((step) => {
          const entry = document.createElement('li');
          entry.textContent = step;
          return entry;
        }),
      );
      item.append(list);
    }
    const row = document.createElement('div');
    row.className = 'actions';
    for (const { label, act } of actions) {
      const button = document.createElement('button');
      button.textContent = label;
      button.addEventListener('click', () => {
        if (act === 'tryRemembered') return this.send({ type: act });
        this.#dialog.close();
        this.send({ type: 'askPassword', change: act });
      });
      row.append(button);
    }
    item.append(row);
    return item;
  }
}
