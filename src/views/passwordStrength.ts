/**
 * A rough measure of how long guessing takes, 0 (at once) to 3 (out of reach): length and kinds of characters, with
 * repeats and runs such as `aaaa` or `1234` counted once. It advises; it forbids nothing.
 */
export function passwordStrength(password: string): 0 | 1 | 2 | 3 {
  const characters = [...password];
  const kinds = [/\p{Ll}/u, /\p{Lu}/u, /\p{Nd}/u, /[^\p{L}\p{Nd}]/u].filter((kind) => kind.test(password)).length;
  const telling = characters.filter((character, index) => {
    const step = (character.codePointAt(0) ?? 0) - (characters[index - 1]?.codePointAt(0) ?? -9);
    return Math.abs(step) > 1;
  }).length;
  const score = telling * (3 + kinds);
  if (score < 30) return 0;
  if (score < 48) return 1;
  return score < 72 ? 2 : 3;
}
