import type { FromPage, TableSummary, ToPage, View, Words } from '../protocol';

declare function acquireVsCodeApi(): {
  postMessage(message: FromPage): void;
  setState(state: View): void;
  getState(): View | undefined;
};
const host = acquireVsCodeApi();

const PAGE_ROWS = 100;
/** Between the last key and the search in the rows. */
const TYPING_MS = 300;

let tables: readonly TableSummary[] = [];
let words: Words | undefined;
let view: View | undefined;
/** A row to mark when its page has come. */
let wanted: number | undefined;

const filter = element('filter', HTMLInputElement);
let typing: number | undefined;
filter.addEventListener('input', () => {
  clearTimeout(typing);
  typing = window.setTimeout(() => {
    if (view) ask({ ...view, offset: 0, filter: filter.value });
  }, TYPING_MS);
});
element('previous', HTMLButtonElement).addEventListener('click', () => turn(-PAGE_ROWS));
element('next', HTMLButtonElement).addEventListener('click', () => turn(PAGE_ROWS));
element('close-value', HTMLButtonElement).addEventListener('click', () => {
  element('value', HTMLElement).hidden = true;
});

window.addEventListener('message', (event: MessageEvent<ToPage>) => {
  const message = event.data;
  switch (message.type) {
    case 'tables':
      ({ tables, words } = message);
      text('note', message.note);
      drawTables();
      openFirst();
      break;
    case 'rows':
      // An answer to an older question.
      if (view && key(message.view) === key(view)) drawRows(message);
      break;
    case 'show':
      wanted = message.row;
      ask({ table: message.table, filter: '', offset: message.row - (message.row % PAGE_ROWS) });
      break;
    case 'cell':
      drawValue(message);
      break;
    case 'problem':
      text('problem', message.text);
      element('problem', HTMLElement).hidden = false;
      break;
  }
});
host.postMessage({ type: 'ready' });

/** What tells two questions apart, whatever the order of their fields. */
function key({ table, offset, filter: words, sort }: View): string {
  return JSON.stringify([table, offset, words, sort?.column, sort?.descending]);
}

function openFirst(): void {
  const kept = host.getState();
  const known = kept && tables.some(({ name }) => name === kept.table) ? kept : undefined;
  // The fullest table says most about a database.
  const full = [...tables].sort(
    (a, b) => Number(b.kind === 'table') - Number(a.kind === 'table') || size(b) - size(a),
  )[0];
  if (wanted === undefined) ask(known ?? (full && { table: full.name, offset: 0, filter: '' }));
}

function size({ rows }: TableSummary): number {
  return Number(rows.replace(/\D/g, '')) || 0;
}

function ask(next: View | undefined): void {
  if (!next) return;
  const { table } = next;
  if (view?.table !== table) element('body', HTMLElement).replaceChildren();
  view = next;
  filter.value = next.filter;
  host.setState(next);
  const found = tables.find(({ name }) => name === table);
  text('table', table);
  text('sql', found?.sql ?? '');
  text('range', words?.page ?? '');
  text('problem', found?.problem ?? '');
  element('problem', HTMLElement).hidden = found?.problem === undefined;
  drawTables();
  if (found?.problem === undefined) host.postMessage({ type: 'rows', view: next });
}

function turn(by: number): void {
  if (view) ask({ ...view, offset: Math.max(0, view.offset + by) });
}

function drawTables(): void {
  element('tables', HTMLElement).replaceChildren(
    ...tables.map((table) => {
      const item = document.createElement('li');
      const button = document.createElement('button');
      const current = table.name === view?.table;
      button.className = current ? 'current' : '';
      if (current) button.setAttribute('aria-current', 'true');
      button.append(span('', table.name), span('dim', table.kind === 'view' ? 'view' : table.rows));
      button.addEventListener('click', () => ask({ table: table.name, offset: 0, filter: '' }));
      item.append(button);
      return item;
    }),
  );
}

function drawRows({ columns, rows, more, view: shown }: Extract<ToPage, { readonly type: 'rows' }>): void {
  const found = tables.find(({ name }) => name === shown.table);
  element('head', HTMLElement).replaceChildren(
    ...columns.map((name) => {
      const cell = document.createElement('th');
      const button = document.createElement('button');
      const column = found?.columns.find((one) => one.name === name);
      const sorted = shown.sort?.column === name ? shown.sort : undefined;
      cell.setAttribute('aria-sort', sorted ? (sorted.descending ? 'descending' : 'ascending') : 'none');
      const arrow = sorted ? (sorted.descending ? ' ↓' : ' ↑') : '';
      button.append(span(column?.primaryKey ? 'key' : '', name + arrow), span('dim type', column?.type ?? ''));
      button.addEventListener('click', () => {
        ask({ ...shown, offset: 0, sort: { column: name, descending: sorted ? !sorted.descending : false } });
      });
      cell.append(button);
      return cell;
    }),
  );
  element('body', HTMLElement).replaceChildren(
    ...rows.map((row, index) => {
      const line = document.createElement('tr');
      const number = shown.offset + index;
      if (number === wanted) line.className = 'hit';
      line.append(
        ...row.map((cell, at) => {
          const box = document.createElement('td');
          const column = columns[at] ?? '';
          const open = () => host.postMessage({ type: 'cell', view: shown, row: number, column });
          switch (cell.kind) {
            case 'null':
              box.append(span('dim', 'NULL'));
              break;
            case 'number':
              box.className = 'number';
              box.textContent = cell.date ? new Date(cell.date).toLocaleString() : cell.text;
              if (cell.date) box.title = `${cell.text} = ${cell.date}`;
              break;
            case 'text':
              box.textContent = cell.text;
              box.title = cell.text;
              if (cell.length !== undefined || cell.text.length > 80 || cell.text.includes('\n'))
                box.append(opener('…', open));
              break;
            case 'blob':
              box.append(
                opener((words?.blob ?? '').replace('{0}', cell.content).replace('{1}', String(cell.length)), open),
              );
              box.title = cell.hex;
              break;
          }
          return box;
        }),
      );
      return line;
    }),
  );
  const range = rows.length === 0 ? (words?.noRows ?? '') : (words?.rows ?? '');
  text('range', range.replace('{0}', String(shown.offset + 1)).replace('{1}', String(shown.offset + rows.length)));
  element('previous', HTMLButtonElement).disabled = shown.offset === 0;
  element('next', HTMLButtonElement).disabled = !more;
  document.querySelector('tr.hit')?.scrollIntoView({ block: 'center' });
  wanted = undefined;
}

function drawValue({ title, text: content, picture }: Extract<ToPage, { readonly type: 'cell' }>): void {
  element('value', HTMLElement).hidden = false;
  text('value-title', title);
  text('value-text', content ?? '');
  element('value-text', HTMLElement).hidden = content === undefined;
  const image = element('value-picture', HTMLImageElement);
  image.hidden = picture === undefined;
  if (picture !== undefined) image.src = picture;
  else image.removeAttribute('src');
  element('close-value', HTMLButtonElement).focus();
}

function opener(label: string, open: () => void): HTMLButtonElement {
  const button = document.createElement('button');
  button.className = 'open';
  button.textContent = label;
  button.addEventListener('click', open);
  return button;
}

/** textContent, never innerHTML: names and values are somebody else's text. */
function span(className: string, content: string): HTMLSpanElement {
  const made = document.createElement('span');
  made.className = className;
  made.textContent = content;
  return made;
}

function text(id: string, content: string): void {
  element(id, HTMLElement).textContent = content;
}

/** @throws Error if the page's frame and its script do not fit together. */
function element<T extends Element>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (found instanceof type) return found;
  throw new Error(`#${id} is missing from the page`);
}
