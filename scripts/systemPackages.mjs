import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { findBrowser } from './findBrowser.mjs';

/**
 * Programs that do not come from npm, by the part of the set-up that asks for them.
 * `found` looks for the program itself, not for the package: it may have come another way.
 */
export const programs = {
  browser: [
    {
      what: 'Chromium',
      found: () => findBrowser() !== undefined,
      apt: ['chromium'],
      brew: ['--cask chromium'],
      fedora: ['chromium'],
    },
    { what: 'a font', found: () => hasFont(/./), apt: ['fonts-dejavu-core'], brew: [], fedora: ['dejavu-sans-fonts'] },
    {
      what: 'a font with emoji', // people give their phones names with them; pictures should show that
      found: () => hasFont(/emoji/i),
      apt: ['fonts-noto-color-emoji'],
      brew: [],
      fedora: ['google-noto-color-emoji-fonts'],
    },
  ],
  // The foreign clients and daemons that the tests let loose on the virtual device, and an independent reader.
  peers: [
    {
      what: 'idevicebackup2',
      found: () => onPath('idevicebackup2'),
      apt: ['libimobiledevice-utils'],
      brew: ['libimobiledevice'],
      fedora: ['libimobiledevice-utils'],
    },
    { what: 'usbmuxd', found: () => onPath('usbmuxd'), apt: ['usbmuxd'], brew: ['usbmuxd'], fedora: ['usbmuxd'] },
    {
      what: 'plistutil',
      found: () => onPath('plistutil'),
      apt: ['libplist-utils'],
      brew: ['libplist'],
      fedora: ['libplist'],
    },
    { what: 'openssl', found: () => onPath('openssl'), apt: ['openssl'], brew: ['openssl'], fedora: ['openssl'] },
    {
      what: 'Python with Cryptodome',
      found: hasCryptodome,
      apt: ['python3', 'python3-pycryptodome'],
      brew: ['python'],
      fedora: ['python3', 'python3-pycryptodomex'],
    },
    // For tests on real small file systems, as root on Linux only.
    {
      what: 'mkfs.ext4',
      found: () => process.platform !== 'linux' || onPath('mkfs.ext4'),
      apt: ['e2fsprogs'],
      brew: [],
      fedora: ['e2fsprogs'],
    },
    {
      what: 'mkfs.vfat',
      found: () => process.platform !== 'linux' || onPath('mkfs.vfat'),
      apt: ['dosfstools'],
      brew: [],
      fedora: ['dosfstools'],
    },
    // A file system without links.
    {
      what: 'mkfs.exfat',
      found: () => process.platform !== 'linux' || onPath('mkfs.exfat'),
      apt: ['exfatprogs'],
      brew: [],
      fedora: ['exfatprogs'],
    },
    {
      what: 'mount.exfat-fuse',
      found: () => process.platform !== 'linux' || onPath('mount.exfat-fuse'),
      apt: ['exfat-fuse'],
      brew: [],
      fedora: ['fuse-exfat'],
    },
    {
      what: 'gio', // the system's trash
      found: () => process.platform !== 'linux' || onPath('gio'),
      apt: ['libglib2.0-bin'],
      brew: [],
      fedora: ['glib2'],
    },
  ],
};

/** The programs of a part that this machine lacks. */
export function missing(part) {
  return programs[part].filter(({ found }) => !found());
}

/** The command that installs them here, or undefined when this system's package manager is not known. */
export function installCommand(lacking) {
  const names = (manager) => [...new Set(lacking.flatMap((program) => program[manager]))].join(' ');
  if (onPath('apt-get')) return `apt-get update && apt-get install -y --no-install-recommends ${names('apt')}`;
  if (onPath('dnf')) return `dnf install -y ${names('fedora')}`;
  if (onPath('brew')) return `brew install ${names('brew')}`;
  return undefined;
}

/** @param name of a program. Also looks where an ordinary user's PATH does not. */
export function onPath(name) {
  const folders = [...(process.env.PATH ?? '').split(path.delimiter), '/usr/sbin', '/sbin', '/usr/local/sbin'];
  const endings = process.platform === 'win32' ? ['.exe', '.cmd', ''] : [''];
  return folders.some((folder) => endings.some((ending) => folder && fs.existsSync(path.join(folder, name + ending))));
}

function hasCryptodome() {
  // Debian calls it Cryptodome, PyPI's pycryptodome calls it Crypto.
  const look = 'import importlib.util as u, sys; sys.exit(not (u.find_spec("Cryptodome") or u.find_spec("Crypto")))';
  return ['/usr/bin/python3', 'python3'].some((python) => spawnSync(python, ['-c', look]).status === 0);
}

/** @param like a part of the font's file name */
function hasFont(like) {
  if (process.platform !== 'linux') return true;
  return ['/usr/share/fonts', '/usr/local/share/fonts'].some((folder) => {
    if (!fs.existsSync(folder)) return false;
    return fs
      .readdirSync(folder, { recursive: true })
      .some((file) => /\.(ttf|otf|ttc)$/i.test(String(file)) && like.test(path.basename(String(file))));
  });
}
