/** One device as usbmuxd and lockdown describe it. Everything here survives JSON. */
export interface DeviceInfo {
  /** 40 hex digits, or `00008030-…` since 2018. Stable for the device's life. */
  readonly udid: string;
  /** How it can be reached now; USB is preferred when both. */
  readonly connections: readonly ('usb' | 'network')[];
  readonly trust: TrustState;
  /** What lockdown tells without trust; absent until it has answered once. */
  readonly identity?: DeviceIdentity;
  /** What it tells only to a trusted computer; read again on changes. Absent while not trusted. */
  readonly details?: DeviceDetails;
}

/** Pairing as a person meets it. */
export type TrustState =
  | { readonly kind: 'unknown' } // not asked yet
  | { readonly kind: 'untrusted' } // no pair record; nothing is on the device's screen
  | { readonly kind: 'waitingForTrust' } // the Trust dialog is open on the device
  | { readonly kind: 'locked' } // unlock it first
  | { readonly kind: 'denied' } // "Don't Trust"; asks again after replugging
  | { readonly kind: 'forbidden' } // management refuses pairing
  | { readonly kind: 'stale' } // we have a record, the device has forgotten it
  | { readonly kind: 'wrongKey' } // whoever answers does not hold the paired device's key
  | { readonly kind: 'trusted' }
  | {
      readonly kind: 'failed';
      readonly message: string;
      /** The device has given its trust, but usbmuxd could not keep the record: it would ask at every connection. */
      readonly finding?: 'pairRecordNotKept';
    };

export interface DeviceIdentity {
  readonly name: string;
  /** `iPhone`, `iPad`, `iPod`. */
  readonly deviceClass: string;
  /** For example `iPhone16,1`. */
  readonly productType: string;
  /** For example `18.2.1`. */
  readonly productVersion: string;
  readonly buildVersion?: string;
}

export interface DeviceDetails {
  readonly serialNumber?: string;
  readonly phoneNumber?: string;
  readonly battery?: { readonly percent: number; readonly charging: boolean };
  /** Bytes. */
  readonly storage?: { readonly total: number; readonly free: number };
  /** True while a passcode is set and the screen is locked. */
  readonly locked?: boolean;
  readonly passcodeSet?: boolean;
  readonly backup: {
    readonly willEncrypt: boolean;
    /** Management forces encryption. */
    readonly requiresEncryption: boolean;
    readonly cloudBackupEnabled?: boolean;
    /** ISO time of the last backup to any computer, as the device remembers it. */
    readonly lastComputerBackup?: string;
    readonly lastCloudBackup?: string;
  };
  /** `com.apple.mobile.wireless_lockdown` EnableWifiConnections. */
  readonly wifiConnections?: boolean;
  readonly findMy?: boolean;
  readonly supervised?: boolean;
  readonly setupDone?: boolean;
}

/** The service on this computer that reaches devices. */
export type MuxState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'ready'; readonly address: string }
  | { readonly kind: 'absent'; readonly address: string } // no socket, or nothing listens
  | { readonly kind: 'refused'; readonly address: string } // no permission
  | { readonly kind: 'silent'; readonly address: string }; // connected, no answer
