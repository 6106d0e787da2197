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
  return cannotMount() ?? (missing.length > 0 ? `there is no ${missing.join(', ')}` : undefined);
}

/** What is on most sticks and memory cards: no links, no modes. */
export function mountExfat(bytes: number): MountedDisk {
  const place = fs.mkdtempSync(path.join(os.tmpdir(), 'exfat-'));
  const image = path.join(place, 'image');
  const folder = path.join(place, 'disk');
  fs.mkdirSync(folder);
  fs.closeSync(fs.openSync(image, 'w'));
  fs.truncateSync(image, bytes);
  execFileSync('mkfs.exfat', [image], { stdio: 'ignore' });
  const loop = execFileSync('losetup', ['--find', '--show', image]).toString().trim();
  execFileSync('mount.exfat-fuse', [loop, folder], { stdio: 'ignore' });
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
