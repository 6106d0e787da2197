import type { PlistDict } from '../../../src/plist';
import { HostFault } from './hostFault';
import { HostFolder } from './hostFolder';
import { askPasscode, refusal, type Session } from './session';

/** Serves ChangePassword: turns encryption on or off, or changes its password. @throws Refusal, HostFault, HostLeft. */
export async function changePassword(session: Session, request: PlistDict): Promise<void> {
  const { device, files, context } = session;
  const folder = HostFolder.of(request, device.udid, 'optional');
  const before = password(request, 'OldPassword');
  const after = password(request, 'NewPassword');
  if (before === undefined && after === undefined) throw refusal(1, 'Neither an old nor a new password was given');
  if (before !== device.backupPassword) throw refusal(207);
  if (device.isAtLeast('13')) await askPasscode(session);
  if (device.locked && !context.escrow) throw refusal(208);
  const { encryptionForbidden, encryptionRequired } = device.switches;
  if (after === undefined ? encryptionRequired : encryptionForbidden) {
    throw refusal(1, 'Error setting WillEncrypt value in lockdown (MBErrorDomain/22)');
  }
  // The host has to answer file requests here too, though nothing depends on them. Not for free space: idevicebackup2
  // has no folder here whose disk it could look at.
  await files.downloadWhole(folder.manifestPlist);
  device.backupPassword = after;
  device.log(after === undefined ? 'backups are not encrypted any more' : 'backups are encrypted with a new password');
}

/** An empty password is none. */
function password(request: PlistDict, key: string): string | undefined {
  const value = request.get(key);
  if (value === undefined || value === '') return undefined;
  if (typeof value !== 'string') throw new HostFault(`${key} is no string`);
  return value;
}
