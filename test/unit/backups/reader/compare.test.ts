import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'mocha';
import { compare, type Difference } from '../../../../src/backups/reader/compare';
import { OpenedBackup } from '../../../../src/backups/reader/openedBackup';
import { searchNames } from '../../../../src/backups/reader/searchNames';
import { vectors } from '../../../support/backupVectors';
import { vectorPassword, writeVectorBackup } from '../../../support/vectorBackup';

async function all<T>(generator: AsyncGenerator<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of generator) items.push(item);
  return items;
}

describe('compare() and searchNames()', () => {
  const folders: string[] = [];
  const open = async () => {
    const folder = writeVectorBackup();
    folders.push(folder);
    const backup = await OpenedBackup.open(folder);
    await backup.unlock(vectorPassword);
    return backup;
  };
  let one: OpenedBackup;
  let other: OpenedBackup;
  before(async () => {
    one = await open();
    other = await open();
  });
  after(() => {
    one.close();
    other.close();
    for (const folder of folders) fs.rmSync(folder, { recursive: true });
  });

  test('finds no difference between equal backups, thorough or not', async () => {
    assert.deepEqual(await all(compare(one, other)), []);
    assert.deepEqual(await all(compare(one, other, { thorough: true })), []);
  });

  test('finds changed content when thorough, and says what cannot be read', async () => {
    const [{ fileID, relativePath } = assert.fail(), { fileID: gone } = assert.fail()] = vectors.files;
    const place = (id: string) => path.join(folders[1]!, id.slice(0, 2), id);
    const bytes = fs.readFileSync(place(fileID));
    const missing = fs.readFileSync(place(gone));
    fs.writeFileSync(place(fileID), Buffer.alloc(16));
    fs.rmSync(place(gone));
    const found: Difference[] = await all(compare(one, other, { thorough: true }));
    assert.deepEqual(found.map(({ kind, what }) => [kind, what]).sort(), [
      ['changed', 'content'],
      ['changed', 'unreadable'],
    ]);
    assert.ok(found.some((difference) => difference.relativePath === relativePath));
    fs.writeFileSync(place(fileID), bytes);
    fs.writeFileSync(place(gone), missing);
  });

  test('finds names by all their words, in any case, and takes % and _ for themselves', async () => {
    const names = async (text: string) =>
      (await all(searchNames(one.manifest, text))).map(({ relativePath }) => relativePath);
    assert.deepEqual(await names('HELLO notes'), ['Library/Notes/hello.txt']);
    assert.deepEqual(await names('IMG_0001'), ['Media/DCIM/100APPLE/IMG_0001.JPG']);
    assert.deepEqual(await names('IMG%0001'), []);
    assert.deepEqual(await names('  '), []);
  });
});
