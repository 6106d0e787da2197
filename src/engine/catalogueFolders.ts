import type { Disposable } from '../base/disposable';
import type { CatalogueState } from '../backups';
import type { BackupsPort, CatalogueWatch } from './ports';

/** The folders of all clients together, watched once. */
export class CatalogueFolders implements Disposable {
  readonly #port: BackupsPort;
  readonly #changed: (state: CatalogueState) => void;
  readonly #wishes = new Map<object, readonly string[]>();
  #watch: CatalogueWatch | undefined;
  #folders = '';
  #state: CatalogueState = { folders: [], backups: [] };

  constructor(port: BackupsPort, changed: (state: CatalogueState) => void) {
    this.#port = port;
    this.#changed = changed;
  }

  get state(): CatalogueState {
    return this.#state;
  }

  /** @param client Whose wish it is; its earlier one is replaced. */
  async setFolders(client: object, folders: readonly string[]): Promise<CatalogueState> {
    this.#wishes.set(client, folders);
    if (this.#follow()) return this.rescan();
    return this.#state;
  }

  forget(client: object): void {
    if (this.#wishes.delete(client)) this.#follow();
  }

  async rescan(): Promise<CatalogueState> {
    if (!this.#watch) return this.#state;
    const watch = this.#watch;
    const state = await watch.rescan();
    if (watch === this.#watch) this.#set(state);
    return this.#state;
  }

  dispose(): void {
    this.#watch?.dispose();
    this.#watch = undefined;
  }

  /** @returns whether the union has changed. */
  #follow(): boolean {
    const folders = [...new Set([...this.#wishes.values()].flat())].sort();
    const key = JSON.stringify(folders);
    if (key === this.#folders) return false;
    this.#folders = key;
    this.#watch?.dispose();
    this.#watch = undefined;
    if (folders.length === 0) this.#set({ folders: [], backups: [] });
    else this.#watch = this.#port.watch(folders, (state) => this.#set(state));
    return true;
  }

  #set(state: CatalogueState): void {
    this.#state = state;
    this.#changed(state);
  }
}
