/** A duplex connection that is read on demand. One reader at a time; the socket can be handed on at any message border. */
export interface ByteStream extends AsyncDisposable {
  /**
   * Resolves with exactly `length` bytes; with an empty buffer for 0.
   * @throws AppError `deviceGone` if the peer closes first.
   */
  read(length: number): Promise<Buffer>;
  /**
   * Resolves with 1 to `max` bytes, whatever is there first: for bulk data of known length, without copying it together.
   * @throws AppError `deviceGone` if the peer closes first.
   */
  readSome(max: number): Promise<Buffer>;
  /**
   * Resolves when all of `target` is filled. Streams that cannot spare a buffer in between do not have it.
   * @throws AppError `deviceGone` if the peer closes first.
   */
  readInto?(target: Uint8Array): Promise<void>;
  /** Resolves when the bytes were handed to the system and more may follow (back-pressure). */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends the connection; pending reads fail with `deviceGone`. Safe to call twice. */
  close(): Promise<void>;
}
