/** How a connection can break, as seen by the host. */
export type FaultWay =
  /** Every connection ends in good order. */
  | 'close'
  /** Every connection is torn down; on TCP the host sees a reset. */
  | 'reset'
  /** Nothing comes any more, and nothing says so: no Detached either. Like a device that leaves the Wi-Fi. */
  | 'silence'
  /** The next message ends after two of the four bytes of its length, then as `close`. */
  | 'halfLength'
  /** The next message ends in the middle of its body, then as `close`. */
  | 'halfBody';

export const FAULT_WAYS: readonly FaultWay[] = ['close', 'reset', 'silence', 'halfLength', 'halfBody'];

/** The cable comes out at a point of the device's choosing: counted over what it sends on service connections. */
export interface Fault {
  /** Bytes sent since the fault was armed, or messages: fires before message n + 1 goes out, or inside it. */
  readonly at: { readonly byte: number } | { readonly message: number };
  readonly way: FaultWay;
  /** Counts this service's connections only, for example `com.apple.mobilebackup2`; absent: all. */
  readonly service?: string;
  /** Plugs it in again, with a new DeviceID, after so many milliseconds; absent: it stays away. */
  readonly replugAfterMs?: number;
}
