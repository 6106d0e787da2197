/** `iOS 18.2`; iPads say iPadOS since version 13. */
export function systemVersion(deviceClass: string | undefined, version: string): string {
  return `${deviceClass === 'iPad' && parseInt(version, 10) >= 13 ? 'iPadOS' : 'iOS'} ${version}`;
}
