import type { ServiceHandler } from '../serviceConnection';

/** Closes at once until the backup service is there. */
export const serveMobileBackup2: ServiceHandler = (_stream, device) => {
  device.log('com.apple.mobilebackup2 has no implementation yet');
  return Promise.resolve();
};
