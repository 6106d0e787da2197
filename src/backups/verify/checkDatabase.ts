import { isAppError } from '../../base/errors';
import type { ByteSource } from '../format/byteSource';
import { ReadOnlyDatabase } from '../format/readOnlyDatabase';

/** SQLite's result codes for a file that is torn; all others are about what a database asks for, and we do not have. */
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

export interface DatabaseTrouble {
  readonly message: string;
  /** Its pages are whole: an index or a rule of it differs, as it can on a phone too. */
  readonly minor: boolean;
}

/**
 * SQLite's own check of a database. Collations and modules that only its app has do not count against it.
 * @param source Stays open.
 */
export async function checkDatabase(source: ByteSource): Promise<DatabaseTrouble | undefined> {
  let db: ReadOnlyDatabase | undefined;
  try {
    db = await ReadOnlyDatabase.open({ size: source.size, read: (t, at) => source.read(t, at), close() {} });
    const whole = firstProblem(db, 'PRAGMA integrity_check(1)');
    if (whole === undefined) return undefined;
    const pages = firstProblem(db, 'PRAGMA quick_check(1)');
    return pages === undefined ? { message: whole, minor: true } : { message: pages, minor: false };
  } catch (error) {
    if (!isAppError(error, 'backupDamaged')) throw error;
    return isTorn(error) ? { message: error.message, minor: false } : undefined;
  } finally {
    db?.close();
  }
}

/** @returns undefined when it is fine, or cannot be said here. */
function firstProblem(db: ReadOnlyDatabase, pragma: string): string | undefined {
  try {
    const text = db.first(pragma)?.[0];
    return text === 'ok' || typeof text !== 'string' ? undefined : text;
  } catch (error) {
    if (!isAppError(error, 'backupDamaged') || isTorn(error)) throw error;
    return undefined;
  }
}

function isTorn(error: Error): boolean {
  const code = (error.cause as { readonly resultCode?: number } | undefined)?.resultCode ?? 0;
  return (code & 0xff) === SQLITE_CORRUPT || (code & 0xff) === SQLITE_NOTADB;
}
