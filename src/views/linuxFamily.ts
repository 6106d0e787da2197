import { readFile } from 'node:fs/promises';

export type LinuxFamily = 'debian' | 'fedora' | 'arch' | 'suse' | 'linux';

const families: readonly (readonly [LinuxFamily, readonly string[]])[] = [
  ['debian', ['debian', 'ubuntu', 'linuxmint', 'raspbian']],
  ['fedora', ['fedora', 'rhel', 'centos']],
  ['arch', ['arch', 'manjaro']],
  ['suse', ['suse', 'opensuse', 'opensuse-tumbleweed', 'opensuse-leap', 'sles']],
];

/** How this computer installs programs: the text for an absent usbmuxd names the command. */
export async function linuxFamily(): Promise<LinuxFamily> {
  try {
    return familyOf(await readFile('/etc/os-release', 'utf8'));
  } catch {
    return 'linux'; // Distributions without that file are rare, and get the general text.
  }
}

/** @param release The text of os-release(5): `ID` names the distribution, `ID_LIKE` what it comes from. */
export function familyOf(release: string): LinuxFamily {
  const field = (name: string) => new RegExp(`^${name}="?([^"\\n]*)"?$`, 'm').exec(release)?.[1]?.toLowerCase() ?? '';
  const names = [field('ID'), ...field('ID_LIKE').split(/\s+/)];
  for (const name of names) {
    const found = families.find(([, members]) => members.includes(name));
    if (found) return found[0];
  }
  return 'linux';
}
