import type { BackupSummary } from '../backups';
import { modelName } from '../texts/deviceModels';
import { formatBytes, formatDateTime } from '../texts/format';

/** `Ann’s iPhone  iPhone 15 Pro  Jan 3, 2026, 8:00 AM  encrypted  12.3 GB  /backups/00008130-…` */
export function backupText(backup: BackupSummary): string {
  const { label, deviceName, udid, productType, productVersion, date, encrypted, state, size, path } = backup;
  const parts = [
    label ?? deviceName ?? udid,
    productType && modelName(productType),
    productVersion,
    date && formatDateTime(date),
    encrypted ? 'encrypted' : undefined,
    state === 'finished' ? undefined : state,
    size && formatBytes(size.bytes),
    path,
  ];
  return parts.filter((part) => part).join('  ');
}
