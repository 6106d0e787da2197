import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { AppError, isAppError, type ErrorCode } from '../../../src/base/errors';
import { silentLog } from '../../../src/base/log';
import { JobBoard, type JobContext, type JobRequest } from '../../../src/engine/jobs';
import type { Job, JobProgress } from '../../../src/engine/protocol';

const owner = { name: 'VS Code', version: '1', pid: 7 };
const backup: JobRequest = { kind: 'backup', owner, name: 'Ann’s iPhone', udid: 'U1', path: '/backups/U1' };
const withCode = (code: ErrorCode) => (error: unknown) => isAppError(error, code);

/** Work that ends when the test says so, or when it is cancelled. */
function openEnded() {
  let finish: (value: string) => void = () => {};
  let context: JobContext | undefined;
  const work = (given: JobContext) => {
    context = given;
    return new Promise<string>((resolve, reject) => {
      finish = resolve;
      given.signal.addEventListener('abort', () => reject(new AppError('deviceGone', 'its connection was closed')));
    });
  };
  return {
    work,
    finish: (value = 'result') => finish(value),
    context: () => {
      assert.ok(context, 'the work has been started');
      return context;
    },
  };
}

describe('JobBoard', () => {
  let jobs: readonly Job[] = [];
  let board: JobBoard;
  const only = (): Job => {
    assert.equal(jobs.length, 1);
    return jobs[0] as Job;
  };

  beforeEach(() => {
    jobs = [];
    board = new JobBoard(silentLog, (list) => (jobs = list));
  });
  afterEach(() => board.dispose());

  it('shows a job at once, and keeps its end until it is dismissed', async () => {
    const { work, finish } = openEnded();
    const result = board.run(backup, work, { facts: () => ({}) });
    assert.equal(only().progress.stage, 'starting');
    assert.equal(only().outcome, undefined);
    assert.equal(board.running, 1);
    finish('done it');
    assert.equal(await result, 'done it');
    assert.equal(only().outcome?.kind, 'done');
    assert.equal(board.running, 0);
    board.dismiss(only().id);
    assert.deepEqual(jobs, []);
  });

  it('refuses work on a whole folder while a job works on another backup in it', async () => {
    const { work, finish } = openEnded();
    const restore = board.run({ ...backup, kind: 'restore', udid: 'U2', path: '/backups/U1-20250101-120000' }, work);
    assert.throws(() => board.refuseBeside('/backups', '/backups/U1'), withCode('jobRunning'));
    assert.throws(() => board.refuseBeside('/backups/', '/backups/U1/'), withCode('jobRunning'));
    board.refuseBeside('/backups', '/backups/U1-20250101-120000');
    board.refuseBeside('/elsewhere', '/elsewhere/U1');
    finish();
    await restore;
    board.refuseBeside('/backups', '/backups/U1');
  });

  it('holds a further backup for a job, against others and until it is let go', async () => {
    const version = '/backups/U1-20250101-120000';
    const restore = (path: string) =>
      board.run({ ...backup, kind: 'restore', udid: 'U2', path }, ({ hold }) => Promise.resolve(hold('/backups/U1')));
    let held: { dispose(): void } | undefined;
    const { work, finish } = openEnded();
    const thinning = board.run(backup, (context) => {
      held = context.hold(version);
      return work(context);
    });
    assert.ok(held);
    await assert.rejects(restore(`${version}/`), withCode('jobRunning'));
    held.dispose();
    assert.equal(await restore(version), undefined, 'a job works on the other one');
    finish();
    await thinning;
    assert.ok(await restore(version), 'its end lets everything go');
  });

  it('refuses a second job on the same device, naming who holds it', async () => {
    const { work, finish } = openEnded();
    const first = board.run(backup, work);
    const second = board.run({ ...backup, path: '/elsewhere/U1' }, () => Promise.resolve('no'));
    await assert.rejects(second, (error) => {
      assert.ok(isAppError(error, 'jobRunning'));
      assert.deepEqual(error.details, {
        owner: 'VS Code',
        ownerPid: 7,
        kind: 'backup',
        jobId: only().id,
        name: 'Ann’s iPhone',
      });
      return true;
    });
    finish();
    await first;
    assert.equal(await board.run(backup, () => Promise.resolve('yes')), 'yes');
  });

  it('refuses a second job on the same backup, however the path is spelt', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'jobs-'));
    try {
      fs.mkdirSync(path.join(folder, 'real'));
      fs.symlinkSync(path.join(folder, 'real'), path.join(folder, 'link'));
      const { work, finish } = openEnded();
      const first = board.run({ ...backup, path: path.join(folder, 'real', 'new', 'U1') }, work);
      for (const other of ['real/new/U1', 'real/x/../new/U1/', 'link/new/U1']) {
        const request: JobRequest = { kind: 'verify', owner, name: 'x', path: path.join(folder, other) };
        await assert.rejects(
          board.run(request, () => Promise.resolve()),
          withCode('jobRunning'),
          other,
        );
      }
      const elsewhere: JobRequest = { kind: 'verify', owner, name: 'x', path: path.join(folder, 'real/new/U2') };
      await board.run(elsewhere, () => Promise.resolve());
      finish();
      await first;
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });

  it('lets anybody cancel, and says cancelled whatever the work dies of', async () => {
    const { work } = openEnded();
    const result = board.run(backup, work);
    board.cancel(only().id);
    assert.equal(only().progress.stage, 'cancelling');
    await assert.rejects(result, withCode('cancelled'));
    assert.deepEqual({ ...only().outcome, endedAt: '' }, { kind: 'cancelled', endedAt: '', by: 'user' });
    assert.throws(() => board.cancel(only().id), withCode('noSuchJob'));
  });

  it('is cancelled with its request', async () => {
    const { work } = openEnded();
    const abort = new AbortController();
    const result = board.run(backup, work, { signal: abort.signal });
    abort.abort();
    await assert.rejects(result, withCode('cancelled'));
    await assert.rejects(board.run(backup, openEnded().work, { signal: abort.signal }), withCode('cancelled'));
  });

  it('is done if it was too late to cancel', async () => {
    const late = openEnded();
    const result = board.run(backup, async (context) => {
      await new Promise<void>((resolve) => context.signal.addEventListener('abort', () => resolve()));
      return 'committed already';
    });
    board.cancel(only().id);
    assert.equal(await result, 'committed already');
    assert.equal(only().outcome?.kind, 'done');
    void late;
  });

  it('tells who cancelled on the device', async () => {
    const error = new AppError('cancelledOnDevice', 'tapped');
    await assert.rejects(
      board.run(backup, () => Promise.reject(error)),
      withCode('cancelledOnDevice'),
    );
    assert.deepEqual({ ...only().outcome, endedAt: '' }, { kind: 'cancelled', endedAt: '', by: 'device' });
  });

  it('keeps a failure with its code and details', async () => {
    const error = new AppError('hostDiskFull', 'full', { details: { freeBytes: 5 } });
    await assert.rejects(
      board.run(backup, () => Promise.reject(error)),
      withCode('hostDiskFull'),
    );
    const { outcome } = only();
    assert.ok(outcome?.kind === 'failed');
    assert.deepEqual(outcome.error, { code: 'hostDiskFull', message: 'full', details: { freeBytes: 5 } });
  });

  it('says in the log in which stage a failed job stood', async () => {
    const lines: string[] = [];
    using logged = {
      board: new JobBoard({ ...silentLog, info: (line) => lines.push(line) }, () => {}),
      [Symbol.dispose]() {
        this.board.dispose();
      },
    };
    const work = ({ report }: JobContext) => {
      report({ stage: 'receiving', bytes: 10, files: 2 });
      return Promise.reject(new AppError('deviceGone', 'it went'));
    };
    await assert.rejects(logged.board.run(backup, work), withCode('deviceGone'));
    assert.match(
      lines.join('\n'),
      /failed in the stage receiving, \d+ s after its begin: deviceGone: it went \(2 files/,
    );
  });

  it('never lets the fraction fall, nor the stage leave cancelling', async () => {
    const { work, context } = openEnded();
    const result = board.run(backup, work);
    const seen: (number | undefined)[] = [];
    const report = (update: Parameters<JobContext['report']>[0]) => {
      context().report(update);
      seen.push(only().progress.fraction);
    };
    report({ stage: 'preparing' });
    report({ stage: 'receiving', fraction: 0.4, bytes: 10 });
    report({ fraction: 0.2 });
    report({ fraction: 7 });
    assert.deepEqual(seen, [undefined, 0.4, 0.4, 1]);
    board.cancel(only().id);
    report({ stage: 'receiving' });
    assert.equal(only().progress.stage, 'cancelling');
    await assert.rejects(result, withCode('cancelled'));
  });

  it('dates a stage from when it began', async () => {
    const { work, context, finish } = openEnded();
    const result = board.run(backup, work);
    context().report({ stage: 'receiving', files: 1 });
    const { stageSince }: JobProgress = only().progress;
    await new Promise((resolve) => setTimeout(resolve, 5));
    context().report({ stage: 'receiving', files: 2 });
    assert.equal(only().progress.stageSince, stageSince);
    context().report({ stage: 'moving' });
    assert.notEqual(only().progress.stageSince, stageSince);
    finish();
    await result;
  });

  it('ends all jobs, waits for them, and takes no more', async () => {
    const { work } = openEnded();
    let left = 0;
    const result = board.run(backup, async (context) => {
      await work(context).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 10)); // the device is let go
      left += 1;
      throw new AppError('deviceGone', 'ended');
    });
    const failed = assert.rejects(result, withCode('unexpected'));
    await board.endAll(new AppError('unexpected', 'the engine failed'));
    assert.equal(left, 1);
    await failed;
    assert.equal(only().outcome?.kind, 'failed');
    await assert.rejects(board.run(backup, work), withCode('engineGone'));
  });

  it('forgets the oldest of very many ended jobs', async () => {
    for (let index = 0; index < 60; index += 1) await board.run(backup, () => Promise.resolve(index));
    assert.equal(jobs.length, 50);
  });
});
