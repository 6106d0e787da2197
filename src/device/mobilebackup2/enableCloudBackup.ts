import { dict } from '../../plist';
import type { TrustedDevice } from '../lockdown/trustedDevice';
import { DeviceJob, type JobOptions } from './deviceJob';
import { LoopFacts } from './loopFacts';
import { openMobileBackup2 } from './openMobileBackup2';
import { emptyStore } from './readOnlyStore';
import { serveRequest } from './serveRequest';

/**
 * Switches the device's own backups to iCloud on or off.
 * @throws AppError `passcodeNotEntered`, `backupForbidden`, `deviceReportedError`, `deviceGone`, `cancelled` …
 */
export async function enableCloudBackup(device: TrustedDevice, on: boolean, options: JobOptions): Promise<void> {
  await using job = await DeviceJob.start(device, options);
  try {
    const link = await openMobileBackup2(device, job.stop.signal);
    try {
      const request = dict({
        MessageName: 'EnableCloudBackup',
        TargetIdentifier: device.udid,
        SourceIdentifier: device.udid,
        // At both places: which one counts differs between versions of iOS.
        CloudBackupState: on,
        Options: dict({ CloudBackupState: on }),
      });
      const facts = new LoopFacts();
      await serveRequest(request, { job, link, kind: 'other', store: emptyStore, facts, log: options.log });
    } finally {
      await link.disconnect();
    }
  } catch (error) {
    throw job.stop.explain(error);
  }
}
