import assert from 'node:assert/strict';
import { AppError, isAppError } from '../../../../src/base/errors';
import { withDeadline } from '../../../../src/device/io/deadline';

describe('withDeadline', () => {
  const never = new Promise<never>(() => {});
  function deadline(more: { timeoutMs?: number; signal?: AbortSignal } = {}) {
    const seen = { givenUp: 0 };
    const expired = () => new AppError('timedOut', 'too long');
    return { seen, options: { ...more, expired, giveUp: () => void seen.givenUp++ } };
  }

  it('gives what the work gives, and its failure', async () => {
    const { seen, options } = deadline({ timeoutMs: 10_000, signal: new AbortController().signal });
    assert.equal(await withDeadline(options, Promise.resolve(7)), 7);
    await assert.rejects(withDeadline(options, Promise.reject(new Error('its own'))), /its own/);
    assert.equal(seen.givenUp, 0);
  });

  it('gives up once when the time is over, and ignores what comes after', async () => {
    const { seen, options } = deadline({ timeoutMs: 1 });
    let fail = (_: Error): void => {};
    const work = new Promise<never>((_, reject) => (fail = reject));
    await assert.rejects(withDeadline(options, work), (error) => isAppError(error, 'timedOut'));
    fail(new Error('late'));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(seen.givenUp, 1);
  });

  it('gives up when it is cancelled, before or meanwhile', async () => {
    const early = deadline({ signal: AbortSignal.abort() });
    await assert.rejects(withDeadline(early.options, never), (error) => isAppError(error, 'cancelled'));
    assert.equal(early.seen.givenUp, 1);
    const abort = new AbortController();
    const late = deadline({ signal: abort.signal, timeoutMs: 10_000 });
    const waiting = withDeadline(late.options, never);
    abort.abort();
    await assert.rejects(waiting, (error) => isAppError(error, 'cancelled'));
    assert.equal(late.seen.givenUp, 1);
  });
});
