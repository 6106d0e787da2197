import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export interface MountedDisk extends Disposable {
  readonly folder: string;
}

/** Mounting needs root on Linux. */
export function cannotMount(): string | undefined {
  return process.platform === 'linux' && process.getuid?.() === 0 ? undefined : 'mounting a disk needs root on Linux';
}

/** A tmpfs of its own: an ordinary file system for all that matters here, and exactly as large as wanted. */
export function mountSmall(bytes: number): MountedDisk & { grow(bytes: number): void } {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'small-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=0700`, 'tmpfs', folder]);
  return {
    folder,
    grow: (size) => void execFileSync('mount', ['-o', `remount,size=${size}`, folder]),
    [Symbol.dispose]: () => unmount(folder),
  };
}

export function lacksExfat(): string | undefined {
  const tools = ['mkfs.exfat', 'mount.exfat-fuse', 'losetup'];
  const missing = tools.filter(
    (tool) => !['/usr/sbin', '/sbin', '/usr/bin'].some((bin) => fs.existsSync(path.join(bin, tool))),
  );
  const reason = cannotMount() ?? (missing.length > 0 ? `there is no ${missing.join(', ')}` : undefined);
  if (reason !== undefined) return reason;
  try {
    // A container may have the programs, and neither loop devices nor FUSE.
    mountExfat(8 << 20)[Symbol.dispose]();
    return undefined;
  } catch (error) {
    return `exFAT cannot be mounted here: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** What is on most sticks and memory cards: no links, no modes. */
export function mountExfat(bytes: number): MountedDisk {
  const place = fs.mkdtempSync(path.join(os.tmpdir(), 'exfat-'));
  const image = path.join(place, 'image');
  const folder = path.join(place, 'disk');
  fs.mkdirSync(folder);
  fs.closeSync(fs.openSync(image, 'w'));
  fs.truncateSync(image, bytes);
  let loop = '';
  try {
    execFileSync('mkfs.exfat', [image], { stdio: 'ignore' });
    loop = execFileSync('losetup', ['--find', '--show', image]).toString().trim();
    execFileSync('mount.exfat-fuse', [loop, folder], { stdio: 'ignore' });
  } catch (error) {
    if (loop !== '') execFileSync('losetup', ['-d', loop]);
    fs.rmSync(place, { recursive: true, force: true });
    throw error;
  }
  return {
    folder,
    [Symbol.dispose]() {
      unmount(folder);
      execFileSync('losetup', ['-d', loop]);
      fs.rmSync(place, { recursive: true, force: true });
    },
  };
}

function unmount(folder: string): void {
  execFileSync('umount', ['-l', folder]);
  fs.rmSync(folder, { recursive: true, force: true });
}
