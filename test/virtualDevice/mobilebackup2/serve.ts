import { dict, isArray, isDict, PlistReal, type PlistArray, type PlistDict } from '../../../src/plist';
import type { ServiceHandler } from '../serviceConnection';
import { backUp } from './backUp';
import { changePassword } from './changePassword';
import { backupInfo, backupList } from './describeBackup';
import { backupsOf } from './deviceBackups';
import { describe, DeviceLink, shown } from './deviceLink';
import { HostFault, HostLeft, Refusal } from './hostFault';
import { HostFiles } from './hostFiles';
import { runHostileScript } from './hostileScript';
import { restore } from './restore';
import { refusal, type Session } from './session';

/** Milliseconds that a device is away when it restarts. */
const RESTART_MS = 300;
/** Milliseconds that a restored device waits for the host's goodbye. */
const PATIENCE_MS = 2_000;

/** com.apple.mobilebackup2: one conversation, one request. */
export const serveMobileBackup2: ServiceHandler = async (stream, device, context) => {
  const log = (text: string) => device.log(`mobilebackup2: ${text}`);
  const link = new DeviceLink(stream);
  const backups = backupsOf(device);
  const session: Session = { link, files: new HostFiles(link, log), device, backups, context };
  backups.takeCancellation(); // One that came while nothing was going on is about nothing.
  try {
    await link.open();
    await hello(link);
    const request = processMessage(await link.receive());
    const name = shown(request.get('MessageName'));
    log(`request ${name}`);
    const outcome = await answer(session, name, request);
    if (outcome === 'restart') await restartAfterwards(session);
    else if (outcome !== 'silent') await untilHostLeaves(link);
  } catch (error) {
    if (error instanceof HostLeft) return log(error.message);
    if (error instanceof HostFault) log(`REFUSED: ${error.message}`);
    throw error;
  }
};

type Outcome = 'answered' | 'restart' | 'silent' | { readonly content: string };

async function answer(session: Session, name: string, request: PlistDict): Promise<Outcome> {
  const { link, device } = session;
  try {
    const outcome = await carryOut(session, name, request);
    if (typeof outcome === 'object') await respond(link, 0, outcome);
    else if (outcome !== 'silent') await respond(link, 0);
    return outcome;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    device.log(`mobilebackup2: ${name} ends with ${error.code}: ${error.message}`);
    await respond(link, error.code, { description: error.message });
    return 'answered';
  }
}

async function carryOut(session: Session, name: string, request: PlistDict): Promise<Outcome> {
  const { link, device, backups } = session;
  if (backups.hostileScript.length > 0) {
    const script = backups.hostileScript;
    backups.hostileScript = [];
    await runHostileScript(link, script, backups.hostileResults);
  }
  switch (name) {
    case 'Backup':
      await backUp(session, request);
      return 'answered';
    case 'Restore':
      return (await restore(session, request)) ? 'restart' : 'answered';
    case 'ChangePassword':
      await changePassword(session, request);
      return 'answered';
    case 'EnableCloudBackup':
      enableCloudBackup(session, request);
      return 'answered';
    case 'EraseDevice':
      device.later(0, () => {
        device.erase();
        device.restart(RESTART_MS);
      });
      return 'silent';
    case 'CancelBackup':
      await untilHostLeaves(link);
      return 'silent';
    case 'Info':
      if (backups.behaviour.describesBackups) return { content: await backupInfo(session, request) };
      throw noIndex(request, device.udid);
    case 'List':
      if (backups.behaviour.describesBackups) return { content: await backupList(session, request) };
      throw noIndex(request, device.udid);
    case 'Unback':
    case 'Extract':
      throw noIndex(request, device.udid);
    default:
      throw new HostFault(`request ${name}`);
  }
}

/** Since iOS 10 a device looks for the index of older backups and does not find it. */
function noIndex(request: PlistDict, udid: string): Refusal {
  const path = `${shown(request.get('SourceIdentifier') ?? udid)}/Manifest.mbdb`;
  return refusal(205, `No such file or directory at path "${path}" (MBErrorDomain/4)`);
}

function enableCloudBackup({ device }: Session, request: PlistDict): void {
  const state = request.get('CloudBackupState');
  if (typeof state !== 'boolean') throw new HostFault('CloudBackupState is no boolean');
  device.setSwitches({ cloudBackup: state });
}

/** Settles the version: 2.1 if the host knows it, else 2.0. */
async function hello(link: DeviceLink): Promise<void> {
  const request = processMessage(await link.receive());
  const versions = request.get('SupportedProtocolVersions');
  if (request.get('MessageName') !== 'Hello' || !versions || !isArray(versions)) {
    throw new HostFault('the first message is no Hello with SupportedProtocolVersions');
  }
  const offered = versions.map((version) => {
    if (!(version instanceof PlistReal)) throw new HostFault('a protocol version is no real');
    return version.value;
  });
  // 2.1 that came as a real of 4 bytes is not quite 2.1.
  const version = [2.1, 2.0].find((known) => offered.some((value) => Math.abs(value - known) < 0.001));
  if (version === undefined) {
    await respond(link, 1, { description: `No protocol version in common: ${offered.join(', ')}` });
    throw new HostFault(`the host offers the versions ${offered.join(', ')}`);
  }
  await link.send([
    'DLMessageProcessMessage',
    dict({ MessageName: 'Response', ErrorCode: 0, ProtocolVersion: new PlistReal(version) }),
  ]);
}

function processMessage(message: PlistArray): PlistDict {
  const body = message[1];
  if (message[0] !== 'DLMessageProcessMessage' || message.length !== 2 || !isDict(body)) {
    throw new HostFault(`${describe(message)} instead of a request`);
  }
  return body;
}

interface ResponseText {
  /** Of a failure. */
  readonly description?: string;
  /** What was asked for. */
  readonly content?: string;
}

function respond(link: DeviceLink, code: number, { description, content }: ResponseText = {}): Promise<void> {
  return link.send([
    'DLMessageProcessMessage',
    dict({ MessageName: 'Response', ErrorCode: code, ErrorDescription: description, Content: content }),
  ]);
}

/** Restarts as soon as the host has said goodbye, or soon anyway. */
async function restartAfterwards({ link, device }: Session): Promise<void> {
  let restarted = false;
  const restart = () => {
    if (!restarted) device.restart(RESTART_MS);
    restarted = true;
  };
  device.later(PATIENCE_MS, restart);
  await untilHostLeaves(link);
  // Not from within a connection that the restart ends.
  device.later(0, restart);
}

/** Nothing but a goodbye may come after the Response. */
async function untilHostLeaves(link: DeviceLink): Promise<void> {
  try {
    const message = await link.receive();
    throw new HostFault(`the host sends ${describe(message)} after the end`);
  } catch (error) {
    if (error instanceof HostFault) throw error;
  }
}
