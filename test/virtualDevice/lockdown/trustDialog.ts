import type { DeviceState } from '../deviceState';

/** The "Trust This Computer?" dialog. A computer is known by its SystemBUID here, because some make a new HostID at each try. */
export class TrustDialog {
  readonly #device: DeviceState;
  readonly #granted = new Set<string>();
  readonly #denied = new Set<string>();
  #asking: { readonly systemBuid: string; readonly hostName: string | undefined } | undefined;

  constructor(device: DeviceState) {
    this.#device = device;
  }

  /** Whom it asks about; undefined when it is not on the screen. */
  get asking(): { readonly systemBuid: string; readonly hostName: string | undefined } | undefined {
    return this.#asking;
  }

  /** What a person has said about a computer. A grant is used up by the pairing that follows. */
  decisionFor(systemBuid: string): 'granted' | 'denied' | undefined {
    if (this.#granted.has(systemBuid)) return 'granted';
    return this.#denied.has(systemBuid) ? 'denied' : undefined;
  }

  /** Asking again for the same computer does not stack dialogs. */
  open(systemBuid: string, hostName: string | undefined): void {
    if (this.#asking?.systemBuid === systemBuid) return;
    this.#asking = { systemBuid, hostName };
    this.#device.log(`Trust dialog shown for ${hostName ?? systemBuid}`);
  }

  /** A person taps Trust or Don't Trust. @throws Error when it is not on the screen. */
  tap(button: 'trust' | 'deny'): void {
    const asking = this.#asking;
    if (!asking) throw new Error('the Trust dialog is not on the screen');
    this.#device.log(`tapped ${button === 'trust' ? 'Trust' : "Don't Trust"}`);
    this.close();
    (button === 'trust' ? this.#granted : this.#denied).add(asking.systemBuid);
    if (button === 'trust') this.#device.postNotification('com.apple.mobile.lockdown.request_pair');
  }

  useGrant(systemBuid: string): void {
    this.#granted.delete(systemBuid);
  }

  /** Management tools and `Don't Trust` through a switch. */
  deny(systemBuid: string): void {
    this.#denied.add(systemBuid);
  }

  close(): void {
    this.#asking = undefined;
  }

  /** After replugging it asks again. */
  forgetDenial(): void {
    this.#denied.clear();
  }
}
