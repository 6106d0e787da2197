import { plistFields, type PlistField, type PlistFields } from './plistFields';

/** Smaller ones are decoded properly. */
const SMALL_BYTES = 256 * 1024;
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/**
 * Single texts of an Info.plist. A phone's has up to 10 MB, nearly all of it icons: a big XML one is searched, not
 * decoded.
 * @throws PlistError or RangeError for a small one that is no property list
 */
export function infoFields(bytes: Buffer): PlistFields {
  if (bytes.length <= SMALL_BYTES || bytes.subarray(0, 8).toString('latin1') === 'bplist00') return plistFields(bytes);
  return (...path) => (path.length === 1 && path[0] !== undefined ? findInXml(bytes, path[0]) : undefined);
}

function findInXml(bytes: Buffer, key: string): PlistField {
  const at = bytes.indexOf(`<key>${key}</key>`);
  if (at < 0) return undefined;
  const text = bytes.toString('utf8', at, at + 4096).slice(key.length + 11);
  const [, type, content] = /^\s*<(string|date)>([^<]*)</.exec(text) ?? [];
  if (content === undefined) return undefined;
  if (type === 'string')
    return content.replace(/&(lt|gt|amp|quot|apos);/g, (all, name: string) => ENTITIES[name] ?? all);
  const date = new Date(content);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
