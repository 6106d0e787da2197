import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, it } from 'mocha';
import type { FolderState } from '../../../src/backups/types';
import type { EngineState, Job } from '../../../src/engine/protocol';
import { isAutomaticBackupDue, type AutomaticFacts } from '../../../src/app/isAutomaticBackupDue';

const HOUR = 3_600_000;
const now = Date.parse('2025-06-01T12:00:00Z');
const folder = path.resolve('/backups');
const udid = '00008110-000A1B2C3D4E5F60';
const job = { kind: 'backup', udid } as Job;

interface Given {
  readonly folderIs?: FolderState['state'];
  readonly hoursAgo?: number;
  readonly jobs?: readonly Job[];
  readonly known?: boolean;
}

/** The engine's state as far as it matters here. */
function engine({ folderIs = 'ready', hoursAgo, jobs = [], known = true }: Given): EngineState {
  const date = hoursAgo !== undefined && new Date(now - hoursAgo * HOUR).toISOString();
  return {
    devices: [{ udid, ...(known && { details: {} }) }],
    jobs,
    catalogue: {
      folders: [{ path: folder, kind: 'own', state: folderIs }],
      backups: date ? [{ udid, state: 'finished', date }] : [],
    },
  } as unknown as EngineState;
}

const isDue = (given: Given, facts: Partial<AutomaticFacts> = {}) =>
  isAutomaticBackupDue({ udid, folder, everyHours: 24, engine: engine(given), triedAt: undefined, now, ...facts });

describe('isAutomaticBackupDue', () => {
  it('is due when the last backup is older than the interval, or there is none', () => {
    assert.equal(isDue({ hoursAgo: 25 }), true);
    assert.equal(isDue({ hoursAgo: 23 }), false);
    assert.equal(isDue({}), true);
    assert.equal(isDue({ folderIs: 'missing' }), true);
  });

  it('waits until the folder has been read', () => {
    const read = engine({ hoursAgo: 1 });
    const notYet: EngineState = { ...read, catalogue: { folders: [], backups: [] } };
    assert.equal(isDue({}, { engine: notYet }), false);
    assert.equal(isDue({}, { folder: path.resolve('/elsewhere') }), false);
  });

  it('does not take a disk that is away for a device without a backup', () => {
    for (const folderIs of ['offline', 'noPermission', 'error'] as const) assert.equal(isDue({ folderIs }), false);
  });

  it('does not ask again within an hour, whatever began the last attempt', () => {
    assert.equal(isDue({}, { triedAt: now - HOUR + 1 }), false);
    assert.equal(isDue({}, { triedAt: now - HOUR }), true);
  });

  it('needs a device that answers and that nothing works on', () => {
    assert.equal(isDue({ known: false }), false);
    assert.equal(isDue({ jobs: [job] }), false);
    assert.equal(isDue({ jobs: [{ ...job, outcome: { kind: 'failed' } } as Job] }), true);
  });
});
