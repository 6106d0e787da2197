import { isAppError } from '../../base/errors';

/** What a DLMessageStatusResponse says of a failed file operation. */
export interface FileFailure {
  readonly code: number;
  readonly text: string;
}

export const GENERIC_FAILURE = -1;
/** Several results: the value has one entry for each file that failed. */
export const MULTI_STATUS = -13;

export const NOT_SUPPORTED: FileFailure = { code: GENERIC_FAILURE, text: 'Operation not supported' };

/** The device's numbers for the few system errors that it knows; texts are those of strerror(3). */
const FAILURES: Readonly<Record<string, FileFailure>> = {
  ENOENT: { code: -6, text: 'No such file or directory' },
  EEXIST: { code: -7, text: 'File exists' },
  ENOTDIR: { code: -8, text: 'Not a directory' },
  EISDIR: { code: -9, text: 'Is a directory' },
  ELOOP: { code: -10, text: 'Too many levels of symbolic links' },
  EIO: { code: -11, text: 'Input/output error' },
  ENOSPC: { code: -15, text: 'No space left on device' },
  // A quota that is used up is a full disk to whoever must free space.
  EDQUOT: { code: -15, text: 'Disk quota exceeded' },
  EACCES: { code: GENERIC_FAILURE, text: 'Permission denied' },
  EPERM: { code: GENERIC_FAILURE, text: 'Operation not permitted' },
  EROFS: { code: GENERIC_FAILURE, text: 'Read-only file system' },
  ENAMETOOLONG: { code: GENERIC_FAILURE, text: 'File name too long' },
  EMFILE: { code: GENERIC_FAILURE, text: 'Too many open files' },
  ENFILE: { code: GENERIC_FAILURE, text: 'Too many open files in system' },
  EFBIG: { code: GENERIC_FAILURE, text: 'File too large' },
  ENOTEMPTY: { code: GENERIC_FAILURE, text: 'Directory not empty' },
  EBUSY: { code: GENERIC_FAILURE, text: 'Resource busy' },
};

/** Turns what a BackupStore threw into the device's number. The text names no path of this computer. */
export function fileFailure(error: unknown): FileFailure {
  if (isAppError(error, 'hostDiskFull')) return FAILURES['ENOSPC']!;
  if (isAppError(error, 'folderMissing')) return FAILURES['ENOENT']!;
  if (isAppError(error, 'unsafePath')) return { code: GENERIC_FAILURE, text: 'Path not allowed' };
  if (isAppError(error, 'nameNotPossible')) return { code: GENERIC_FAILURE, text: 'File name not possible' };
  if (isAppError(error, 'fileTooLarge')) return FAILURES['EFBIG']!;
  // A store may wrap the system's error to say which disk it was.
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth++) {
    const code = (cause as NodeJS.ErrnoException).code;
    const known = typeof code === 'string' ? FAILURES[code] : undefined;
    if (known) return known;
  }
  if (isAppError(error, 'notAllowed')) return NOT_SUPPORTED;
  return { code: GENERIC_FAILURE, text: isAppError(error) ? `Operation failed (${error.code})` : 'Operation failed' };
}

export function isDiskFull(error: unknown): boolean {
  return fileFailure(error).code === -15;
}
