import { dict, isDict, type PlistDict } from '../../../src/plist';
import { shown } from './deviceLink';
import { HostFault } from './hostFault';

/** Names below a backup's folder, as DeviceLink writes them: relative to the root that the host has chosen. */
export class HostFolder {
  readonly status: string;
  readonly manifestPlist: string;
  readonly manifestDatabase: string;
  readonly snapshot: string;

  constructor(readonly name: string) {
    this.status = `${name}/Status.plist`;
    this.manifestPlist = `${name}/Manifest.plist`;
    this.manifestDatabase = `${name}/Manifest.db`;
    this.snapshot = `${name}/Snapshot`;
  }

  blob(fileId: string): string {
    return `${this.name}/${fileId.slice(0, 2)}/${fileId}`;
  }

  staged(name: string): string {
    return `${this.snapshot}/${name}`;
  }

  stagedBlob(fileId: string): string {
    return `${this.snapshot}/${fileId.slice(0, 2)}/${fileId}`;
  }

  /**
   * The folder that a request names: SourceIdentifier, or TargetIdentifier without one.
   * @throws HostFault when a needed identifier is missing, or is no plain name.
   */
  static of(request: PlistDict, udid: string, source: 'needed' | 'optional'): HostFolder {
    const target = request.get('TargetIdentifier');
    if (target !== udid) throw new HostFault(`TargetIdentifier is ${shown(target)}, not ${udid}`);
    const name = request.get('SourceIdentifier') ?? (source === 'optional' ? target : undefined);
    if (typeof name !== 'string' || !/^[^/\\\0]{1,255}$/.test(name) || name === '.' || name === '..') {
      throw new HostFault(`SourceIdentifier is ${shown(name)}`);
    }
    return new HostFolder(name);
  }
}

/** A request's Options. @throws HostFault unless they are a dictionary or absent. */
export function optionsOf(request: PlistDict): PlistDict {
  const options = request.get('Options') ?? dict({});
  if (!isDict(options)) throw new HostFault('Options is no dictionary');
  return options;
}

/** @throws HostFault when the option is there and no boolean. */
export function booleanOption(options: PlistDict, name: string): boolean | undefined {
  const value = options.get(name);
  if (value !== undefined && typeof value !== 'boolean') throw new HostFault(`option ${name} is no boolean`);
  return value;
}
