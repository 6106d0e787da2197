import { toErrorData } from '../base/errors';
import type { MadeBackup } from '../engine/protocol';
import type { App } from './app';
import { tellOtherPassword } from './otherPassword';
import { backUpRequest } from './settings';

export type BackUpServices = Pick<App, 'engine' | 'passwords' | 'log'>;

export interface BackUpOptions {
  /** Everything again, not only what has changed. */
  readonly full?: boolean;
  /** Of an encrypted backup; without it the remembered one is used. */
  readonly password?: string;
}

/**
 * Backs a device up to where its backups go. An encrypted backup is checked with its password, as far as that is known;
 * a remembered password that does not open it is not offered any more, and the person is told.
 * @throws AppError with the engine's code
 */
export async function backUpDevice(
  services: BackUpServices,
  udid: string,
  { full = false, password }: BackUpOptions = {},
): Promise<MadeBackup> {
  const { engine, passwords } = services;
  const remembered = password === undefined ? await rememberedPassword(services, udid) : undefined;
  const secret = password ?? remembered;
  const backup = await engine.call('backUp', {
    ...backUpRequest(udid),
    ...(full && { full }),
    ...(secret !== undefined && { password: secret }),
  });
  if (backup.passwordOpens === false && remembered !== undefined) {
    passwords.refuse(udid, remembered);
    void tellOtherPassword(services, udid, backup);
  }
  return backup;
}

/** A keychain that cannot be read must not stop a backup: the device needs no password for it. */
async function rememberedPassword(
  { engine, passwords, log }: BackUpServices,
  udid: string,
): Promise<string | undefined> {
  const device = engine.state?.devices.find((one) => one.udid === udid);
  if (device?.details?.backup.willEncrypt !== true) return undefined;
  try {
    return await passwords.get(udid);
  } catch (error) {
    log.warn(`the keychain cannot be read, so the backup is checked without the password: ${toErrorData(error).code}`);
    return undefined;
  }
}
