import type { ChoiceState, FromPage, PageMemory, PageState, ToPage, Tone } from '../protocol';
import { PasswordDialog } from './passwordDialog';
import { element, words } from './page';

declare function acquireVsCodeApi(): { postMessage(message: FromPage): void; setState(state: PageMemory): void };
const host = acquireVsCodeApi();
const send = (message: FromPage) => host.postMessage(message);
const passwords = new PasswordDialog(send);

let spoken = '';
let jobId: string | undefined;
let resultId: string | undefined;
let noticeIntent: 'trust' | 'cancelTrust' | 'showMuxHelp' | undefined;

window.addEventListener('message', (event: MessageEvent<ToPage>) => {
  switch (event.data.type) {
    case 'state':
      draw(event.data.state);
      break;
    case 'askPassword':
      passwords.open(event.data.change, event.data.remembered);
      break;
  }
});

for (const [id, type] of [
  ['back-up-now', 'backUpNow'],
  ['manage', 'manageBackups'],
  ['restore', 'restore'],
  ['open', 'openBackup'],
  ['choose-folder', 'chooseFolder'],
  ['change-password', 'changePassword'],
  ['forgot-password', 'forgotPassword'],
] as const) {
  element(id, HTMLButtonElement).addEventListener('click', () => send({ type }));
}
element('notice-action', HTMLButtonElement).addEventListener('click', () => {
  if (noticeIntent) send({ type: noticeIntent });
});
element('cancel-job', HTMLButtonElement).addEventListener('click', () => {
  if (jobId !== undefined) send({ type: 'cancelJob', jobId });
});
element('dismiss', HTMLButtonElement).addEventListener('click', () => {
  if (resultId !== undefined) send({ type: 'dismissJob', jobId: resultId });
});
// A choice shows what the device says, not what was clicked: the click is undone here, and the state brings the answer.
for (const [id, type, value] of [
  ['cloud', 'setCloud', true],
  ['computer', 'setCloud', false],
  ['encrypt', 'setEncryption', undefined],
  ['wifi', 'setWifi', undefined],
  ['automatic', 'setAutomatic', undefined],
] as const) {
  const input = element(id, HTMLInputElement);
  input.addEventListener('change', () => {
    const on = value ?? input.checked;
    if (last) draw(last);
    send({ type, on });
  });
}
const hours = element('hours', HTMLSelectElement);
hours.addEventListener('change', () => send({ type: 'setAutomaticHours', hours: Number(hours.value) }));

let last: PageState | undefined;
send({ type: 'ready' });

function draw(state: PageState): void {
  // What a reloaded window needs to bring this page back.
  if (last?.udid !== state.udid) host.setState({ udid: state.udid });
  last = state;
  drawHeader(state.header);
  const { notice, job, result, backup, place, options } = state;
  if (show('notice', notice)) {
    text('notice-title', notice.title, notice.tone);
    text('notice-text', notice.text);
    noticeIntent = notice.action?.intent;
    const button = element('notice-action', HTMLButtonElement);
    button.hidden = !notice.action;
    button.textContent = notice.action?.label ?? '';
    button.classList.toggle('primary', noticeIntent === 'trust');
  }
  if (show('job', job)) {
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
    element('cancel-job', HTMLButtonElement).disabled = !job.canCancel;
    if (show('passcode', job.passcode)) {
      text('passcode-title', job.passcode.title);
      text('passcode-text', job.passcode.text);
    }
  }
  if (show('result', result)) {
    resultId = result.jobId;
    text('result-title', result.title, result.tone);
    text('result-text', result.text);
  }
  if (show('backup', backup)) {
    text('last', backup.title, backup.tone);
    text('last-facts', backup.facts.join(' · '));
    list('next', backup.next);
    element('back-up-now', HTMLButtonElement).disabled = !backup.canBackUp;
    element('open', HTMLButtonElement).disabled = !backup.canOpen;
    element('restore', HTMLButtonElement).disabled = !backup.canRestore;
  }
  if (show('place', place)) {
    choice('cloud', place.cloud);
    choice('computer', place.computer);
    text('folder', place.folder.text);
    text('folder-warning', place.folder.warning ?? '');
    element('folder-warning', HTMLElement).hidden = !place.folder.warning;
    choice('encrypt', place.encryption);
    element('change-password', HTMLButtonElement).disabled = !place.encryption.canChangePassword;
    element('forgot-password', HTMLButtonElement).hidden = !place.encryption.checked;
  }
  if (show('options', options)) {
    choice('wifi', options.wifi);
    choice('automatic', options.automatic);
    hours.value = String(options.automatic.everyHours);
    hours.disabled = !options.automatic.checked;
  }
  if (show('history', state.history.length > 0 ? state.history : undefined)) drawHistory(state.history);
  speak(state);
}

function drawHeader({ picture, name, facts, capacity, details }: PageState['header']): void {
  element('picture', HTMLElement).className = `picture ${picture}`;
  text('name', name);
  text('facts', facts.join(' · '));
  if (show('capacity', capacity)) {
    element('capacity-bar', HTMLMeterElement).value = capacity.fraction;
    text('capacity-text', capacity.text);
  }
  const shown = element('detail-list', HTMLElement);
  const key = JSON.stringify(details);
  if (shown.dataset['key'] === key) return;
  shown.dataset['key'] = key;
  shown.replaceChildren(
    ...details.flatMap(({ label, value }) => {
      const term = document.createElement('dt');
      term.textContent = label;
      const description = document.createElement('dd');
      description.textContent = value;
      const copy = document.createElement('dd');
      const button = document.createElement('button');
      button.textContent = words.copy;
      button.setAttribute('aria-label', `${words.copy}: ${label}`);
      button.addEventListener('click', () => {
        send({ type: 'copy', text: value });
        button.textContent = words.copied;
      });
      copy.append(button);
      return [term, description, copy];
    }),
  );
}

function drawHistory(rows: PageState['history']): void {
  element('history-list', HTMLElement).replaceChildren(
    ...rows.map(({ tone, when, what }) => {
      const row = document.createElement('li');
      const date = document.createElement('span');
      date.className = 'when dim';
      date.textContent = when;
      const description = document.createElement('span');
      setTone(description, tone);
      description.textContent = what;
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

function choice(id: string, { checked, text: description, lockedBecause }: ChoiceState): void {
  const input = element(id, HTMLInputElement);
  input.checked = checked;
  input.disabled = lockedBecause !== undefined;
  text(`${id}-text`, description);
  text(`${id}-reason`, lockedBecause ?? '');
  element(`${id}-reason`, HTMLElement).hidden = lockedBecause === undefined;
}

function show<T>(id: string, value: T | undefined): value is T {
  element(id, HTMLElement).hidden = value === undefined;
  return value !== undefined;
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
