import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { familyOf } from '../../../src/views/linuxFamily';

describe('familyOf', () => {
  for (const [release, family] of [
    ['PRETTY_NAME="Debian GNU/Linux 12"\nID=debian\n', 'debian'],
    ['ID=pop\nID_LIKE="ubuntu debian"\n', 'debian'],
    ['ID="rhel"\nID_LIKE="fedora"\n', 'fedora'],
    ['ID=rocky\nID_LIKE="rhel centos fedora"', 'fedora'],
    ['ID=endeavouros\nID_LIKE=arch\n', 'arch'],
    ['ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"', 'suse'],
    ['ID=nixos\n', 'linux'],
    ['', 'linux'],
    ['VERSION_ID=debian', 'linux'],
  ] as const) {
    it(`finds ${family} in ${JSON.stringify(release)}`, () => assert.equal(familyOf(release), family));
  }
});
