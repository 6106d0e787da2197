/** Listeners of one kind of event. */
export class Emitter<T> {
  readonly #listeners = new Set<(value: T) => void>();

  /** @returns what ends the listening. */
  on(listener: (value: T) => void): () => void {
    const entry = (value: T) => listener(value);
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  }

  fire(value: T): void {
    for (const listener of [...this.#listeners]) listener(value);
  }
}
