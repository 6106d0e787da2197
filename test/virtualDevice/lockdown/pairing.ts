import { getOptionalDict, getOptionalString, getOptionalBool, PlistError, type PlistDict } from '../../../src/plist';
import type { DeviceState } from '../deviceState';
import type { PairedHost } from './pairedHost';
import { checkPairRecord, PairRecordError } from './pairRecord';

export type PairError =
  | 'InvalidHostID'
  | 'InvalidPairRecord'
  | 'InvalidResponse'
  | 'MCProtected'
  | 'MissingHostID'
  | 'MissingPairRecord'
  | 'PairingDialogResponsePending'
  | 'PairingProhibitedOverThisConnection'
  | 'PasswordProtected'
  | 'UserDeniedPairing';

/** Answers Pair: a host that is trusted now, or the reason why not. */
export async function pair(
  device: DeviceState,
  request: PlistDict,
  connection: 'usb' | 'network',
): Promise<PairedHost | PairError> {
  if (connection === 'network') return 'PairingProhibitedOverThisConnection';
  const host = await candidate(device, request);
  if (typeof host === 'string') return host;

  const known = device.pairedHosts.get(host.hostId);
  if (known && sameRecord(known, host)) return known;

  const decision = decide(device, host);
  if (decision !== 'granted') {
    device.log(`Pair with ${describe(host)}: ${decision}`);
    return decision === 'PairingDialogResponsePending' && !wantsExtendedErrors(request) ? 'InvalidResponse' : decision;
  }
  device.trustDialog.useGrant(host.systemBuid);
  device.trustDialog.close();
  device.pairedHosts.set(host.hostId, host);
  device.log(`paired with ${describe(host)}`);
  return host;
}

/** Answers ValidatePair: undefined when the record is that of a trusted host. */
export async function validatePair(device: DeviceState, request: PlistDict): Promise<PairError | undefined> {
  const host = await candidate(device, request);
  if (typeof host === 'string') return host;
  const known = device.pairedHosts.get(host.hostId);
  if (!known) return 'InvalidHostID';
  return sameRecord(known, host) ? undefined : 'InvalidPairRecord';
}

/** Answers Unpair; the HostID alone is enough. Undefined: it is forgotten. */
export function unpair(device: DeviceState, request: PlistDict): PairError | undefined {
  const record = getOptionalDict(request, 'PairRecord');
  if (!record) return 'MissingPairRecord';
  const hostId = getOptionalString(record, 'HostID');
  if (hostId === undefined) return 'MissingHostID';
  if (!device.pairedHosts.delete(hostId)) return 'InvalidHostID';
  device.log(`forgot host ${hostId}`);
  return undefined;
}

async function candidate(device: DeviceState, request: PlistDict): Promise<PairedHost | PairError> {
  try {
    const record = getOptionalDict(request, 'PairRecord');
    if (!record) return 'MissingPairRecord';
    for (const key of ['RootPrivateKey', 'HostPrivateKey']) {
      if (record.has(key)) device.log(`warning: the host has sent its ${key}`);
    }
    const { publicKey } = await device.keys.get();
    return checkPairRecord(record, publicKey, getOptionalString(request, 'HostName'));
  } catch (error) {
    if (!(error instanceof PairRecordError || error instanceof PlistError)) throw error;
    device.log(`pair record refused: ${error.message}`);
    return 'InvalidPairRecord';
  }
}

function decide(device: DeviceState, host: PairedHost): 'granted' | PairError {
  const { trust, setupDone } = device.switches;
  if (trust === 'forbidden') return 'MCProtected';
  if (device.locked) return 'PasswordProtected';
  // Before iOS 7 nobody was asked, and a device in Setup Assistant has nothing to protect.
  if (!device.isAtLeast('7.0') || !setupDone) return 'granted';
  const decision = device.trustDialog.decisionFor(host.systemBuid);
  if (decision === 'granted') return 'granted';
  if (decision === 'denied') return 'UserDeniedPairing';
  if (trust === 'grant') return 'granted';
  if (trust === 'deny') {
    device.trustDialog.deny(host.systemBuid);
    return 'UserDeniedPairing';
  }
  device.trustDialog.open(host.systemBuid, host.hostName);
  return 'PairingDialogResponsePending';
}

function wantsExtendedErrors(request: PlistDict): boolean {
  const options = getOptionalDict(request, 'PairingOptions');
  return options !== undefined && getOptionalBool(options, 'ExtendedPairingErrors') === true;
}

function sameRecord(a: PairedHost, b: PairedHost): boolean {
  return (
    a.systemBuid === b.systemBuid &&
    a.rootCertificate.raw.equals(b.rootCertificate.raw) &&
    a.hostCertificate.raw.equals(b.hostCertificate.raw)
  );
}

function describe(host: PairedHost): string {
  return host.hostName ? `${host.hostName} (${host.hostId})` : host.hostId;
}
