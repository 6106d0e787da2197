/* What a database of a backup looks like to whoever shows it. Types only: pages use them as well. */

/** What content is by its first bytes; names on a device often have no ending, or a wrong one. */
export type ContentKind = 'plist' | 'database' | 'picture' | 'media' | 'archive' | 'text' | 'binary' | 'empty';

export interface TableInfo {
  readonly name: string;
  readonly kind: 'table' | 'view';
  readonly columns: readonly ColumnInfo[];
  /** As in the database. */
  readonly sql: string;
  /** Undefined for a view, and where counting takes too long. */
  readonly rows?: number;
  /** Why it cannot be read: a module or function that only the device has. */
  readonly problem?: string;
}

export interface ColumnInfo {
  readonly name: string;
  readonly type: string;
  readonly primaryKey: boolean;
}

/** A value as a table shows it. Everything survives structured clone and JSON. */
export type Cell =
  | { readonly kind: 'null' }
  | { readonly kind: 'number'; readonly text: string; /** ISO */ readonly date?: string }
  | { readonly kind: 'text'; readonly text: string; /** Characters in all, if cut. */ readonly length?: number }
  | { readonly kind: 'blob'; readonly content: ContentKind; readonly length: number; readonly hex: string };

export interface RowsQuery {
  readonly table: string;
  readonly offset: number;
  readonly limit: number;
  readonly sort?: { readonly column: string; readonly descending: boolean };
  /** Rows in which any column contains this text. */
  readonly filter?: string;
}

export interface RowsPage {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  /** Whether there are rows behind these. */
  readonly more: boolean;
}

/** One value in full. */
export type CellContent =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'plist'; readonly text: string; readonly length: number }
  | { readonly kind: 'picture'; readonly bytes: Uint8Array }
  | { readonly kind: 'hex'; readonly text: string; readonly length: number };
