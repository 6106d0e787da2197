/**
 * The text of an XML property list: UTF-8, or UTF-16 behind its byte-order mark. Line ends become `\n`, as XML asks for,
 * and what XML cannot hold is replaced: control characters below 0x20 by spaces, because very old firmware sends them
 * inside strings; the rest, like what is not UTF-8, by U+FFFD, because one odd name must not hide a whole file.
 * Blanks at the begin are dropped: XML allows none before its declaration.
 *
 * Done on the bytes: a regular expression takes seconds and gigabytes when every character of 60 MiB must be replaced.
 */
export function xmlText(bytes: Uint8Array): string {
  return new TextDecoder().decode(replaceForbidden(toUtf8(bytes))).trimStart();
}

function toUtf8(bytes: Uint8Array): Uint8Array {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return Buffer.from(new TextDecoder('utf-16le').decode(bytes));
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return Buffer.from(new TextDecoder('utf-16be').decode(bytes));
  return bytes;
}

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;

function replaceForbidden(bytes: Uint8Array): Uint8Array {
  let at = 0;
  while (at < bytes.length && !needsReplacing(bytes, at)) at++;
  if (at === bytes.length) return bytes;

  const replaced = Uint8Array.from(bytes);
  let end = at;
  for (; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (!needsReplacing(bytes, at)) replaced[end++] = byte;
    else if (byte === CARRIAGE_RETURN) {
      if (bytes[at + 1] !== LINE_FEED) replaced[end++] = LINE_FEED;
    } else if (byte < SPACE) replaced[end++] = SPACE;
    else replaced[end++] = 0xbd;
  }
  return replaced.subarray(0, end);
}

/** A carriage return, a control character, or the last byte of U+FFFE (ef bf be) and U+FFFF (ef bf bf). */
function needsReplacing(bytes: Uint8Array, at: number): boolean {
  const byte = bytes[at]!;
  if (byte < SPACE) return byte !== TAB && byte !== LINE_FEED;
  return (byte === 0xbe || byte === 0xbf) && bytes[at - 1] === 0xbf && bytes[at - 2] === 0xef;
}
