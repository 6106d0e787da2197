import type { ChoiceState } from './protocol';

/** @param lockedBecause Why it cannot be changed now; undefined when it can. */
export function choiceState(checked: boolean, text: string, lockedBecause: string | undefined): ChoiceState {
  return { checked, text, ...(lockedBecause === undefined ? {} : { lockedBecause }) };
}
