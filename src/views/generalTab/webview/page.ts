import type { PageWords } from '../protocol';

/** @throws Error if the page's frame and its script do not fit together. */
export function element<T extends Element>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (found instanceof type) return found;
  throw new Error(`#${id} is missing from the page`);
}

/** Texts that depend on what is typed; the host has put them into the frame. */
export const words = JSON.parse(element('words', HTMLScriptElement).textContent ?? '') as PageWords;
