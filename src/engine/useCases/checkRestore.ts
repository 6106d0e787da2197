import { AppError, isAppError } from '../../base/errors';
import { isOlder, isOlderRelease } from '../../base/iosVersion';
import type { BackupSummary } from '../../backups';
import type { DeviceInfo } from '../../device';
import type { RestoreFinding } from '../protocol';
import { backupSize } from './backupSize';
import type { Caller, EngineServices } from './engineServices';

export interface RestoreCheck {
  readonly udid: string;
  /** The backup's folder. */
  readonly path: string;
  readonly password?: string;
}

/** A device on less might go out in the middle, which leaves it half restored. */
const LOW_BATTERY_PERCENT = 20;

/**
 * Everything that would stop a restore, or that a person should know before; nothing is changed.
 * @throws AppError `deviceNotFound`, `notABackup`, `noPermission`, `cancelled` …
 */
export async function checkRestore(
  services: EngineServices,
  check: RestoreCheck,
  { signal }: Pick<Caller, 'signal'>,
): Promise<readonly RestoreFinding[]> {
  const { devices, ports } = services;
  devices.get(check.udid);
  const device = await devices.refresh(check.udid);
  const backup = await ports.backups.describe(check.path, signal);
  return [
    ...(await backupFindings(services, backup, check, signal)),
    ...deviceFindings(device),
    ...fitFindings(device, backup),
    ...(await roomFindings(services, device, backup, signal)),
  ];
}

async function backupFindings(
  { ports }: EngineServices,
  backup: BackupSummary,
  { path, password }: RestoreCheck,
  signal: AbortSignal,
): Promise<RestoreFinding[]> {
  if (backup.state === 'unfinished') return [stop('backupUnfinished', { path })];
  if (backup.state === 'damaged') return [stop('backupDamaged', { path })];
  const needed = backup.encrypted && password === undefined;
  try {
    const secret = password !== undefined && { password };
    const report = await ports.backups.verify({ path, level: 'quick', ...secret, report: () => {}, signal });
    const faults = report.findings.filter(({ severity }) => severity === 'damage').length;
    return [
      ...(needed ? [stop('passwordNeeded', { path })] : []),
      ...(faults > 0 ? [stop('backupDamaged', { path, faults })] : []),
    ];
  } catch (error) {
    if (isAppError(error, 'wrongPassword')) return [stop('wrongPassword', { path })];
    const broken = isAppError(error, 'backupDamaged') || isAppError(error, 'keybagDamaged');
    if (broken) return [stop('backupDamaged', { path })];
    throw error;
  }
}

function deviceFindings({ trust, details }: DeviceInfo): RestoreFinding[] {
  if (trust.kind === 'locked') return [stop('locked')];
  if (trust.kind !== 'trusted') return [stop('notTrusted', { trust: trust.kind })];
  const findings: RestoreFinding[] = [];
  if (details?.locked) findings.push(stop('locked'));
  if (details?.findMy) findings.push(stop('findMyOn'));
  const battery = details?.battery;
  if (battery && !battery.charging && battery.percent < LOW_BATTERY_PERCENT) {
    findings.push(warn('lowBattery', { percent: battery.percent }));
  }
  return findings;
}

function fitFindings({ udid, identity, details }: DeviceInfo, backup: BackupSummary): RestoreFinding[] {
  const findings: RestoreFinding[] = [];
  const { productVersion, productType } = backup;
  if (identity && productVersion && isOlder(identity.productVersion, productVersion)) {
    const versions = { deviceVersion: identity.productVersion, backupVersion: productVersion };
    const stops = isOlderRelease(identity.productVersion, productVersion);
    findings.push(stops ? stop('versionTooOld', versions) : warn('versionTooOld', versions));
  }
  if (identity && productType && kindOf(identity.productType) !== kindOf(productType)) {
    findings.push(warn('otherKindOfDevice', { device: identity.productType, backup: productType }));
  }
  const { supervised } = backup;
  if (supervised !== undefined && details?.supervised !== undefined && supervised !== details.supervised) {
    findings.push(stop('supervisionDiffers', { backup: supervised, device: details.supervised }));
  }
  if (backup.udid !== undefined && backup.udid.toLowerCase() !== udid.toLowerCase()) {
    findings.push(warn('otherDevice', backup.deviceName === undefined ? {} : { backup: backup.deviceName }));
  }
  return findings;
}

async function roomFindings(
  services: EngineServices,
  { details }: DeviceInfo,
  backup: BackupSummary,
  signal: AbortSignal,
): Promise<RestoreFinding[]> {
  const storage = details?.storage;
  if (!storage) return [];
  const neededBytes = await backupSize(services, backup, signal);
  const facts = { neededBytes, freeBytes: storage.free, totalBytes: storage.total };
  if (neededBytes > storage.total) return [stop('notEnoughRoom', facts)];
  // What the restore replaces makes room too; how much, only the device knows.
  return neededBytes > storage.free ? [warn('notEnoughRoom', facts)] : [];
}

function kindOf(productType: string): string {
  return /^[A-Za-z]+/.exec(productType)?.[0] ?? productType;
}

/** @throws AppError `deviceNotReadyForRestore`, or the code that says it better, if a finding stops it. */
export function refuseStopped(findings: readonly RestoreFinding[]): void {
  const found = findings.find(({ stops }) => stops);
  if (!found) return;
  const codes: Partial<Record<RestoreFinding['id'], AppError['code']>> = {
    backupUnfinished: 'backupUnfinished',
    backupDamaged: 'backupDamaged',
    notTrusted: 'notTrusted',
    locked: 'deviceLocked',
    findMyOn: 'findMyOn',
    versionTooOld: 'versionNotCompatible',
    notEnoughRoom: 'deviceDiskFull',
    passwordNeeded: 'passwordNeeded',
    wrongPassword: 'wrongPassword',
  };
  const code = codes[found.id] ?? 'deviceNotReadyForRestore';
  throw new AppError(code, `a restore is not possible: ${found.id}`, {
    details: { ...found.details, finding: found.id },
  });
}

function stop(id: RestoreFinding['id'], details: RestoreFinding['details'] = {}): RestoreFinding {
  return { id, stops: true, details };
}

function warn(id: RestoreFinding['id'], details: RestoreFinding['details'] = {}): RestoreFinding {
  return { id, stops: false, details };
}
