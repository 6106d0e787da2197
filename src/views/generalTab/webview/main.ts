import type {
  ChoiceState,
  FromPage,
  NoticeAction,
  PageMemory,
  PageState,
  ResultCommand,
  ToPage,
  Tone,
} from '../protocol';
import { ForgotDialog } from './forgotDialog';
import { element, words } from './page';
import { PasswordDialog } from './passwordDialog';

declare function acquireVsCodeApi(): { postMessage(message: FromPage): void; setState(state: PageMemory): void };
const host = acquireVsCodeApi();
const send = (message: FromPage) => host.postMessage(message);
const passwords = new PasswordDialog(send);
const forgot = new ForgotDialog(send);

let last: PageState | undefined;
let spoken = '';
let jobId: string | undefined;
let resultId: string | undefined;
let resultCommand: ResultCommand | undefined;
const notices: { [id in 'notice-action' | 'notice-second']?: NoticeAction['intent'] | undefined } = {};

window.addEventListener('message', (event: MessageEvent<ToPage>) => {
  switch (event.data.type) {
    case 'state':
      draw(event.data.state);
      break;
    case 'askPassword':
      passwords.open(event.data.change, event.data.remembered);
      break;
    case 'forgotPassword':
      forgot.open(event.data.help);
      break;
  }
});

for (const [id, type] of [
  ['back-up-now', 'backUpNow'],
  ['manage', 'manageBackups'],
  ['restore', 'restore'],
  ['open', 'openBackup'],
  ['choose-folder', 'chooseFolder'],
  ['forgot-password', 'forgotPassword'],
  ['dismiss-reminder', 'dismissReminder'],
] as const) {
  onClick(id, () => send({ type }));
}
for (const id of ['notice-action', 'notice-second'] as const) {
  onClick(id, () => {
    const type = notices[id];
    if (type) send({ type });
  });
}
onClick('change-password', () => send({ type: 'askPassword', change: 'change' }));
onClick('cancel-job', () => {
  if (jobId !== undefined) send({ type: 'cancelJob', jobId });
});
onClick('dismiss', () => {
  if (resultId !== undefined) send({ type: 'dismissJob', jobId: resultId });
});
onClick('result-action', () => {
  if (resultCommand !== undefined) send({ type: 'takeStep', command: resultCommand });
});
// A choice shows what the device says, not what was clicked: the click is undone here, and the state brings the answer.
for (const [id, message] of [
  ['cloud', () => ({ type: 'setCloud', on: true })],
  ['computer', () => ({ type: 'setCloud', on: false })],
  ['encrypt', (on) => ({ type: 'askPassword', change: on ? 'on' : 'off' })],
  ['wifi', (on) => ({ type: 'setWifi', on })],
  ['automatic', (on) => ({ type: 'setAutomatic', on })],
] as readonly (readonly [string, (on: boolean) => FromPage])[]) {
  const input = element(id, HTMLInputElement);
  input.addEventListener('change', () => {
    const wanted = message(input.checked);
    if (last) draw(last);
    send(wanted);
  });
}
const hours = element('hours', HTMLSelectElement);
hours.addEventListener('change', () => send({ type: 'setAutomaticHours', hours: Number(hours.value) }));

send({ type: 'ready' });

function draw(state: PageState): void {
  // What a reloaded window needs to bring this page back.
  if (last?.udid !== state.udid) host.setState({ udid: state.udid });
  last = state;
  const focused = document.activeElement;
  drawHeader(state.header);
  drawNotice(state);
  drawBackups(state);
  drawPlace(state.place);
  const { options } = state;
  if (show('options', options)) {
    choice('wifi', options.wifi);
    choice('automatic', options.automatic);
    hours.value = String(options.automatic.everyHours);
    hours.disabled = !options.automatic.checked;
  }
  if (show('history', state.history.length > 0 ? state.history : undefined)) drawHistory(state.history);
  keepFocus(focused);
  speak(state);
}

/** A control that went away or cannot be used any more hands the focus to the nearest thing, not to nowhere. */
function keepFocus(focused: Element | null): void {
  if (!(focused instanceof HTMLElement) || focused === document.body || !document.hasFocus()) return;
  if (usable(focused)) return;
  const next = ['cancel-job', 'result-action', 'dismiss', 'back-up-now', 'notice-action']
    .map((id) => element(id, HTMLButtonElement))
    .find(usable);
  (next ?? element('name', HTMLElement)).focus();
}

function usable(target: HTMLElement): boolean {
  return target.checkVisibility() && !target.matches(':disabled');
}

function drawHeader({ picture, connected, name, facts, capacity, details }: PageState['header']): void {
  element('picture', HTMLElement).className = `picture ${picture}${connected ? '' : ' away'}`;
  text('name', name);
  text('facts', facts.join(' · '));
  if (show('capacity', capacity)) {
    const bar = element('capacity-bar', HTMLMeterElement);
    bar.value = capacity.fraction;
    text('capacity-text', capacity.text);
  }
  const shown = element('detail-list', HTMLElement);
  const key = JSON.stringify(details);
  if (shown.dataset['key'] === key) return;
  shown.dataset['key'] = key;
  shown.replaceChildren(...details.flatMap(({ label, value }) => detailRow(label, value)));
}

function detailRow(label: string, value: string): readonly HTMLElement[] {
  const copy = make('dd', '');
  const button = make('button', words.copy);
  button.setAttribute('aria-label', `${words.copy}: ${label}`);
  button.addEventListener('click', () => {
    send({ type: 'copy', text: value });
    button.textContent = words.copied;
    text('live', words.copied);
  });
  copy.append(button);
  return [make('dt', label), make('dd', value), copy];
}

function drawNotice({ notice }: PageState): void {
  if (!show('notice', notice)) return;
  text('notice-title', notice.title, notice.tone);
  text('notice-text', notice.text);
  element('notice-wait', HTMLElement).hidden = !notice.busy;
  element('notice-actions', HTMLElement).hidden = !notice.action && !notice.second;
  for (const [id, action] of [
    ['notice-action', notice.action],
    ['notice-second', notice.second],
  ] as const) {
    const button = element(id, HTMLButtonElement);
    button.hidden = !action;
    notices[id] = action?.intent;
    button.textContent = action?.label ?? '';
    button.classList.toggle('primary', action?.intent === 'trust' || action?.intent === 'reconnect');
  }
}

function drawBackups({ job, result, reminder, backup }: PageState): void {
  if (!show('backups', backup)) return;
  drawJob(job);
  if (show('result', result)) {
    resultId = result.jobId;
    resultCommand = result.action?.command;
    text('result-title', result.title, result.tone);
    text('result-text', result.text);
    const button = element('result-action', HTMLButtonElement);
    button.hidden = !result.action;
    button.textContent = result.action?.label ?? '';
  }
  if (show('reminder', reminder)) {
    text('reminder-title', reminder.title, 'warning');
    text('reminder-text', reminder.text);
  }
  element('last', HTMLElement).hidden = job !== undefined;
  text('last-title', backup.title, backup.tone);
  text('last-facts', backup.facts.join(' · '));
  list('next', backup.next);
  setDisabled('back-up-now', !backup.canBackUp);
  element('links', HTMLElement).hidden = !backup.canManage;
  for (const [id, can] of [
    ['open', backup.canOpen],
    ['restore', backup.canRestore],
  ] as const) {
    element(id, HTMLButtonElement).hidden = can === undefined;
    setDisabled(id, can !== true);
  }
}

function drawJob(job: PageState['job']): void {
  if (!show('job', job)) return;
  jobId = job.id;
  text('job-title', job.title);
  text('job-stage', job.stage);
  list(
    'job-facts',
    job.facts.map((fact) => ({ text: fact })),
  );
  const bar = element('job-bar', HTMLProgressElement);
  if (job.fraction === undefined) bar.removeAttribute('value');
  else bar.value = job.fraction;
  setDisabled('cancel-job', !job.canCancel);
  if (show('passcode', job.passcode)) {
    text('passcode-title', job.passcode.title);
    text('passcode-text', job.passcode.text);
  }
}

function drawPlace(place: PageState['place']): void {
  if (!show('place', place)) return;
  const { busy, cloud, computer, cloudLocked, folder, encryption } = place;
  element('place-busy', HTMLElement).hidden = !busy;
  choice('cloud', cloud, busy || cloudLocked !== undefined);
  choice('computer', computer, busy || cloudLocked !== undefined);
  if (show('cloud-locked', cloudLocked)) text('cloud-locked', cloudLocked);
  text('folder', folder.text);
  if (show('folder-warning', folder.warning)) text('folder-warning', folder.warning);
  choice('encrypt', encryption, busy);
  element('password-actions', HTMLElement).hidden = !encryption.checked;
  setDisabled('change-password', !encryption.canChangePassword);
}

function drawHistory(rows: PageState['history']): void {
  const target = element('history-list', HTMLElement);
  const key = JSON.stringify(rows);
  if (target.dataset['key'] === key) return;
  target.dataset['key'] = key;
  target.replaceChildren(
    ...rows.map(({ tone, when, what }) => {
      const row = make('li', '');
      const date = make('span', when);
      date.className = 'when dim';
      const description = make('span', what);
      setTone(description, tone);
      row.append(date, description);
      return row;
    }),
  );
}

/** Tells a screen reader what changed in meaning: stages and ends, not every percent. */
function speak({ notice, job, result }: PageState): void {
  const now = job?.passcode?.title ?? (job && `${job.title}. ${job.stage}`) ?? result?.title ?? notice?.title ?? '';
  if (now === spoken) return;
  spoken = now;
  text('live', now);
}

function choice(id: string, { checked, text: description, lockedBecause }: ChoiceState, locked = false): void {
  const input = element(id, HTMLInputElement);
  input.checked = checked;
  const disabled = locked || lockedBecause !== undefined;
  if (input.disabled !== disabled) input.disabled = disabled;
  text(`${id}-text`, description);
  text(`${id}-reason`, lockedBecause ?? '');
  element(`${id}-reason`, HTMLElement).hidden = lockedBecause === undefined;
}

function show<T>(id: string, value: T | undefined): value is T {
  element(id, HTMLElement).hidden = value === undefined;
  return value !== undefined;
}

function setDisabled(id: string, disabled: boolean): void {
  const button = element(id, HTMLButtonElement);
  if (button.disabled !== disabled) button.disabled = disabled;
}

function onClick(id: string, listener: () => void): void {
  element(id, HTMLButtonElement).addEventListener('click', listener);
}

function make<K extends keyof HTMLElementTagNameMap>(name: K, content: string): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  made.textContent = content;
  return made;
}

/** textContent, never innerHTML: names and values are somebody else's text. */
function text(id: string, content: string, tone?: Tone): void {
  const target = element(id, HTMLElement);
  if (target.textContent !== content) target.textContent = content;
  if (tone) setTone(target, tone);
}

function list(id: string, items: readonly { readonly text: string; readonly tone?: Tone }[]): void {
  const target = element(id, HTMLElement);
  while (target.children.length > items.length) target.lastElementChild?.remove();
  while (target.children.length < items.length) target.append(document.createElement('li'));
  items.forEach(({ text: content, tone }, index) => {
    const item = target.children[index];
    if (!(item instanceof HTMLElement)) return;
    if (item.textContent !== content) item.textContent = content;
    setTone(item, tone ?? 'plain');
  });
}

function setTone(target: HTMLElement, tone: Tone): void {
  for (const one of ['good', 'bad', 'warning'] as const) target.classList.toggle(`tone-${one}`, tone === one);
}
