import { UDID } from './backupFolders';

type System = 'linux' | 'darwin' | 'win32';

const everywhere: readonly System[] = ['linux', 'darwin', 'win32'];
const windows: readonly System[] = ['win32'];

export interface HostilePath {
  readonly path: string;
  readonly code: 'unsafePath' | 'nameNotPossible';
  /** Where it is refused; elsewhere it is a name like any other. */
  readonly on: readonly System[];
}

const rows: readonly (readonly [string, HostilePath['code'], readonly System[]])[] = [
  // climbing
  ['..', 'unsafePath', everywhere],
  ['../x', 'unsafePath', everywhere],
  [`${UDID}/..`, 'unsafePath', everywhere],
  [`${UDID}/../../etc/passwd`, 'unsafePath', everywhere],
  [`${UDID}/ab/../../../x`, 'unsafePath', everywhere],
  [`/../${UDID}/x`, 'unsafePath', everywhere],
  ['.b/../../x', 'unsafePath', everywhere],
  [`${UDID}/./.././../x`, 'unsafePath', everywhere],
  [`${UDID}/..\\..\\x`, 'unsafePath', everywhere],
  [`${UDID}\\..\\..\\x`, 'unsafePath', everywhere],
  [`${UDID}/.. /x`, 'unsafePath', windows],
  [`${UDID}/.../x`, 'unsafePath', windows],
  [`${UDID}/. ./x`, 'unsafePath', windows],
  // somewhere else
  ['/etc/passwd', 'unsafePath', everywhere],
  ['etc/passwd', 'unsafePath', everywhere],
  ['.stage/stage.json', 'unsafePath', everywhere],
  ['.ios-backup/labels.json', 'unsafePath', everywhere],
  ['.bb/x', 'unsafePath', everywhere],
  ['.B/x', 'unsafePath', everywhere],
  [`${UDID.toLowerCase()}/x`, 'unsafePath', everywhere],
  [`${UDID}-20240101-000000/x`, 'unsafePath', everywhere],
  [`.${UDID}.partial/x`, 'unsafePath', everywhere],
  [`00008101-000A1B2C3D4E001F/x`, 'unsafePath', everywhere],
  ['~/x', 'unsafePath', everywhere],
  ['C:\\Windows\\x', 'unsafePath', everywhere],
  ['C:/Windows/x', 'unsafePath', everywhere],
  ['\\\\server\\share\\x', 'unsafePath', everywhere],
  ['//server/share/x', 'unsafePath', everywhere],
  ['file:///etc/passwd', 'unsafePath', everywhere],
  // NUL
  [`${UDID}/x\0.plist`, 'unsafePath', everywhere],
  [`${UDID}\0/x`, 'unsafePath', everywhere],
  ['\0', 'unsafePath', everywhere],
  // Windows
  [`${UDID}/ab\\cd`, 'unsafePath', windows],
  [`${UDID}/C:`, 'unsafePath', windows],
  [`${UDID}/x:stream`, 'unsafePath', windows],
  [`${UDID}/x::$DATA`, 'unsafePath', windows],
  [`${UDID}/CON`, 'unsafePath', windows],
  [`${UDID}/con.txt`, 'unsafePath', windows],
  [`${UDID}/aux `, 'unsafePath', windows],
  [`${UDID}/NUL.tar.gz`, 'unsafePath', windows],
  [`${UDID}/Com1`, 'unsafePath', windows],
  [`${UDID}/LPT9.x`, 'unsafePath', windows],
  [`${UDID}/COM¹`, 'unsafePath', windows],
  [`${UDID}/CONIN$`, 'unsafePath', windows],
  [`${UDID}/PRN/x`, 'unsafePath', windows],
  [`${UDID}/x.`, 'nameNotPossible', windows],
  [`${UDID}/x `, 'nameNotPossible', windows],
  [`${UDID}/a<b`, 'nameNotPossible', windows],
  [`${UDID}/a|b`, 'nameNotPossible', windows],
  [`${UDID}/a?`, 'nameNotPossible', windows],
  [`${UDID}/a*`, 'nameNotPossible', windows],
  [`${UDID}/a"b`, 'nameNotPossible', windows],
  [`${UDID}/a\u0001b`, 'nameNotPossible', windows],
  [`${UDID}/a\nb`, 'nameNotPossible', windows],
  // too long, or no text
  [`${UDID}/${'x'.repeat(256)}`, 'nameNotPossible', everywhere],
  [`${UDID}/${'x'.repeat(4096)}`, 'nameNotPossible', everywhere],
  [`${UDID}/${'é'.repeat(128)}`, 'nameNotPossible', ['linux', 'darwin']],
  [`${UDID}/\ud800`, 'nameNotPossible', everywhere],
  [`${UDID}/a\udc00b`, 'nameNotPossible', everywhere],
  [`${UDID}/${'x/'.repeat(100)}y`, 'unsafePath', everywhere],
];

/** Names that a hostile or broken device could send. */
export const HOSTILE_PATHS: readonly HostilePath[] = rows.map(([path, code, on]) => ({ path, code, on }));
