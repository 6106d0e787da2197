import type * as vscode from 'vscode';

/** What is kept for one device. */
interface Kept {
  /** Of the device's backups from now on. */
  readonly current?: string;
  /** Of its earlier backups; newest first. */
  readonly earlier: readonly string[];
}

const MAX_EARLIER = 10;
const KNOWN = 'rememberedPasswordsOf';

/** Backup passwords that a person chose to remember: in the system's keychain (SecretStorage), nowhere else. */
export class RememberedPasswords {
  readonly #secrets: vscode.SecretStorage;
  /** Only UDIDs: SecretStorage cannot be listed. */
  readonly #memento: vscode.Memento;
  /** What the device has refused in this session: it is not offered again. */
  readonly #refused = new Set<string>();
  /** What was found to be likely in this session; the device has not confirmed it. */
  readonly #likely = new Map<string, string>();

  constructor(secrets: vscode.SecretStorage, memento: vscode.Memento) {
    this.#secrets = secrets;
    this.#memento = memento;
  }

  /** The present password of the device's backups, as far as it is remembered and was not refused. */
  async get(udid: string): Promise<string | undefined> {
    const { current } = await this.#read(udid);
    const likely = this.#likely.get(udid);
    return [likely, current].find((one) => one !== undefined && !this.#refused.has(refusedKey(udid, one)));
  }

  /** Offers this one from now on; what is kept does not change. */
  offer(udid: string, password: string): void {
    this.#likely.set(udid, password);
    this.#refused.delete(refusedKey(udid, password));
  }

  async has(udid: string): Promise<boolean> {
    return (await this.get(udid)) !== undefined;
  }

  /** Everything that may open a backup of this device: its own first, then other devices', as a password moves along. */
  async candidates(udid: string): Promise<readonly string[]> {
    const others = this.#known().filter((one) => one !== udid);
    const kept = await Promise.all([udid, ...others].map((one) => this.#read(one)));
    return [
      ...new Set(kept.flatMap(({ current, earlier }) => [...(current === undefined ? [] : [current]), ...earlier])),
    ];
  }

  /** Remembers the new one; the one before it still opens earlier backups. Only after the device has confirmed it. */
  async set(udid: string, password: string): Promise<void> {
    this.#likely.delete(udid);
    await this.#write(udid, { current: password, earlier: await this.#earlier(udid, password) });
  }

  /** Opens a backup of this device. Whether it is the present one is not known, so it takes no other's place. */
  async addEarlier(udid: string, password: string): Promise<void> {
    const { current, earlier } = await this.#read(udid);
    if (current === password || earlier.includes(password)) return;
    const kept = {
      ...(current === undefined ? {} : { current }),
      earlier: [password, ...earlier].slice(0, MAX_EARLIER),
    };
    await this.#write(udid, kept);
  }

  /** The present password is not remembered any more, or there is none; what opens earlier backups stays. */
  async retire(udid: string): Promise<void> {
    this.#likely.delete(udid);
    const kept = await this.#read(udid);
    if (kept.current !== undefined) await this.#write(udid, { earlier: await this.#earlier(udid) });
  }

  /**
   * Nobody knows whether the device has changed its password: none is offered as the present one, and all that it could
   * be stays to be tried.
   */
  async doubt(udid: string, added?: string): Promise<void> {
    this.#likely.delete(udid);
    const { current } = await this.#read(udid);
    if (current === undefined && added === undefined) return;
    const earlier = await this.#earlier(udid, added);
    await this.#write(udid, { earlier: [...(added === undefined ? [] : [added]), ...earlier].slice(0, MAX_EARLIER) });
  }

  /** Forgets everything about this device. */
  async forget(udid: string): Promise<void> {
    this.#likely.delete(udid);
    await this.#secrets.delete(key(udid));
    await this.#memento.update(
      KNOWN,
      this.#known().filter((one) => one !== udid),
    );
  }

  /** Devices of which something is remembered. */
  devices(): readonly string[] {
    return this.#known();
  }

  /** The device says that this is not its password. */
  refuse(udid: string, password: string): void {
    this.#refused.add(refusedKey(udid, password));
  }

  async #earlier(udid: string, except?: string): Promise<readonly string[]> {
    const { current, earlier } = await this.#read(udid);
    const all = [...(current === undefined ? [] : [current]), ...earlier].filter((one) => one !== except);
    return [...new Set(all)].slice(0, MAX_EARLIER);
  }

  async #read(udid: string): Promise<Kept> {
    const text = await this.#secrets.get(key(udid));
    if (text === undefined) return { earlier: [] };
    const { current, earlier } = JSON.parse(text) as { readonly current?: unknown; readonly earlier?: unknown };
    return {
      ...(typeof current === 'string' ? { current } : {}),
      earlier: Array.isArray(earlier) ? earlier.filter((one) => typeof one === 'string') : [],
    };
  }

  async #write(udid: string, kept: Kept): Promise<void> {
    await this.#secrets.store(key(udid), JSON.stringify(kept));
    if (!this.#known().includes(udid)) await this.#memento.update(KNOWN, [...this.#known(), udid]);
  }

  #known(): readonly string[] {
    return this.#memento.get<readonly string[]>(KNOWN, []);
  }
}

function key(udid: string): string {
  return `iosBackup.passwords.${udid}`;
}

/** Never leaves this process. */
function refusedKey(udid: string, password: string): string {
  return `${udid}\n${password}`;
}
