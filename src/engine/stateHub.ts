import type { Disposable } from '../base/disposable';
import type { EngineState } from './protocol';

/** Ten a second. */
const INTERVAL_MS = 100;

export type StatePart = keyof EngineState;

/** Holds the engine's state and tells each listener what changed: never more than ten times a second, never nothing. */
export class StateHub implements Disposable {
  #state: EngineState = {
    mux: { kind: 'connecting' },
    devices: [],
    jobs: [],
    catalogue: { folders: [], backups: [] },
  };
  readonly #texts = new Map<StatePart, string>();
  readonly #changed = new Set<StatePart>();
  readonly #listeners = new Set<(changed: readonly StatePart[]) => void>();
  #lastTold = -Infinity;
  #timer: NodeJS.Timeout | undefined;

  get state(): EngineState {
    return this.#state;
  }

  set<P extends StatePart>(part: P, value: EngineState[P]): void {
    const text = JSON.stringify(value);
    if ((this.#texts.get(part) ?? JSON.stringify(this.#state[part])) === text) return;
    this.#texts.set(part, text);
    this.#state = { ...this.#state, [part]: value };
    this.#changed.add(part);
    const wait = this.#lastTold + INTERVAL_MS - performance.now();
    this.#timer ??= setTimeout(() => this.#tell(), Math.max(0, wait));
  }

  onChange(listener: (changed: readonly StatePart[]) => void): Disposable {
    this.#listeners.add(listener);
    return { dispose: () => this.#listeners.delete(listener) };
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#listeners.clear();
  }

  #tell(): void {
    this.#timer = undefined;
    this.#lastTold = performance.now();
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const listener of [...this.#listeners]) listener(changed);
  }
}
