import path from 'node:path';
import {
  getOptionalData,
  getOptionalDict,
  getOptionalString,
  isDict,
  isPlistError,
  parsePlist,
  type PlistDict,
} from '../../plist';
import { isAppError } from '../../base/errors';
import { type ManifestPlist, readPlistFile } from '../format/manifestPlist';

/** Apps of the system that people know by another name than their program's. */
const SYSTEM_APPS: Readonly<Record<string, string>> = {
  'com.apple.DocumentsApp': 'Files',
  'com.apple.Health': 'Health',
  'com.apple.MobileAddressBook': 'Contacts',
  'com.apple.MobileSMS': 'Messages',
  'com.apple.Maps': 'Maps',
  'com.apple.Music': 'Music',
  'com.apple.Passbook': 'Wallet',
  'com.apple.Preferences': 'Settings',
  'com.apple.VoiceMemos': 'Voice Memos',
  'com.apple.calculator': 'Calculator',
  'com.apple.camera': 'Camera',
  'com.apple.facetime': 'FaceTime',
  'com.apple.iBooks': 'Books',
  'com.apple.mobilecal': 'Calendar',
  'com.apple.mobilemail': 'Mail',
  'com.apple.mobilenotes': 'Notes',
  'com.apple.mobilephone': 'Phone',
  'com.apple.mobilesafari': 'Safari',
  'com.apple.mobileslideshow': 'Photos',
  'com.apple.mobiletimer': 'Clock',
  'com.apple.podcasts': 'Podcasts',
  'com.apple.reminders': 'Reminders',
  'com.apple.shortcuts': 'Shortcuts',
  'com.apple.stocks': 'Stocks',
  'com.apple.weather': 'Weather',
};

/**
 * What people call the apps of a backup, by bundle identifier: the App Store's name from Info.plist, else the name of
 * the app's own folder from Manifest.plist. Apps without any are left out; nothing that cannot be read is an error.
 */
export async function readAppNames(folder: string, manifest: ManifestPlist): Promise<ReadonlyMap<string, string>> {
  const names = new Map(Object.entries(SYSTEM_APPS));
  for (const [id, app] of manifest.applications ?? []) {
    const bundle = isDict(app) ? optional(() => getOptionalString(app, 'Path')) : undefined;
    const name = bundle === undefined ? '' : path.posix.basename(bundle, '.app');
    if (name !== '' && !names.has(id)) names.set(id, name);
  }
  for (const [id, app] of await infoApplications(folder)) {
    const name = isDict(app) ? storeName(app) : undefined;
    if (name !== undefined && name !== '') names.set(id, name);
  }
  return names;
}

async function infoApplications(folder: string): Promise<PlistDict> {
  try {
    const info = await readPlistFile(path.join(folder, 'Info.plist'));
    return (info && optional(() => getOptionalDict(info, 'Applications'))) ?? new Map();
  } catch (error) {
    if (isAppError(error)) return new Map();
    throw error;
  }
}

function storeName(app: PlistDict): string | undefined {
  return optional(() => {
    const metadata = getOptionalData(app, 'iTunesMetadata');
    const parsed = metadata && parsePlist(metadata);
    return parsed && isDict(parsed) ? getOptionalString(parsed, 'itemName') : undefined;
  });
}

function optional<T>(read: () => T | undefined): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isPlistError(error)) return undefined;
    throw error;
  }
}
