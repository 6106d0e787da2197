import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, it } from 'mocha';
import {
  isBlobName,
  layoutOf,
  parseVersionName,
  stageLayoutOf,
  udidOfPartial,
  versionName,
} from '../../../../src/backups/store/layout';
import { UDID } from '../../../support/backupFolders';

describe('layout of a folder of backups', () => {
  it('keeps the names that earlier versions gave', () => {
    const { finished, partial, lock, journal, sidecars, ...rest } = layoutOf('/b');
    assert.deepEqual(
      {
        ...rest,
        finished: finished('U'),
        partial: partial('U'),
        lock: lock('U'),
        journal: journal('U'),
        sidecars: sidecars('U'),
      },
      {
        own: path.join('/b/.ios-backup'),
        finished: path.join('/b/U'),
        partial: path.join('/b/.U.partial'),
        lock: path.join('/b/.ios-backup/U.lock'),
        journal: path.join('/b/.ios-backup/U.journal'),
        automatic: path.join('/b/.ios-backup/automatic'),
        labels: path.join('/b/.ios-backup/labels.json'),
        sidecars: path.join('/b/.ios-backup/sidecars/U'),
        trash: path.join('/b/.ios-backup/trash'),
        building: path.join('/b/.ios-backup/building'),
      },
    );
    const stage = Object.fromEntries(
      Object.entries(stageLayoutOf('/p', 'U')).map(([name, place]) => [name, path.relative('/p', place)]),
    );
    assert.deepEqual(stage, {
      backup: 'U',
      stage: '.stage',
      notes: path.join('.stage/stage.json'),
      hashes: path.join('.stage/hashes'),
      temporary: path.join('.stage/tmp'),
      removed: path.join('.stage/removed'),
      sidecar: path.join('.stage/sidecar'),
      base: path.join('.stage/base'),
      undo: path.join('.stage/undo'),
      incoming: path.join('.stage/incoming'),
    });
  });

  it('knows stagings by their names', () => {
    assert.equal(udidOfPartial(`.${UDID}.partial`), UDID);
    for (const name of [
      UDID,
      `${UDID}.partial`,
      `.${UDID}.partial2`,
      `x.${UDID}.partial`,
      `.${UDID}xpartial`,
      '.short.partial',
      '.-0008101-000A1B2C3D4E001E.partial',
      `.${'x'.repeat(65)}.partial`,
      `.${UDID}/x.partial`,
    ]) {
      assert.equal(udidOfPartial(name), undefined, name);
    }
  });

  it("writes and reads Finder's names for archives, in local time", () => {
    for (const date of [
      new Date(2024, 4, 6, 7, 8, 9),
      new Date(2031, 11, 31, 23, 59, 59),
      new Date(999, 0, 1, 0, 0, 0),
    ]) {
      assert.deepEqual(parseVersionName(versionName(UDID, date)), { udid: UDID, date });
    }
    assert.equal(versionName(UDID, new Date(2024, 4, 6, 7, 8, 9)), `${UDID}-20240506-070809`);
  });

  it('takes no other name for an archive', () => {
    for (const name of [
      UDID,
      `${UDID}-20240506`,
      `${UDID}-20240506-07080`,
      `${UDID}-20240506-0708099`,
      `${UDID}-20240006-070809`,
      `${UDID}-20241306-070809`,
      `${UDID}-20240500-070809`,
      `${UDID}-20240532-070809`,
      `${UDID}-20240231-070809`,
      `${UDID}-20240506-240000`,
      `${UDID}-20240506-250000`,
      `${UDID}-20240431-070809`,
      `x/${UDID}-20240506-070809`,
      `${UDID}-20240506-070809 copy`,
      `short-20240506-070809`,
      '-20240506-070809',
    ]) {
      assert.equal(parseVersionName(name), undefined, name);
    }
  });

  it('knows the names of contents', () => {
    for (const name of ['0'.repeat(40), 'abcdefABCDEF'.padEnd(40, '9')]) assert.equal(isBlobName(name), true);
    for (const name of ['', '0'.repeat(39), '0'.repeat(41), 'g'.padEnd(40, '0'), `${'0'.repeat(40)}.tmp`])
      assert.equal(isBlobName(name), false, name);
  });
});
