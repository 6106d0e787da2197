import { AppError } from '../../base/errors';
import type { SocketAddress } from '../io/connectSocket';

/** Where usbmuxd, or the Apple Mobile Device Service, listens. */
export type MuxAddress = SocketAddress;

const ENVIRONMENT = 'USBMUXD_SOCKET_ADDRESS';
const UNIX_DEFAULT: MuxAddress = { kind: 'unix', path: '/var/run/usbmuxd' };
const WINDOWS_DEFAULT: MuxAddress = { kind: 'tcp', host: '127.0.0.1', port: 27015 };

export interface MuxAddressSources {
  /** What the user has set; wins when it is not empty. */
  readonly setting?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
}

/**
 * The address to use: the setting, else the environment variable USBMUXD_SOCKET_ADDRESS, else the platform's own.
 * @throws AppError `wrongUsage` if the one that counts is no address.
 */
export function muxAddress({ setting, env, platform }: MuxAddressSources): MuxAddress {
  const text = setting?.trim() || env[ENVIRONMENT]?.trim();
  if (text) return parseMuxAddress(text);
  return platform === 'win32' || platform === 'cygwin' ? WINDOWS_DEFAULT : UNIX_DEFAULT;
}

/**
 * Reads `UNIX:/path` (any case), an absolute path, `host:port` or `[v6]:port`: the forms that the various clients of
 * USBMUXD_SOCKET_ADDRESS take.
 * @throws AppError `wrongUsage` for anything else.
 */
export function parseMuxAddress(text: string): MuxAddress {
  const unix = /^unix:(?:\/\/)?(\/.+)$/i.exec(text)?.[1] ?? (text.startsWith('/') ? text : undefined);
  if (unix !== undefined && !unix.includes('\0')) return { kind: 'unix', path: unix };
  const [, v6, name, digits] =
    /^(?:tcp:\/\/)?(?:\[([0-9a-f:.]+(?:%[\w.-]+)?)\]|([\w.-]+)):(\d{1,5})$/i.exec(text) ?? [];
  const host = v6 ?? name;
  const port = Number(digits);
  if (host === undefined || port < 1 || port > 65535 || /^unix$/i.test(host)) {
    throw new AppError(
      'wrongUsage',
      'the address of usbmuxd is not of the form UNIX:/path, /path, host:port or [address]:port',
    );
  }
  return { kind: 'tcp', host, port };
}

/** The form that parseMuxAddress() reads; two addresses are the same if their texts are. */
export function formatMuxAddress(address: MuxAddress): string {
  if (address.kind === 'unix') return `UNIX:${address.path}`;
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
}
