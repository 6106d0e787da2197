import { PlistError } from './plistError';

/** In UTF-16 units. The header's document type has 101, and nobody writes long comments into these files. */
const LONGEST_SECTION = 1 << 16;

/** What the parser collects character by character, at some 40 bytes each: of 60 MiB of these it makes gigabytes. */
const SECTIONS = [
  { name: 'comment', begin: '<!--', end: '-->' },
  { name: 'CDATA section', begin: '<![CDATA[', end: ']]>' },
  { name: 'processing instruction', begin: '<?', end: '?>' },
  { name: 'document type', begin: '<!DOCTYPE', end: '>' },
] as const;

/**
 * Looks over a document before it is parsed, and refuses what costs the parser far more than its length. Whether it is
 * well-formed is the parser's to say.
 * @param maxObjects for the sections, and for the references (`&…;`), of which each costs an allocation
 * @throws PlistError
 */
export function checkXmlCost(text: string, maxObjects: number): void {
  let count = 0;
  for (let at = text.indexOf('&'); at >= 0; at = text.indexOf('&', at + 1)) {
    if (++count > maxObjects) throw new PlistError(`more than ${maxObjects} character references`, at);
  }
  count = 0;
  for (let at = text.indexOf('<'); at >= 0; at = text.indexOf('<', at + 1)) {
    const section = SECTIONS.find(({ begin }) => text.startsWith(begin, at));
    if (section === undefined) continue;
    if (++count > maxObjects) throw new PlistError(`more than ${maxObjects} comments and the like`, at);
    const content = text.slice(at, at + LONGEST_SECTION);
    const length = content.indexOf(section.end, section.begin.length);
    if (length < 0)
      throw new PlistError(`a ${section.name} that does not end within ${LONGEST_SECTION} characters`, at);
    if (section.name === 'document type' && content.slice(0, length).includes('[')) {
      throw new PlistError('the document type has declarations of its own', at);
    }
    at += length + section.end.length - 1;
  }
}
