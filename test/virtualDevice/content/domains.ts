/** What iOS itself keeps: restored only with RestoreSystemFiles. */
const systemDomains = new Set([
  'SystemPreferencesDomain',
  'RootDomain',
  'InstallDomain',
  'DatabaseDomain',
  'ManagedPreferencesDomain',
  'MobileDeviceDomain',
  'NetworkDomain',
  'ProtectedDomain',
  'WirelessDomain',
]);

const owners: Readonly<Record<string, readonly [user: number, group: number]>> = {
  RootDomain: [0, 0],
  DatabaseDomain: [0, 0],
  SystemPreferencesDomain: [0, 0],
  InstallDomain: [33, 33],
  WirelessDomain: [25, 25],
  NetworkDomain: [24, 24],
  // "nobody": the signed number that readers trip over.
  MobileDeviceDomain: [-2, -2],
};

export function isSystemDomain(domain: string): boolean {
  return (
    systemDomains.has(domain) ||
    domain.startsWith('SysContainerDomain-') ||
    domain.startsWith('SysSharedContainerDomain-')
  );
}

/** The records of these carry the SHA-1 of the stored bytes; the others have no check but their length. */
export function hasDigest(domain: string): boolean {
  return !(
    domain.startsWith('AppDomain') ||
    domain.startsWith('SysContainerDomain-') ||
    domain.startsWith('SysSharedContainerDomain-') ||
    domain === 'CameraRollDomain' ||
    domain === 'MediaDomain' ||
    domain === 'TonesDomain'
  );
}

export function ownerOf(domain: string): readonly [user: number, group: number] {
  return owners[domain] ?? [501, 501];
}

/** What RestorePreserveSettings leaves as it is on the device. */
export function isSetting(domain: string, path: string): boolean {
  return domain === 'SystemPreferencesDomain' || (domain === 'HomeDomain' && path.startsWith('Library/Preferences/'));
}
