import type { BackupFile } from '../format/backupFile';

/** A name in a folder of a domain. */
export interface TreeChild {
  readonly name: string;
  readonly kind: BackupFile['kind'];
}

/**
 * The folders and files of one domain. Names are the device's: only their components `.`, `..` and empty ones are not
 * shown, since no file can have them; parents may have no row of their own.
 */
export interface DomainNames {
  /** Rows of the domain. */
  readonly size: number;
  /** Names that this holds in memory. */
  readonly kept: number;
  /** The children of a folder, `''` being the domain's root, in no particular order; undefined if it is none. */
  children(folder: string): readonly TreeChild[] | undefined;
  find(relativePath: string): TreeChild | undefined;
}

/** Paths nest no deeper than this; a path of 1,024 bytes cannot have more parts. */
const MAX_DEPTH = 512;

export function isPlainPath(relativePath: string): boolean {
  const parts = relativePath.split('/');
  return parts.length <= MAX_DEPTH && parts.every(isPlainName);
}

export function isPlainName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('\0');
}

export function splitPath(relativePath: string): { readonly parent: string; readonly name: string } {
  const slash = relativePath.lastIndexOf('/');
  return { parent: slash < 0 ? '' : relativePath.slice(0, slash), name: relativePath.slice(slash + 1) };
}
