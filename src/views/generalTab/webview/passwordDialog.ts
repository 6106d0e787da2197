import { passwordStrength } from '../../passwordStrength';
import type { FromPage, PasswordChange } from '../protocol';
import { element, words } from './page';

/** Asks for the old and the new password. What was typed leaves the page once, in one message, and is then wiped. */
export class PasswordDialog {
  readonly #dialog = element('password-dialog', HTMLDialogElement);
  readonly #old = element('old-password', HTMLInputElement);
  readonly #new = element('new-password', HTMLInputElement);
  readonly #verify = element('verify-password', HTMLInputElement);
  readonly #remember = element('remember', HTMLInputElement);
  readonly #show = element('show-password', HTMLInputElement);
  readonly #problem = element('password-problem', HTMLElement);
  readonly #strength = element('strength', HTMLElement);
  #change: PasswordChange = 'on';
  #remembered = false;

  constructor(private readonly send: (message: FromPage) => void) {
    element('password-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    element('password-cancel', HTMLButtonElement).addEventListener('click', () => this.#dialog.close());
    this.#dialog.addEventListener('close', () => this.#wipe());
    this.#show.addEventListener('change', () => this.#setType());
    this.#new.addEventListener('input', () => {
      this.#strength.textContent =
        this.#new.value === '' ? '' : (words.strength[passwordStrength(this.#new.value)] ?? '');
    });
  }

  open(change: PasswordChange, remembered: boolean): void {
    this.#change = change;
    this.#remembered = remembered && change !== 'on';
    this.#wipe();
    element('password-heading', HTMLElement).textContent = words.headings[change];
    element('password-text', HTMLElement).textContent = words.texts[change];
    element('password-ok', HTMLButtonElement).textContent = words.buttons[change];
    element('old-row', HTMLElement).hidden = change === 'on' || this.#remembered;
    element('old-remembered', HTMLElement).hidden = !this.#remembered;
    for (const id of ['new-row', 'verify-row', 'remember-row', 'strength']) {
      element(id, HTMLElement).hidden = change === 'off';
    }
    if (!this.#dialog.open) this.#dialog.showModal();
    const first = change === 'on' || this.#remembered ? this.#new : this.#old;
    (change === 'off' && this.#remembered ? element('password-ok', HTMLButtonElement) : first).focus();
  }

  #submit(): void {
    const needsOld = this.#change !== 'on' && !this.#remembered;
    const needsNew = this.#change !== 'off';
    if ((needsOld && this.#old.value === '') || (needsNew && this.#new.value === '')) return this.#say(words.empty);
    if (needsNew && this.#new.value !== this.#verify.value) return this.#say(words.differ);
    this.send({
      type: 'password',
      change: this.#change,
      oldPassword: needsOld ? this.#old.value : '',
      newPassword: needsNew ? this.#new.value : '',
      remember: needsNew && this.#remember.checked,
    });
    this.#dialog.close();
  }

  #say(problem: string): void {
    this.#problem.textContent = problem;
  }

  #wipe(): void {
    for (const input of [this.#old, this.#new, this.#verify]) input.value = '';
    this.#show.checked = false;
    this.#remember.checked = false;
    this.#problem.textContent = '';
    this.#strength.textContent = '';
    this.#setType();
  }

  #setType(): void {
    for (const input of [this.#old, this.#new, this.#verify]) input.type = this.#show.checked ? 'text' : 'password';
  }
}
