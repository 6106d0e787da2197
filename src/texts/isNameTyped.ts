/**
 * Whether a person has typed a device's name. What keyboards lack does not count: a name has typographic quotes, emoji,
 * unusual spaces; capitals do not count either. A name of nothing else has to be there as it is.
 */
export function isNameTyped(typed: string, name: string): boolean {
  const wanted = letters(name);
  return wanted === '' ? typed.trim() === name.trim() : letters(typed) === wanted;
}

function letters(text: string): string {
  return text
    .normalize('NFKC')
    .replace(/\p{Variation_Selector}/gu, '')
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, '')
    .toLowerCase();
}
