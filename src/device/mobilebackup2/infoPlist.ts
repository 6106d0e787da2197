import { randomBytes } from 'node:crypto';
import { isAppError } from '../../base/errors';
import type { Log } from '../../base/log';
import { abortable, throwIfAborted } from '../../base/abort';
import { dict, isDict, type PlistDict, type PlistValue } from '../../plist';
import type { TrustedDevice } from '../lockdown/trustedDevice';
import type { AfcClient } from '../services/afcClient';
import { browseUserApps } from '../services/installationProxy';
import { SpringBoardClient } from '../services/springBoard';

/** Written when the device names no minimum; Finder writes its own version. */
const DEFAULT_ITUNES_VERSION = '10.0.1';
const IBOOKS_FILE = '/Books/iBooksData2.plist';
const ITUNES_FOLDER = '/iTunes_Control/iTunes';
const ITUNES_FILES = [
  'ApertureAlbumPrefs',
  'IC-Info.sidb',
  'IC-Info.sidv',
  'PhotosFolderAlbums',
  'PhotosFolderName',
  'PhotosFolderPrefs',
  'VoiceMemos.plist',
  'iPhotoAlbumPrefs',
  'iTunesApplicationIDs',
  'iTunesPrefs',
  'iTunesPrefs.plist',
];
/** Each of these is some KiB; the bound keeps a broken device from filling the memory. */
const MAX_FILE_SIZE = 16 * 1024 * 1024;

export interface InfoPlistOptions {
  readonly afc: AfcClient;
  /** The model's name, such as `iPhone 15 Pro`, as Finder writes it. */
  readonly productName?: string;
  readonly now: Date;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Collects what a backup's Info.plist says: the device, its apps with what is needed to install them again, and the few
 * files that iTunes keeps on it. What the device does not give is left out.
 * @throws AppError `deviceGone`, `cancelled`, `timedOut` …
 */
export async function readInfoPlist(device: TrustedDevice, options: InfoPlistOptions): Promise<PlistDict> {
  const { afc, log, signal, now, productName } = options;
  const values = dictOf(await device.getValue(undefined, undefined, signal));
  const iTunesSettings = dictOf(await device.getValue('com.apple.iTunes', undefined, signal));
  const minITunesVersion = await device.getValue('com.apple.mobile.iTunes', 'MinITunesVersion', signal);
  const { applications, installed } = await readApps(device, log, signal);
  const text = (key: string) => {
    const value = values.get(key);
    return typeof value === 'string' ? value : undefined;
  };
  return dict({
    Applications: applications,
    'Build Version': text('BuildVersion'),
    'Device Name': text('DeviceName'),
    'Display Name': text('DeviceName'),
    GUID: randomBytes(16).toString('hex').toUpperCase(),
    ICCID: text('IntegratedCircuitCardIdentity'),
    IMEI: text('InternationalMobileEquipmentIdentity'),
    'IMEI 2': text('InternationalMobileEquipmentIdentity2'),
    'Installed Applications': installed,
    'Last Backup Date': now,
    MEID: text('MobileEquipmentIdentifier'),
    'Phone Number': text('PhoneNumber'),
    'Product Name': productName,
    'Product Type': text('ProductType'),
    'Product Version': text('ProductVersion'),
    'Serial Number': text('SerialNumber'),
    'Target Identifier': device.udid,
    'Target Type': 'Device',
    'Unique Identifier': device.udid.toUpperCase(),
    'iBooks Data 2': await readOptionalFile(afc, IBOOKS_FILE, log, signal),
    'iTunes Files': await readITunesFiles(afc, log, signal),
    'iTunes Settings': iTunesSettings,
    'iTunes Version': typeof minITunesVersion === 'string' ? minITunesVersion : DEFAULT_ITUNES_VERSION,
  });
}

async function readApps(
  device: TrustedDevice,
  log: Log,
  signal: AbortSignal,
): Promise<{ applications: PlistDict; installed: readonly string[] }> {
  const applications = new Map<string, PlistValue>();
  const installed: string[] = [];
  const attributes = ['CFBundleIdentifier', 'ApplicationSINF', 'iTunesMetadata'];
  const apps = await optional('the list of apps', log, () => browseUserApps(device, attributes, signal));
  const springBoard = await optional('icons', log, () => SpringBoardClient.open(device, signal));
  try {
    for (const app of apps ?? []) {
      throwIfAborted(signal);
      const bundleId = app.get('CFBundleIdentifier');
      if (typeof bundleId !== 'string') continue;
      installed.push(bundleId);
      const sinf = app.get('ApplicationSINF');
      const metadata = app.get('iTunesMetadata');
      // Only these can be installed again from the App Store.
      if (sinf === undefined || metadata === undefined) continue;
      const icon =
        springBoard && (await optional(`the icon of ${bundleId}`, log, () => springBoard.icon(bundleId, signal)));
      applications.set(bundleId, dict({ ApplicationSINF: sinf, iTunesMetadata: metadata, PlaceholderIcon: icon }));
    }
  } finally {
    await springBoard?.close();
  }
  return { applications, installed };
}

async function readITunesFiles(afc: AfcClient, log: Log, signal: AbortSignal): Promise<PlistDict> {
  const files = new Map<string, PlistValue>();
  for (const name of ITUNES_FILES) {
    const content = await readOptionalFile(afc, `${ITUNES_FOLDER}/${name}`, log, signal);
    if (content) files.set(name, content);
  }
  return files;
}

/** Undefined for a file that is missing, empty or cannot be read. */
async function readOptionalFile(
  afc: AfcClient,
  path: string,
  log: Log,
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  throwIfAborted(signal);
  const content = await optional(path, log, () => abortable(afc.readFile(path, MAX_FILE_SIZE, signal), signal));
  return content && content.length > 0 ? content : undefined;
}

/** A backup is worth more than the list of its apps: what the device refuses is logged and left out. */
async function optional<T>(what: string, log: Log, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (isAppError(error, 'deviceGone') || isAppError(error, 'cancelled') || !isAppError(error)) throw error;
    log.warn(`Info.plist will lack ${what}: ${error.message}`);
    return undefined;
  }
}

function dictOf(value: PlistValue | undefined): PlistDict {
  return isDict(value) ? value : new Map();
}
