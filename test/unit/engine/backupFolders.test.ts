import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'mocha';
import { silentLog } from '../../../src/base/log';
import { BackupFolders } from '../../../src/engine/backupFolders';
import { temporaryFolder, UDID } from '../../support/backupFolders';
import { writeVectorBackup } from '../../support/vectorBackup';

describe('BackupFolders', () => {
  it('tells of a backup that was committed although a cancellation came in that moment', async () => {
    const folder = temporaryFolder();
    const made = writeVectorBackup();
    fs.cpSync(made, path.join(folder.path, UDID), { recursive: true });
    fs.rmSync(made, { recursive: true });
    const abort = new AbortController();
    const { signal } = abort;
    const backups = new BackupFolders(silentLog, folder.path);
    const report = () => {};
    let reports = 0;
    const staging = await backups.openStaging({
      folder: folder.path,
      udid: UDID,
      full: false,
      fresh: false,
      report,
      signal,
    });
    try {
      const summary = await staging.commit({
        skipped: new Set(),
        encrypted: true,
        // First for what is prepared, then for the deed, which is not to be stopped.
        report: ({ stage }) => {
          if (stage === 'committing' && (reports += 1) === 2) abort.abort();
        },
        signal,
      });
      assert.ok(signal.aborted);
      assert.equal(summary.path, path.join(folder.path, UDID));
      assert.equal(summary.state, 'finished');
    } finally {
      await staging.close();
      folder.remove();
    }
  });
});
