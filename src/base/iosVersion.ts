/** Whether one iOS version is older than another: `9.3.5` than `16.5`, `17.6.1` than `18.0`. What is missing counts as 0. */
export function isOlder(one: string, other: string): boolean {
  const [left, right] = [numbers(one), numbers(other)];
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/** Whether it is older by more than a patch: devices of the same release take each other's backups. */
export function isOlderRelease(one: string, other: string): boolean {
  return isOlder(release(one), release(other));
}

/** `17.6` of `17.6.1`. */
function release(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}

function numbers(version: string): number[] {
  return version.split('.').map((part) => Number.parseInt(part, 10) || 0);
}
