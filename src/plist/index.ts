/** Property lists, binary and XML: the door of this folder. */
export * from './value';
export { PlistError, isPlistError } from './plistError';
export { DEFAULT_LIMITS, type PlistLimits } from './limits';
export { parsePlist, isBinaryPlist } from './parsePlist';
export { decodeBinaryPlist } from './binaryDecoder';
export { encodeBinaryPlist } from './binaryEncoder';
export { decodeXmlPlist } from './xmlDecoder';
export { encodeXmlPlist } from './xmlEncoder';
export { toPlain, type PlainValue } from './toPlain';
export {
  numberOf,
  asArray,
  asBigInt,
  asBool,
  asData,
  asDate,
  asDict,
  asNumber,
  asInteger,
  asString,
  asUid,
  getArray,
  getBigInt,
  getBool,
  getData,
  getDate,
  getDict,
  getInteger,
  getNumber,
  getString,
  getUid,
  getOptionalArray,
  getOptionalBigInt,
  getOptionalBool,
  getOptionalData,
  getOptionalDate,
  getOptionalDict,
  getOptionalInteger,
  getOptionalNumber,
  getOptionalString,
  getOptionalUid,
} from './readers';
