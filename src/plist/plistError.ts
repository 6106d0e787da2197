/** What is wrong with a property list, or with a field of it. The message is for the log, in English, and names no values. */
export class PlistError extends Error {
  override readonly name = 'PlistError';
  /** Where in the file, in bytes (binary) or UTF-16 units (XML), where that is known. */
  readonly offset: number | undefined;
  /** The message without the place. */
  readonly reason: string;

  constructor(reason: string, offset?: number, options?: ErrorOptions) {
    super(offset === undefined ? reason : `${reason} (at ${offset})`, options);
    this.reason = reason;
    this.offset = offset;
  }
}

export function isPlistError(error: unknown): error is PlistError {
  return error instanceof Error && error.name === 'PlistError';
}
