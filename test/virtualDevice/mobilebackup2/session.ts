import type { DeviceState } from '../deviceState';
import type { ServiceContext } from '../serviceConnection';
import type { DeviceBackups } from './deviceBackups';
import type { DeviceLink, HostStatus } from './deviceLink';
import type { HostFiles } from './hostFiles';
import { Refusal } from './hostFault';

/** One conversation with a host, and the device it is held by. */
export interface Session {
  readonly link: DeviceLink;
  readonly files: HostFiles;
  readonly device: DeviceState;
  readonly backups: DeviceBackups;
  readonly context: ServiceContext;
}

/** Texts that phones give with their numbers. */
const descriptions: Readonly<Record<number, string>> = {
  1: 'Error copying keychain data',
  3: 'Failed to create snapshot: File exists (17) at path /private/var',
  4: 'No such file or directory',
  11: 'Error deserializing properties: Cannot parse a NULL or zero-length data',
  38: 'Backup is not allowed by your organization',
  100: 'Input/output error (5)',
  102: 'Error moving items: /var/.backup.i/var exists',
  103: 'Error reading status',
  104: 'Multiple errors uploading files',
  105: 'Insufficient free disk space on drive to back up',
  106: 'Insufficient free disk space on device',
  202: 'Canceled by user',
  203: 'Version of backup not compatible',
  205: 'Error reading backup properties',
  207: 'Invalid password',
  208: 'Device locked',
  211: 'Find My iPhone must be disabled before restoring',
  212: 'Unable to backup until Setup is finished',
};

export function refusal(code: number, description?: string): Refusal {
  return new Refusal(code, description ?? descriptions[code] ?? 'Unknown error');
}

/** Shows the passcode sheet. @throws Refusal 208 unless the passcode is entered. */
export async function askPasscode({ link, device }: Session): Promise<void> {
  const answer = await link.whileWaiting((signal) => device.askPasscode(signal));
  if (answer !== 'entered') throw refusal(208);
}

/** @throws Refusal 202 when a person has cancelled on the device since the last look. */
export function throwIfCancelled({ backups, device }: Session): void {
  if (!backups.takeCancellation()) return;
  device.log('cancelled on the device');
  throw refusal(202);
}

/** @throws Refusal with the number that the switch `failWith` holds; it holds for one run. */
export function throwIfToFail({ device }: Session): void {
  const { failWith } = device.switches;
  if (failWith === undefined) return;
  device.setSwitches({ failWith: undefined });
  throw refusal(failWith);
}

/** @throws Refusal 105 when the host's disk is full, 104 for any other failure. */
export function checkStored(session: Session, what: string, status: HostStatus): void {
  if (status.code === 0) return;
  session.device.log(`${what} fails on the host: ${status.text} (${status.code})`);
  throw refusal(status.code === -15 ? 105 : 104);
}
