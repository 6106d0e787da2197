import path from 'node:path';
import { compareBackupFolder } from '../compare/compareBackupFolder';
import { differenceText } from '../compare/difference';
import type { FileDescription } from '../description';
import type { DeviceState } from '../deviceState';
import { backupsOf } from '../mobilebackup2/deviceBackups';

/** What the control connection asks of a device's content. */
export interface ContentControl {
  /** Changes, adds, removes, renames and touches `count` files in all, the same ones for the same seed. @returns what was done, a line each. */
  changeFiles(device: DeviceState, count: number, seed: number): Promise<readonly string[]>;
  putFile(device: DeviceState, file: FileDescription): Promise<void>;
  removeFile(device: DeviceState, domain: string, relativePath: string): Promise<void>;
  /**
   * Compares `<folder>/<UDID>` on this machine with the device, byte for byte.
   * @returns the differences, a line each; none: equal.
   */
  compareFolder(device: DeviceState, folder: string, password?: string): Promise<readonly string[]>;
}

export const contentControl: ContentControl = {
  changeFiles: (device, count, seed) => Promise.resolve(backupsOf(device).content.churn(count, seed)),
  putFile: (device, file) => {
    backupsOf(device).content.put(file);
    return Promise.resolve();
  },
  removeFile: (device, domain, relativePath) => {
    const removed = backupsOf(device).content.remove(domain, relativePath);
    return removed ? Promise.resolve() : Promise.reject(new Error(`there is no ${domain}-${relativePath}`));
  },
  compareFolder: async (device, folder, password) =>
    (await compareBackupFolder(device, path.join(folder, device.udid), password)).map(differenceText),
};
