import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

/** One number for everything in a folder: names, kinds, modes and contents. Undefined if it is not there. */
export function treeHash(folder: string): string | undefined {
  if (!fs.existsSync(folder)) return undefined;
  const hash = createHash('sha256');
  const visit = (place: string) => {
    for (const entry of fs.readdirSync(place, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const below = path.join(place, entry.name);
      hash.update(`${path.relative(folder, below)}\0${fs.lstatSync(below).mode}\0`);
      if (entry.isDirectory()) visit(below);
      else if (entry.isFile()) hash.update(createHash('sha256').update(fs.readFileSync(below)).digest());
      else hash.update(fs.readlinkSync(below));
    }
  };
  visit(folder);
  return hash.digest('hex');
}
