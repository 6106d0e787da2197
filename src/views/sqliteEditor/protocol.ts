import type { Cell, ColumnInfo } from '../../backups/types';

/** One table as the page lists it. */
export interface TableSummary {
  readonly name: string;
  readonly kind: 'table' | 'view';
  /** Written for people; empty if not known. */
  readonly rows: string;
  readonly columns: readonly ColumnInfo[];
  readonly sql: string;
  readonly problem?: string;
}

/** What the page asks to see. Rows count from 0. */
export interface View {
  readonly table: string;
  readonly offset: number;
  readonly sort?: { readonly column: string; readonly descending: boolean };
  readonly filter: string;
}

export type ToPage =
  | { readonly type: 'tables'; readonly tables: readonly TableSummary[]; readonly note: string; readonly words: Words }
  | {
      readonly type: 'rows';
      readonly view: View;
      readonly columns: readonly string[];
      readonly rows: readonly (readonly Cell[])[];
      readonly more: boolean;
    }
  /** Go there: a search hit. */
  | { readonly type: 'show'; readonly table: string; readonly row: number }
  | {
      readonly type: 'cell';
      readonly title: string;
      readonly text?: string;
      /** A data: address. */
      readonly picture?: string;
    }
  | { readonly type: 'problem'; readonly text: string };

export type FromPage =
  | { readonly type: 'ready' }
  | { readonly type: 'rows'; readonly view: View }
  | { readonly type: 'cell'; readonly view: View; readonly row: number; readonly column: string };

/** The page's own texts. */
export interface Words {
  readonly rows: string;
  readonly noRows: string;
  readonly page: string;
  readonly blob: string;
}

export const PAGE_ROWS = 100;
