/* eslint no-control-regex: "off" -- control characters are the subject here */

/** Characters that XML 1.0 cannot hold in any form; with the `u` flag the last range finds lone surrogates only. */
export const FORBIDDEN_CHARACTERS = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]/gu;
