/** One way in which a backup folder is not what the device would have there. */
export interface Difference {
  /** Relative to the folder, or domain and path of an item. */
  readonly what: string;
  readonly how: string;
}

export function differenceText({ what, how }: Difference): string {
  return `${what}: ${how}`;
}
