import type { VerifyFinding } from '../backups';

/** `Damage: CameraRollDomain/Media/DCIM/100APPLE/IMG_0001.JPG: it is missing [missing] (also in /backups/…)` */
export function findingText({ kind, severity, file, domain, relativePath, message, alsoIn }: VerifyFinding): string {
  const name = domain === undefined ? (file ?? '') : `${domain}/${relativePath ?? ''}`;
  const also = alsoIn === undefined ? '' : ` (also in ${alsoIn})`;
  return `${severity === 'damage' ? 'Damage' : 'Note'}: ${name ? `${name}: ` : ''}${message} [${kind}]${also}`;
}
