import { AppError } from '../../base/errors';
import type { FromPage, View } from './protocol';

const MAX_TEXT = 4096;

/** A message of the page, looked at field by field. @throws AppError `notAllowed` for anything else. */
export function readMessage(message: unknown): FromPage {
  const fields = record(message);
  switch (fields['type']) {
    case 'ready':
      return { type: 'ready' };
    case 'rows':
      return { type: 'rows', view: view(fields['view']) };
    case 'cell':
      return { type: 'cell', view: view(fields['view']), row: count(fields['row']), column: text(fields['column']) };
    default:
      throw refused('type');
  }
}

function view(value: unknown): View {
  const fields = record(value);
  const sort = fields['sort'] === undefined ? undefined : record(fields['sort']);
  return {
    table: text(fields['table']),
    offset: count(fields['offset']),
    filter: text(fields['filter']),
    ...(sort ? { sort: { column: text(sort['column']), descending: sort['descending'] === true } } : {}),
  };
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw refused('object');
  return value as Readonly<Record<string, unknown>>;
}

function text(value: unknown): string {
  if (typeof value !== 'string' || value.length > MAX_TEXT) throw refused('text');
  return value;
}

function count(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw refused('number');
  return value;
}

function refused(what: string): AppError {
  return new AppError('notAllowed', `a message of the page without a proper ${what}`);
}
