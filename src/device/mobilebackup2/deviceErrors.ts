import { AppError, isAppError, type ErrorCode, type ErrorDetails } from '../../base/errors';
import type { LoopFacts } from './loopFacts';
import type { FinalResponse } from './messageLoop';
import { isDiskFull } from './statusCodes';

export type RequestKind = 'backup' | 'restore' | 'changePassword' | 'other';

/** The device's words are shown to people: long enough for a sentence, short enough for a notification. */
const MAX_DESCRIPTION_LENGTH = 500;

/** Numbers of MBErrorDomain that mean the same whatever was asked for. */
const CODES: Readonly<Record<number, ErrorCode>> = {
  3: 'deviceNeedsRestart', // a file-system snapshot of an interrupted run is left
  38: 'backupForbidden',
  102: 'deviceNeedsRestart', // a restore without a restart came before
  104: 'uploadFailed',
  106: 'deviceDiskFull',
  202: 'cancelledOnDevice',
  203: 'versionNotCompatible',
  207: 'wrongPassword',
  208: 'passcodeNotEntered',
  211: 'findMyOn',
  212: 'setupNotFinished',
};

/** The files on this computer are not what the device can work with. */
const UNREADABLE = [4, 11, 103, 205];
/** Numbers behind which a failure of this computer may stand, which says more than they do. */
const MAYBE_LOCAL = [1, 4, 11, 100, 103, 104, 105, 205];

/** What a final Response means; undefined for success. `facts` tell what went wrong on this computer meanwhile. */
export function errorOfResponse(
  { errorCode, description }: FinalResponse,
  kind: RequestKind,
  facts?: LoopFacts,
): AppError | undefined {
  if (errorCode === 0) return undefined;
  const details: ErrorDetails = { number: errorCode, description: description.slice(0, MAX_DESCRIPTION_LENGTH) };
  const message = `the device ended with ErrorCode ${errorCode}: ${details['description']}`;
  if (facts?.localError !== undefined && MAYBE_LOCAL.includes(errorCode)) {
    return errorOfThisComputer(facts.localError, kind, details, message);
  }
  const code = codeOf(errorCode, description, kind);
  return new AppError(code, message, { details: { ...details, ...sizes(code, description, facts) } });
}

function codeOf(number: number, description: string, kind: RequestKind): ErrorCode {
  // MBErrorDomain has no number of its own for it everywhere; its text has been the same for years.
  if (/cancell?ed by (the )?user/i.test(description)) return 'cancelledOnDevice';
  const known = codeOfNumber(number, kind);
  if (known) return known;
  // 1 only says that something failed; the cause stands in the text, the innermost last.
  const underlying = [...description.matchAll(/MBErrorDomain\/(\d+)/g)].map((match) => Number(match[1])).reverse();
  for (const cause of underlying) {
    const code = codeOfNumber(cause, kind);
    if (code) return code;
  }
  return 'deviceReportedError';
}

function codeOfNumber(number: number, kind: RequestKind): ErrorCode | undefined {
  if (number === 22) return kind === 'changePassword' ? 'encryptionForbidden' : 'backupForbidden';
  if (number === 105) return kind === 'restore' ? 'deviceDiskFull' : 'hostDiskFull';
  if (UNREADABLE.includes(number)) return kind === 'restore' ? 'backupDamaged' : 'previousBackupUnreadable';
  return CODES[number];
}

function errorOfThisComputer(error: unknown, kind: RequestKind, details: ErrorDetails, message: string): AppError {
  if (isAppError(error)) {
    return new AppError(error.code, `${error.message}; ${message}`, {
      cause: error,
      details: { ...details, ...error.details },
    });
  }
  return new AppError(localCode(error, kind), message, { cause: error, details });
}

function localCode(error: unknown, kind: RequestKind): ErrorCode {
  if (isDiskFull(error)) return 'hostDiskFull';
  switch ((error as NodeJS.ErrnoException | undefined)?.code) {
    case 'EACCES':
    case 'EPERM':
      return 'noPermission';
    case 'EROFS':
      return 'folderNotWritable';
    case 'EFBIG':
      return 'fileTooLarge';
    case 'ENAMETOOLONG':
      return 'nameNotPossible';
    case 'EIO':
      return 'diskError';
    default:
      return kind === 'restore' ? 'backupDamaged' : 'uploadFailed';
  }
}

/** `freeBytes` and `neededBytes` of the disk that is too small, as far as they are known. */
function sizes(code: ErrorCode, description: string, facts: LoopFacts | undefined): ErrorDetails {
  if (code !== 'hostDiskFull' && code !== 'deviceDiskFull') return {};
  const told = /\((\d+) < (\d+)\)/.exec(description);
  if (told) return { freeBytes: Number(told[1]), neededBytes: Number(told[2]) };
  if (code === 'deviceDiskFull' || facts?.freeBytes === undefined) return {};
  const { freeBytes, purgeBytes } = facts;
  return { freeBytes, ...(purgeBytes === undefined ? {} : { neededBytes: freeBytes + purgeBytes }) };
}
