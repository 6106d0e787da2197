/** Seconds from 1970 to 2001, where Apple's clocks begin. */
const APPLE_EPOCH = 978_307_200;
const DATE_NAME =
  /date|time|created|modified|updated|expir|timestamp|birth|last_?(used|seen|visit|opened)|_at$|^zon$|^start$|^end$/i;
/** Lengths and zones, not moments. */
const NO_DATE_NAME =
  /zone|duration|interval|timeout|times?_|count|offset|scale|range|latitude|longitude|format|version|type|runtime|lifetime/i;
/** 1990 and 2100, in Unix seconds: what lies outside is no date that a phone knows. */
const FIRST = 631_152_000;
const LAST = 4_102_444_800;

/**
 * The moment that a number in a column of a database stands for, if the column's name or type tells of dates and the
 * number lies where one of the usual clocks puts the years 2001 to 2100: seconds or nanoseconds since 2001, seconds,
 * milliseconds or microseconds since 1970.
 */
export function columnDate(column: string, type: string, value: number): Date | undefined {
  const named = /TIMESTAMP|DATE/i.test(type) || (DATE_NAME.test(column) && !NO_DATE_NAME.test(column));
  if (!named || !Number.isFinite(value) || value <= 0) return undefined;
  const seconds = unixSeconds(value, /^Z/.test(column) && /TIMESTAMP/i.test(type));
  return seconds !== undefined && seconds > FIRST && seconds < LAST ? new Date(Math.round(seconds * 1000)) : undefined;
}

/** @param apple The column is one of Core Data's: always seconds since 2001. */
function unixSeconds(value: number, apple: boolean): number | undefined {
  if (apple) return value + APPLE_EPOCH;
  // A day after 2001 and before: small counts are no dates.
  if (value < 86_400 * 365) return undefined;
  if (value < 1_000_000_000) return value + APPLE_EPOCH;
  if (value < 10_000_000_000) return value;
  if (value > 800_000_000_000 && value < 10_000_000_000_000) return value / 1000;
  if (value > 800_000_000_000_000 && value < 10_000_000_000_000_000) return value / 1_000_000;
  if (value > 10_000_000_000_000_000 && value < 4_000_000_000_000_000_000) return value / 1_000_000_000 + APPLE_EPOCH;
  return undefined;
}
