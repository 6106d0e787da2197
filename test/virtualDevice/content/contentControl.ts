import type { FileDescription } from '../description';
import type { DeviceState } from '../deviceState';

/** What the control connection asks of a device's content. Until the content is there, every request is refused. */
export interface ContentControl {
  /** Changes, adds and removes `count` files, the same ones for the same seed. @returns what was done, a line each. */
  changeFiles(device: DeviceState, count: number, seed: number): Promise<readonly string[]>;
  putFile(device: DeviceState, file: FileDescription): Promise<void>;
  removeFile(device: DeviceState, domain: string, relativePath: string): Promise<void>;
  /**
   * Compares `<folder>/<UDID>` on this machine with the device, byte for byte.
   * @returns the differences, a line each; none: equal.
   */
  compareFolder(device: DeviceState, folder: string, password?: string): Promise<readonly string[]>;
}

const missing = () => Promise.reject(new Error('the content is not there yet'));

export const contentControl: ContentControl = {
  changeFiles: missing,
  putFile: missing,
  removeFile: missing,
  compareFolder: missing,
};
