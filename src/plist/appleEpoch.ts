/** 2001-01-01T00:00:00Z, from which property lists count their dates, in milliseconds of 1970. */
export const APPLE_EPOCH_MS = 978_307_200_000;
