/** A device described as data: what it is, what it holds, and in which state a person meets it. JSON. */
export interface DeviceDescription {
  readonly udid: string;
  readonly name: string;
  readonly deviceClass: 'iPhone' | 'iPad' | 'iPod';
  /** For example `iPhone13,2`. */
  readonly productType: string;
  /** For example `16.5`. Decides what depends on the iOS version. */
  readonly productVersion: string;
  readonly buildVersion: string;
  readonly serialNumber: string;
  readonly locale: string;
  /** Bytes. */
  readonly capacity: number;
  /** Bytes free on the device. */
  readonly free: number;
  /** Absent: none is set. */
  readonly passcode?: string;
  readonly connections: readonly ('usb' | 'network')[];
  readonly apps: readonly AppDescription[];
  readonly content: ContentDescription;
  readonly state: StateSwitches;
  /** Rounds of the two key derivations of encrypted backups; real phones: 10,000,000 and 10,000. */
  readonly derivationRounds?: { readonly first: number; readonly second: number };
  /** Makes keys, identifiers and file contents repeatable. */
  readonly seed: number;
}

export interface AppDescription {
  readonly bundleId: string;
  readonly name: string;
  readonly version: string;
  /** From the App Store: has ApplicationSINF, iTunesMetadata and an icon. */
  readonly store: boolean;
}

/** Files by domain. Named ones, and groups that a rule makes. */
export interface ContentDescription {
  readonly files: readonly FileDescription[];
  readonly groups: readonly FileGroup[];
}

export interface FileDescription {
  readonly domain: string;
  readonly relativePath: string;
  readonly kind: 'file' | 'directory' | 'link';
  /** Bytes; content is made from the seed, the path and `revision`, without disk. */
  readonly size?: number;
  readonly revision?: number;
  /** Literal content (base64), for files that tests look into. Wins over size. */
  readonly content?: string;
  readonly target?: string;
  readonly protectionClass?: 1 | 2 | 3 | 4;
  /** Unix seconds. */
  readonly modified?: number;
  /** The device cannot read it when it backs up: it sends an error for it instead of content. */
  readonly unreadable?: boolean;
}

/** `count` files of `size` bytes, `relativePath` + `/group-000123.bin`. */
export interface FileGroup {
  readonly domain: string;
  readonly relativePath: string;
  readonly count: number;
  readonly size: number;
}

/** Every state a person meets is a switch, at start and at run time. */
export interface StateSwitches {
  readonly trust: 'ask' | 'grant' | 'deny' | 'forbidden';
  readonly locked: boolean;
  /** What happens when the device asks for its passcode. `wait`: until the control connection answers or time is up. */
  readonly passcodePrompt: 'enter' | 'refuse' | 'ignore' | 'wait';
  /** Milliseconds until an ignored prompt ends with 208; real phones: about 180,000. */
  readonly passcodeTimeoutMs: number;
  readonly findMy: boolean;
  readonly backupForbidden: boolean;
  readonly encryptionRequired: boolean;
  readonly encryptionForbidden: boolean;
  readonly setupDone: boolean;
  readonly supervised: boolean;
  /** Present: backups are encrypted with it. */
  readonly backupPassword?: string;
  readonly cloudBackup: boolean;
  readonly wifiConnections: boolean;
  /** Another program holds the sync lock. */
  readonly syncLockHeld: boolean;
  /** Milliseconds of silence while it prepares. */
  readonly prepareMs: number;
  /** Bytes a second that it sends at most; 0: as fast as it can. */
  readonly rate: number;
  /** The next backup or restore ends with this number. */
  readonly failWith?: number;
  /** It takes the host's disk for full, whatever the host answers (105). */
  readonly hostDiskFull?: boolean;
  /** Restarted and not unlocked since: escrow bags are of no use yet. */
  readonly escrowLocked?: boolean;
  /** Milliseconds until an idle lockdown connection is closed; absent: 10,000 as phones do, 0: never. */
  readonly lockdownIdleMs?: number;
}
