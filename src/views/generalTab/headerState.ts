import { t } from '@vscode/l10n';
import type { BackupSummary } from '../../backups/types';
import type { DeviceInfo } from '../../device/types';
import { modelName } from '../../texts/deviceModels';
import { formatBytes, formatPercent } from '../../texts/format';
import { systemVersion } from '../../texts/systemVersion';
import type { PageFacts } from './pageFacts';
import type { HeaderState } from './protocol';

/** What the device is. A device that is away keeps the name that its last backup has, or what was last done with it. */
export function headerState(
  device: DeviceInfo | undefined,
  last: BackupSummary | undefined,
  { udid, engine }: PageFacts,
): HeaderState {
  const { identity, details } = device ?? {};
  const productType = identity?.productType ?? last?.productType;
  const version = identity?.productVersion ?? last?.productVersion;
  const deviceClass = identity?.deviceClass ?? /^[A-Za-z]+/.exec(productType ?? '')?.[0];
  const connection = device && (device.connections.includes('usb') ? t('USB') : t('Wi-Fi'));
  const capacity = capacityOf(details?.storage);
  const rows: readonly (readonly [string, string | undefined])[] = [
    [t('Serial number'), details?.serialNumber ?? last?.serialNumber],
    [t('UDID'), udid],
    [t('Phone number'), details?.phoneNumber],
    [t('Model'), productType],
    [t('Build'), identity?.buildVersion],
  ];
  return {
    picture: deviceClass === 'iPad' ? 'tablet' : deviceClass === 'iPod' ? 'player' : 'phone',
    connected: device !== undefined,
    name: identity?.name ?? last?.deviceName ?? engine?.jobs.findLast((job) => job.udid === udid)?.name ?? udid,
    facts: [
      productType && modelName(productType),
      version && systemVersion(deviceClass, version),
      batteryText(details?.battery),
      connection,
    ].flatMap((fact) => fact || []),
    ...(capacity ? { capacity } : {}),
    details: rows.flatMap(([label, value]) => (value ? [{ label, value }] : [])),
  };
}

function batteryText(battery: { readonly percent: number; readonly charging: boolean } | undefined) {
  if (!battery) return undefined;
  const percent = formatPercent(battery.percent / 100);
  return battery.charging ? t('Battery {0}, charging', percent) : t('Battery {0}', percent);
}

function capacityOf(storage: { readonly total: number; readonly free: number } | undefined): HeaderState['capacity'] {
  if (!storage || !(storage.total > 0)) return undefined;
  const used = Math.min(storage.total, Math.max(0, storage.total - storage.free));
  const sizes = [used, storage.total, storage.free].map(formatBytes);
  return { fraction: used / storage.total, text: t('{0} of {1} used, {2} free', ...sizes) };
}
