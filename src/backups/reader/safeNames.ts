/** What file systems of this computer may do to names. */
export interface NameRules {
  readonly windows: boolean;
  /** Names that differ only in case or in Unicode form meet: macOS and Windows, and many external disks anywhere. */
  readonly foldsNames: boolean;
}

/** The stricter rules everywhere that names may meet: an extracted folder is often copied on to another disk. */
export function nameRules(platform: NodeJS.Platform): NameRules {
  return { windows: platform === 'win32', foldsNames: platform === 'win32' || platform === 'darwin' };
}

const RESERVED = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\.|$)/i;
/** Bytes of UTF-8 that common file systems hold in one name; room is left for a suffix. */
const MAX_BYTES = 255;
const SUFFIX_ROOM = 12;

/** One name that the file system can hold and that stays in its folder. Most names come out as they went in. */
export function safeName(name: string, { windows }: NameRules): string {
  // Lone surrogates have no UTF-8: they would all become the same name.
  // eslint-disable-next-line no-control-regex
  let safe = name.replace(/\p{Surrogate}/gu, '\ufffd').replace(windows ? /[\u0000-\u001f<>:"/\\|?*]/g : /[\0/]/g, '_');
  if (windows) {
    safe = safe.replace(/[. ]+$/, (end) => '_'.repeat(end.length));
    if (RESERVED.test(safe)) safe = `_${safe}`;
  }
  if (safe === '' || safe === '.' || safe === '..') safe = safe.replaceAll('.', '_') || '_';
  return fitBytes(safe, MAX_BYTES);
}

/**
 * Gives each child of one folder a name of its own: a second one that would meet an earlier gets ` (2)` before its ending.
 * The same child always gets the same name as long as the children come in the same order.
 */
export class FolderNames {
  readonly #taken = new Set<string>();

  constructor(private readonly rules: NameRules) {}

  give(name: string): string {
    const safe = safeName(name, this.rules);
    if (this.#take(safe)) return safe;
    const dot = safe.lastIndexOf('.');
    const [stem, ending] = dot > 0 ? [safe.slice(0, dot), safe.slice(dot)] : [safe, ''];
    const kept = fitBytes(stem, MAX_BYTES - SUFFIX_ROOM - Buffer.byteLength(ending));
    for (let number = 2; ; number++) {
      const candidate = `${kept} (${number})${ending}`;
      if (this.#take(candidate)) return candidate;
    }
  }

  #take(name: string): boolean {
    const key = this.rules.foldsNames ? name.normalize('NFC').toLowerCase() : name;
    if (this.#taken.has(key)) return false;
    this.#taken.add(key);
    return true;
  }
}

function fitBytes(name: string, max: number): string {
  if (Buffer.byteLength(name) <= max) return name;
  let length = 0;
  let bytes = 0;
  for (const character of name) {
    bytes += Buffer.byteLength(character);
    if (bytes > max) break;
    length += character.length;
  }
  return name.slice(0, length);
}
