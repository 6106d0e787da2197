import { AppError } from '../../base/errors';
import { isMissing } from './diskErrors';
import type { FileSystem } from './fileSystem';
import { removeTree } from './folders';

/** A hostile device could make up names without end. */
const MAX_REMEMBERED = 100_000;

/**
 * Keeps two names of the device apart that this disk takes for one (`A` and `a` on most Macs and Windows, composed and
 * decomposed `é` on older Macs): the second would silently replace the first. Costs next to nothing for a backup's
 * usual names, 40 lower-case hex digits, which cannot meet each other.
 */
export class NameGuard {
  readonly #fileSystem: FileSystem;
  /** Folded path → path as the device spells it, for names that another could meet. */
  readonly #odd = new Map<string, string>();
  readonly #loaded = new Set<string>();

  constructor(fileSystem: FileSystem) {
    this.#fileSystem = fileSystem;
  }

  /**
   * Call before something is made at `parts`.
   * @param directories Where the entries of a device folder may lie on this computer
   * @throws AppError `nameNotPossible` if another name is there that the disk takes for this one
   */
  async claim(parts: readonly string[], directories: (parent: readonly string[]) => readonly string[]): Promise<void> {
    for (let length = 1; length <= parts.length; length++) {
      const parent = parts.slice(0, length - 1);
      const name = parts[length - 1]!;
      const parentKey = parent.join('/');
      const key = fold(parentKey === '' ? name : `${parentKey}/${name}`);
      const known = this.#odd.get(key);
      if (known === name) continue;
      const odd = fold(name) !== name;
      // Odd names on the disk are looked up once per folder; an odd name that is new is compared with all of its folder.
      if (!odd && known === undefined && this.#loaded.has(parentKey)) continue;
      const met = await this.#find(parentKey, name, directories(parent));
      if (met !== undefined) {
        throw new AppError(
          'nameNotPossible',
          `the disk takes ${JSON.stringify(name)} for ${JSON.stringify(met)}, which is there already`,
          {
            details: { path: parts.join('/'), other: met },
          },
        );
      }
      this.#odd.delete(key);
      if (odd) this.#remember(key, name);
    }
  }

  /** Reads the folder's names: remembers the odd ones, and gives one that folds alike but is another. */
  async #find(parentKey: string, name: string, directories: readonly string[]): Promise<string | undefined> {
    let met: string | undefined;
    let same = false;
    for (const directory of directories) {
      let names: readonly string[];
      try {
        names = (await this.#fileSystem.readDirectory(directory)).map((entry) => entry.name);
      } catch (error) {
        if (isMissing(error)) continue;
        throw error;
      }
      for (const other of names) {
        if (other === name) same = true;
        else if (fold(other) === fold(name)) met = other;
        if (fold(other) !== other) this.#remember(fold(parentKey === '' ? other : `${parentKey}/${other}`), other);
      }
    }
    this.#loaded.add(parentKey);
    return same ? undefined : met;
  }

  #remember(key: string, name: string): void {
    if (this.#odd.size >= MAX_REMEMBERED) {
      this.#odd.clear();
      this.#loaded.clear();
    }
    this.#odd.set(key, name);
  }
}

/** @returns whether this folder's disk takes two different names for one */
export async function foldsNames(fileSystem: FileSystem, folder: string): Promise<boolean> {
  for (const [made, asked] of [
    ['probe-name', 'PROBE-NAME'],
    ['probe-\u00e9', 'probe-e\u0301'],
  ] as const) {
    const file = `${folder}/${made}`;
    // A crash may have left it.
    await removeTree(fileSystem, file);
    await (await fileSystem.open(file, 'create')).close();
    try {
      await fileSystem.stat(`${folder}/${asked}`);
      return true;
    } catch (error) {
      if (!isMissing(error)) throw error;
    } finally {
      await fileSystem.removeFile(file);
    }
  }
  return false;
}

/** At least as much as file systems fold: two names that differ here differ on every disk. */
function fold(text: string): string {
  return text.normalize('NFC').toLowerCase().toUpperCase().toLowerCase().normalize('NFC');
}
