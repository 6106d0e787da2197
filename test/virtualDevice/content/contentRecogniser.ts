import { fillGenerated, readStamp, SMALLEST_GENERATED, type GeneratedContent } from './generatedContent';

/** What a file's bytes were found to be. */
export type RecognisedContent =
  | { readonly kind: 'generated'; readonly content: GeneratedContent }
  | { readonly kind: 'literal'; readonly bytes: Buffer };

/**
 * Takes a file's bytes as they come and finds out whether the generator makes the same: then two numbers are kept
 * instead of them, so that a phone of many gigabytes can be restored into memory.
 */
export class ContentRecogniser {
  readonly #size: number;
  readonly #literal: Buffer[] = [];
  #content: GeneratedContent | undefined;
  #length = 0;
  #expected: Buffer = Buffer.alloc(0);

  /** @param size Bytes that the file is going to have. */
  constructor(size: number) {
    this.#size = size;
  }

  /** Bytes so far. */
  get length(): number {
    return this.#length;
  }

  add(bytes: Buffer): void {
    if (this.#length === 0 && bytes.length > 0 && this.#size >= SMALLEST_GENERATED) this.#content = readStamp(bytes);
    if (this.#content && !this.#fits(this.#content, bytes)) this.#giveUp(this.#content);
    if (!this.#content) this.#literal.push(Buffer.from(bytes));
    this.#length += bytes.length;
  }

  end(): RecognisedContent {
    if (this.#content && this.#length !== this.#size) this.#giveUp(this.#content);
    return this.#content
      ? { kind: 'generated', content: this.#content }
      : { kind: 'literal', bytes: Buffer.concat(this.#literal) };
  }

  #fits(content: GeneratedContent, bytes: Buffer): boolean {
    if (this.#length + bytes.length > this.#size) return false;
    if (this.#expected.length < bytes.length) this.#expected = Buffer.allocUnsafe(bytes.length);
    const expected = this.#expected.subarray(0, bytes.length);
    fillGenerated(content, this.#size, this.#length, expected);
    return expected.equals(bytes);
  }

  /** It began like a generated file and is none: what has come so far is made once more and kept. */
  #giveUp(content: GeneratedContent): void {
    const bytes = Buffer.allocUnsafe(this.#length);
    fillGenerated(content, this.#size, 0, bytes);
    this.#literal.push(bytes);
    this.#content = undefined;
  }
}
