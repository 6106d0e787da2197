import type { PairedHost } from './pairedHost';

/** How long a port that StartService has named waits for its connection. */
const PORT_LIFETIME_MS = 60_000;
const FIRST_PORT = 49_152;

/** What StartService has promised at a port. */
export interface OpenPort {
  readonly service: string;
  readonly escrow: boolean;
  /** Whose certificates TLS uses; undefined: plain. */
  readonly tlsHost: PairedHost | undefined;
  /** Called when the port is used or given up. */
  readonly onClosed?: () => void;
}

/** Each port is good for one connection and a limited time. */
export class PortTable {
  readonly #open = new Map<number, { readonly port: OpenPort; readonly timer: NodeJS.Timeout }>();
  #next = FIRST_PORT;

  /** @param number of the port when the system has chosen it already. */
  open(port: OpenPort, number = this.#unused()): number {
    const timer = setTimeout(() => this.take(number), PORT_LIFETIME_MS).unref();
    this.#open.set(number, { port, timer });
    return number;
  }

  has(number: number): boolean {
    return this.#open.has(number);
  }

  /** Undefined when nothing waits there; the port is closed then for everybody else. */
  take(number: number): OpenPort | undefined {
    const entry = this.#open.get(number);
    if (!entry) return undefined;
    clearTimeout(entry.timer);
    this.#open.delete(number);
    entry.port.onClosed?.();
    return entry.port;
  }

  clear(): void {
    for (const number of [...this.#open.keys()]) this.take(number);
  }

  #unused(): number {
    while (this.#open.has(this.#next)) this.#next++;
    const number = this.#next++;
    if (this.#next > 65_000) this.#next = FIRST_PORT;
    return number;
  }
}
