import assert from 'node:assert/strict';
import { isAppError } from '../../../../src/base/errors';
import { formatMuxAddress, muxAddress, parseMuxAddress } from '../../../../src/device/usbmux/muxAddress';

describe('parseMuxAddress', () => {
  const cases: readonly [string, string][] = [
    ['UNIX:/run/usbmuxd', 'UNIX:/run/usbmuxd'],
    ['unix:/run/usbmuxd', 'UNIX:/run/usbmuxd'],
    ['unix:///run/usbmuxd', 'UNIX:/run/usbmuxd'],
    ['/tmp/with space:and colon', 'UNIX:/tmp/with space:and colon'],
    ['127.0.0.1:27015', '127.0.0.1:27015'],
    ['tcp://localhost:27015', 'localhost:27015'],
    ['my-host.example:1', 'my-host.example:1'],
    ['[::1]:27015', '[::1]:27015'],
    ['[fe80::1%eth0]:65535', '[fe80::1%eth0]:65535'],
  ];
  for (const [text, expected] of cases) {
    it(`reads ${text}`, () => {
      const formatted = formatMuxAddress(parseMuxAddress(text));
      assert.equal(formatted, expected);
      assert.equal(formatMuxAddress(parseMuxAddress(formatted)), expected);
    });
  }

  for (const text of [
    '',
    'UNIX:',
    'unix:relative',
    'relative',
    'host',
    'host:',
    ':27015',
    'host:0',
    'host:65536',
    '::1:27015',
    'UNIX:27015',
    '/a\0b',
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(
        () => parseMuxAddress(text),
        (error) => isAppError(error, 'wrongUsage'),
      );
    });
  }
});

describe('muxAddress', () => {
  const env = { USBMUXD_SOCKET_ADDRESS: '127.0.0.1:1234' };

  it('prefers the setting to the environment, and that to the platform', () => {
    assert.equal(formatMuxAddress(muxAddress({ setting: '/x', env, platform: 'linux' })), 'UNIX:/x');
    assert.equal(formatMuxAddress(muxAddress({ setting: ' ', env, platform: 'linux' })), '127.0.0.1:1234');
    assert.equal(formatMuxAddress(muxAddress({ env: {}, platform: 'linux' })), 'UNIX:/var/run/usbmuxd');
    assert.equal(formatMuxAddress(muxAddress({ env: {}, platform: 'darwin' })), 'UNIX:/var/run/usbmuxd');
    assert.equal(formatMuxAddress(muxAddress({ env: {}, platform: 'win32' })), '127.0.0.1:27015');
  });
});
