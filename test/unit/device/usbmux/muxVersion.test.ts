import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { muxVersion } from '../../../../src/device';
import { temporaryFolder } from '../../../support/backupFolders';

describe('muxVersion()', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  function program(name: string, text: string): string {
    const file = path.join(folder.path, name);
    fs.writeFileSync(file, `#!/bin/sh\n${text}\n`, { mode: 0o700 });
    return file;
  }

  it('is what the first program says that answers', async function () {
    if (process.platform === 'win32') this.skip(); // A shell script stands for usbmuxd there; nothing is asked on Windows.
    const broken = program('broken', 'exit 1');
    const other = program('other', 'echo something else 7');
    assert.equal(await muxVersion([broken, other, program('usbmuxd', 'echo "usbmuxd 1.1.1-5"')]), '1.1.1-5');
  });

  it('is unknown where nothing answers', async () => {
    assert.equal(await muxVersion([]), undefined);
    assert.equal(await muxVersion([path.join(folder.path, 'missing')]), undefined);
  });
});
