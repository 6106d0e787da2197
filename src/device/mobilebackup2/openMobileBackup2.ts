import { AppError } from '../../base/errors';
import { type Log, silentLog } from '../../base/log';
import { dict, isDict, numberOf, PlistReal } from '../../plist';
import { withDeadline } from '../io/deadline';
import type { TrustedDevice } from '../lockdown/trustedDevice';
import { errorOfResponse } from './deviceErrors';
import { DeviceLink } from './deviceLink';

const SERVICE = 'com.apple.mobilebackup2';
/** The service takes half a minute and more to start on a busy device. */
const HELLO_TIMEOUT_MS = 90_000;
/** Reals on the wire: devices compare them as such. */
const PROTOCOL_VERSIONS = [2.0, 2.1];

/**
 * Starts mobilebackup2 and agrees on a version. The connection serves one request.
 * @throws AppError `deviceLocked`, `serviceUnavailable`, `timedOut`, `unexpectedReply`, `deviceGone`, `cancelled` …
 */
export async function openMobileBackup2(
  device: TrustedDevice,
  signal: AbortSignal,
  log: Log = silentLog,
): Promise<DeviceLink> {
  const { silenceMs = Infinity } = device;
  const link = new DeviceLink(await device.startService(SERVICE, { escrow: true }, signal), device.silenceMs);
  const timeoutMs = Math.min(HELLO_TIMEOUT_MS, silenceMs);
  try {
    await withDeadline(
      {
        timeoutMs,
        signal,
        expired: () => new AppError('timedOut', `mobilebackup2 did not say hello within ${timeoutMs} ms`),
        giveUp: () => void link.close(),
      },
      sayHello(link).then((versions) => log.info(`the device speaks ${versions}`)),
    );
    return link;
  } catch (error) {
    await link.close();
    throw error;
  }
}

/** @returns what was agreed on, for the log */
async function sayHello(link: DeviceLink): Promise<string> {
  const offered = await link.open();
  const SupportedProtocolVersions = PROTOCOL_VERSIONS.map((version) => new PlistReal(version));
  await link.process(dict({ MessageName: 'Hello', SupportedProtocolVersions }));
  const { name, elements } = await link.receive();
  const reply = elements[1];
  if (name !== 'DLMessageProcessMessage' || !isDict(reply)) {
    throw new AppError('unexpectedReply', `mobilebackup2 answered Hello with ${name}`);
  }
  const errorCode = numberOf(reply.get('ErrorCode'));
  const version = numberOf(reply.get('ProtocolVersion'));
  if (errorCode === 1)
    throw new AppError('unexpectedReply', 'mobilebackup2 speaks no version of the protocol that we do');
  if (errorCode === undefined) throw new AppError('unexpectedReply', 'mobilebackup2 answered Hello without ErrorCode');
  const description = reply.get('ErrorDescription');
  const error = errorOfResponse(
    { errorCode, description: typeof description === 'string' ? description : '', content: undefined },
    'other',
  );
  if (error) throw error;
  if (version === undefined || !PROTOCOL_VERSIONS.includes(version)) {
    throw new AppError('unexpectedReply', `mobilebackup2 chose the protocol version ${String(version)}`);
  }
  return `DeviceLink ${offered}, mobilebackup2 ${version.toFixed(1)}`;
}
