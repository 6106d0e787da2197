import assert from 'node:assert/strict';
import { describe, test } from 'mocha';
import { AppError, type ErrorCode } from '../../../../src/base/errors';
import { errorOfResponse, type RequestKind } from '../../../../src/device/mobilebackup2/deviceErrors';
import { LoopFacts } from '../../../../src/device/mobilebackup2/loopFacts';
import { systemError } from '../../../support/memoryStore';

function errorOf(errorCode: number, description: string, kind: RequestKind, facts?: LoopFacts): AppError | undefined {
  return errorOfResponse({ errorCode, description, content: undefined }, kind, facts);
}

describe('errorOfResponse()', () => {
  const cases: readonly (readonly [RequestKind, number, string, ErrorCode])[] = [
    ['backup', 1, 'Error copying keychain data (MBErrorDomain/1)', 'deviceReportedError'],
    ['backup', 3, 'Failed to create snapshot: File exists (17) at path /private/var', 'deviceNeedsRestart'],
    ['backup', 4, 'No such file or directory', 'previousBackupUnreadable'],
    ['restore', 4, 'No such file or directory', 'backupDamaged'],
    ['backup', 11, 'Cannot parse a NULL or zero-length data', 'previousBackupUnreadable'],
    ['backup', 38, '', 'backupForbidden'],
    ['backup', 100, 'Input/output error (5)', 'deviceReportedError'],
    ['restore', 102, 'rename /var/.backup.i exists', 'deviceNeedsRestart'],
    ['backup', 103, 'Error reading status', 'previousBackupUnreadable'],
    ['backup', 104, 'Multiple errors uploading files', 'uploadFailed'],
    ['backup', 105, 'Insufficient free disk space on drive to back up', 'hostDiskFull'],
    ['restore', 105, '(44526002176 < 51895967372)', 'deviceDiskFull'],
    ['backup', 106, '', 'deviceDiskFull'],
    ['backup', 202, '', 'cancelledOnDevice'],
    ['backup', 104, 'Canceled by user', 'cancelledOnDevice'],
    ['restore', 203, '', 'versionNotCompatible'],
    ['backup', 205, 'Error reading backup properties', 'previousBackupUnreadable'],
    ['restore', 205, 'Error reading backup properties', 'backupDamaged'],
    ['changePassword', 207, 'Invalid password (MBErrorDomain/207)', 'wrongPassword'],
    ['restore', 207, 'Invalid password', 'wrongPassword'],
    ['changePassword', 208, 'Device locked (MBErrorDomain/208)', 'passcodeNotEntered'],
    ['restore', 211, '', 'findMyOn'],
    ['backup', 212, 'Unable to backup until Setup is finished', 'setupNotFinished'],
    [
      'changePassword',
      1,
      'Error setting WillEncrypt value in lockdown (MBErrorDomain/22) (MBErrorDomain/1)',
      'encryptionForbidden',
    ],
    ['backup', 1, 'Multi status (MBErrorDomain/1). Device locked (MBErrorDomain/208)', 'passcodeNotEntered'],
    ['backup', 4711, 'something new', 'deviceReportedError'],
  ];
  for (const [kind, number, description, code] of cases) {
    test(`${kind} ${number} ${description.slice(0, 40)} is ${code}`, () => {
      const error = errorOf(number, description, kind);
      assert.equal(error?.code, code);
      assert.equal(error.details['number'], number);
      assert.equal(error.details['description'], description);
    });
  }

  test('0 is no error', () => assert.equal(errorOf(0, '', 'backup'), undefined));

  test('a full disk of this computer comes with both sizes', () => {
    const facts = new LoopFacts();
    facts.freeBytes = 10_000_000;
    facts.purgeBytes = 26_418_026_591;
    const { details } = errorOf(105, 'Insufficient free disk space on drive to back up', 'backup', facts)!;
    assert.deepEqual([details['freeBytes'], details['neededBytes']], [10_000_000, 26_428_026_591]);
  });

  test('a full device comes with both sizes when it tells them', () => {
    const { details } = errorOf(105, 'Not enough (44526002176 < 51895967372) bytes', 'restore')!;
    assert.deepEqual([details['freeBytes'], details['neededBytes']], [44_526_002_176, 51_895_967_372]);
  });

  const local: readonly (readonly [unknown, ErrorCode])[] = [
    [systemError('ENOSPC'), 'hostDiskFull'],
    [systemError('EACCES'), 'noPermission'],
    [systemError('EIO'), 'diskError'],
    [new AppError('nameNotPossible', 'CON', { details: { name: 'CON' } }), 'nameNotPossible'],
    [new Error('what'), 'uploadFailed'],
  ];
  for (const [failure, code] of local) {
    test(`uploads that failed here tell why: ${code}`, () => {
      const facts = new LoopFacts();
      facts.addLocalError(failure);
      const error = errorOf(104, 'Multiple errors uploading files', 'backup', facts);
      assert.equal(error?.code, code);
      assert.equal(error.cause, failure);
      assert.equal(error.details['number'], 104);
      if (failure instanceof AppError) assert.equal(error.details['name'], 'CON');
    });
  }

  test('a failure here does not hide a wrong password or a cancellation', () => {
    const facts = new LoopFacts();
    facts.addLocalError(systemError('EIO'));
    assert.equal(errorOf(207, '', 'restore', facts)?.code, 'wrongPassword');
    assert.equal(errorOf(202, '', 'backup', facts)?.code, 'cancelledOnDevice');
  });

  test('an endless description is cut', () => {
    assert.equal(String(errorOf(1, 'x'.repeat(1e6), 'backup')?.details['description']).length, 500);
  });
});
