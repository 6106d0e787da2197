import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { AppError, cancelled } from '../../../../src/base/errors';
import {
  diskError,
  diskFailure,
  isMissing,
  isOffline,
  systemCode,
  systemError,
} from '../../../../src/backups/store/diskErrors';
import { asPlatform } from '../../../support/asPlatform';

const failed = (code: string) => Object.assign(new Error(`${code}: failed`), { code });
const reading = { doing: 'read', path: '/p' };
const writing = { doing: 'write', path: '/p', writing: true };

describe('diskError()', () => {
  for (const [code, read, written] of [
    ['ENOSPC', 'hostDiskFull', 'hostDiskFull'],
    ['EDQUOT', 'hostDiskFull', 'hostDiskFull'],
    ['EROFS', 'folderNotWritable', 'folderNotWritable'],
    ['EACCES', 'noPermission', 'folderNotWritable'],
    ['EPERM', 'noPermission', 'folderNotWritable'],
    ['ENAMETOOLONG', 'nameNotPossible', 'nameNotPossible'],
    ['EILSEQ', 'nameNotPossible', 'nameNotPossible'],
    ['EFBIG', 'fileTooLarge', 'fileTooLarge'],
    ['ENODEV', 'folderOffline', 'folderOffline'],
    ['ESTALE', 'folderOffline', 'folderOffline'],
    ['EIO', 'diskError', 'diskError'],
    ['EMFILE', 'diskError', 'diskError'],
  ] as const) {
    it(`takes ${code} for ${read}${read === written ? '' : `, or ${written} where something is written`}`, async () => {
      const cause = failed(code);
      await asPlatform('linux', () => {
        for (const [context, meaning] of [
          [reading, read],
          [writing, written],
        ] as const) {
          const error = diskError(cause, { ...context, details: { freeBytes: 5 } }) as AppError;
          assert.ok(error instanceof AppError);
          assert.equal(error.code, meaning);
          assert.equal(error.message, `${context.doing} failed with ${code}`);
          assert.equal(error.cause, cause);
          assert.deepEqual(error.details, { path: '/p', freeBytes: 5 });
        }
      });
    });
  }

  it("takes macOS' EPERM for its privacy control", async () => {
    await asPlatform('darwin', () => {
      assert.equal((diskError(failed('EPERM'), writing) as AppError).code, 'noPermission');
      assert.equal((diskError(failed('EACCES'), writing) as AppError).code, 'folderNotWritable');
    });
  });

  it('leaves alone what a device knows by number, and what is no error of the disk', () => {
    for (const code of ['ENOENT', 'ENOTDIR', 'EISDIR', 'EEXIST', 'ELOOP', 'ENOTEMPTY', 'EINVAL', 'ERR_X', 'weird']) {
      const error = failed(code);
      assert.equal(diskError(error, writing), error);
    }
    for (const error of [new AppError('hostDiskFull', 'x'), cancelled(), new TypeError('x')])
      assert.equal(diskError(error, writing), error);
  });

  it('makes an error of whatever was thrown', () => {
    const error = diskError('a text', writing);
    assert.ok(error instanceof AppError);
    assert.deepEqual([error.code, error.message], ['unexpected', 'a text']);
  });
});

describe('diskFailure()', () => {
  it('leaves no system error as it is', () => {
    const cause = failed('ENOENT');
    const error = diskFailure(cause, { ...writing, details: { freeBytes: 1 } }) as AppError;
    assert.deepEqual([error.code, error.message, error.cause], ['diskError', 'write failed with ENOENT', cause]);
    assert.deepEqual(error.details, { path: '/p', freeBytes: 1 });
    assert.equal((diskFailure(failed('ENOSPC'), writing) as AppError).code, 'hostDiskFull');
    const other = new TypeError('x');
    assert.equal(diskFailure(other, writing), other);
  });
});

describe('systemCode()', () => {
  it('knows the codes of the system', () => {
    assert.equal(systemCode(failed('ENOENT')), 'ENOENT');
    assert.equal(systemCode(failed('E2BIG')), 'E2BIG');
    for (const error of [failed('ERR_X'), failed('xENOENT'), new Error('x'), new AppError('diskError', 'x'), 'ENOENT'])
      assert.equal(systemCode(error), undefined);
    assert.equal(systemCode(Object.assign(new Error('x'), { code: 5 })), undefined);
  });

  it('tells what is missing', () => {
    assert.deepEqual(
      ['ENOENT', 'ENOTDIR', 'EACCES'].map((code) => isMissing(failed(code))),
      [true, true, false],
    );
    assert.equal(isMissing(systemError('ENOENT', '/p')), true);
    assert.deepEqual(
      ['ESTALE', 'EIO'].map((code) => isOffline(failed(code))),
      [true, false],
    );
    assert.equal(isOffline('ESTALE'), false);
    assert.equal(systemError('EINVAL', '/p').message, "EINVAL: '/p'");
  });
});
