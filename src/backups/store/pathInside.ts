import path from 'node:path';
import { AppError } from '../../base/errors';

/** The longest name of one file or folder: bytes of UTF-8, on Windows UTF-16 units. */
const MAX_NAME = 255;
/** The longest whole path in the same units; what the system calls take. */
const MAX_PATH: Partial<Record<NodeJS.Platform, number>> = { darwin: 1023, win32: 32_000 };
const MAX_PATH_ELSEWHERE = 4095;
/** What nearly all paths of a backup are; every system takes them as they are. */
const USUAL = /^[0-9A-Za-z-]+\/(?:Snapshot\/)?[0-9a-f]{2}\/[0-9a-f]{40}$/;
/** Beyond this a path would cost more to check than any real one (they have four parts). */
const MAX_PARTS = 64;

/** Windows: names of devices, whatever comes behind a dot. Also the superscript digits, which it takes for digits. */
const RESERVED = /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)?$/i;
// eslint-disable-next-line no-control-regex -- they are what is looked for
const NOT_ON_WINDOWS = /[\u0000-\u001f<>"|?*]/;

/**
 * Splits a path that a device sent into checked names. Devices also send absolute-looking paths (`/.b/6/…`): they are
 * relative to the backup all the same, so empty parts and `.` are dropped. An empty list is the backup root.
 *
 * The first part is the device's own folder or `.b`, its other staging folder.
 * @param platform The rules of the system whose disk it will be; a parameter so that Windows' rules are tested anywhere
 * @throws AppError `unsafePath` for what leads outside or somewhere else, `nameNotPossible` for what the disk cannot hold
 */
export function splitDevicePath(devicePath: string, udid: string, platform = process.platform): readonly string[] {
  if (USUAL.test(devicePath)) {
    const usual = devicePath.split('/');
    if (usual[0] === udid) return usual;
  }
  // A climbing part is refused whatever its separators: the backup may be copied to Windows one day.
  for (const part of devicePath.split(/[\\/]/)) {
    if (part === '..' || (platform === 'win32' && /^\.[. ]*$/.test(part) && part !== '.')) {
      throw unsafe(devicePath, 'it climbs out of the backup');
    }
  }
  const parts = devicePath.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.length > MAX_PARTS) throw unsafe(devicePath, `it has ${parts.length} parts`);
  const first = parts[0];
  if (first !== undefined && first !== udid && first !== '.b') {
    throw unsafe(devicePath, 'it begins neither with the device nor with .b');
  }
  for (const part of parts) checkName(part, devicePath, platform);
  return parts;
}

/**
 * Where a checked path lies on this computer.
 * @param root Absolute
 * @throws AppError `nameNotPossible` if the whole path is longer than the system takes
 */
export function hostPath(root: string, parts: readonly string[], platform = process.platform): string {
  const windows = platform === 'win32';
  const rules = windows ? path.win32 : path.posix;
  const joined =
    parts.length === 0 ? root : `${root.replace(windows ? /[\\/]+$/ : /\/+$/, '')}${rules.sep}${parts.join(rules.sep)}`;
  if (units(joined, platform) > (MAX_PATH[platform] ?? MAX_PATH_ELSEWHERE)) {
    throw notPossible(parts.join('/'), 'the whole path is too long for this system');
  }
  // `\\?\` lifts Windows' limit of 260 characters and its rewriting of names.
  return windows && joined.length >= 240 ? path.win32.toNamespacedPath(joined) : joined;
}

/** A UDID as it may name a folder: both of Apple's forms, and nothing that could be a path or another one's version. */
export function isUdid(text: string): boolean {
  return /^[0-9A-Za-z][0-9A-Za-z-]{7,63}$/.test(text) && !/-\d{8}-\d{6}$/.test(text);
}

function checkName(name: string, devicePath: string, platform: NodeJS.Platform): void {
  if (name.includes('\0')) throw unsafe(devicePath, 'it holds a NUL');
  // Node would replace half a surrogate pair: two names would meet in one file.
  if (/\p{Surrogate}/u.test(name)) throw notPossible(devicePath, 'it is no well-formed text');
  if (platform === 'win32') checkWindowsName(name, devicePath);
  if (units(name, platform) > MAX_NAME) throw notPossible(devicePath, 'a name in it is too long');
}

function checkWindowsName(name: string, devicePath: string): void {
  if (name.includes('\\')) throw unsafe(devicePath, 'it holds a backslash');
  if (name.includes(':')) throw unsafe(devicePath, 'it names a drive or a stream');
  if (RESERVED.test(name)) throw unsafe(devicePath, 'it names a device of Windows');
  if (NOT_ON_WINDOWS.test(name)) throw notPossible(devicePath, 'it holds a character that Windows forbids');
  // Windows drops them silently: `a.` and `a` would be one file.
  if (/[. ]$/.test(name)) throw notPossible(devicePath, 'a name in it ends in a dot or a space');
}

function units(text: string, platform: NodeJS.Platform): number {
  if (platform === 'win32') return text.length;
  // Bytes are never fewer than units and at most three times as many: most names need no counting.
  return text.length * 3 <= MAX_NAME ? text.length : Buffer.byteLength(text);
}

function unsafe(devicePath: string, why: string): AppError {
  return new AppError('unsafePath', `refused the path ${quote(devicePath)}: ${why}`, {
    details: { path: shortened(devicePath) },
  });
}

function notPossible(devicePath: string, why: string): AppError {
  return new AppError('nameNotPossible', `cannot store ${quote(devicePath)}: ${why}`, {
    details: { path: shortened(devicePath) },
  });
}

function quote(text: string): string {
  return JSON.stringify(shortened(text));
}

function shortened(text: string): string {
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
