import assert from 'node:assert/strict';

/** Asks again and again until the answer is yes. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  { timeoutMs = 20_000 }: { readonly timeoutMs?: number } = {},
): Promise<void> {
  for (const end = Date.now() + timeoutMs; !(await condition());) {
    assert.ok(Date.now() < end, `it never came true: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}
