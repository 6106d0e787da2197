/** Numbers in usbmuxd's Result messages. Pair-record requests answer with errno values, where 2 is ENOENT. */
export const ResultNumber = {
  ok: 0,
  badCommand: 1,
  badDevice: 2,
  noSuchRecord: 2,
  connectionRefused: 3,
} as const;
