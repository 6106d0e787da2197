/** One text for all spellings of one address of usbmuxd, so that clients with different ones share an engine. */
export function normalAddress(address: string): string {
  return address.trim().replace(/^(unix:(\/\/(?=\/))?|tcp:\/\/)/i, '');
}
