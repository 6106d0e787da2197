import { AppError, isAppError, isCancellation, type ErrorCode, type ErrorDetails } from '../../base/errors';

/** Codes that a device's request may earn and that it knows by number: they stay system errors. */
const FOR_THE_DEVICE = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'EEXIST', 'ELOOP', 'ENOTEMPTY', 'EINVAL']);

const MEANING: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: 'hostDiskFull',
  EDQUOT: 'hostDiskFull',
  EROFS: 'folderNotWritable',
  EACCES: 'noPermission',
  EPERM: 'noPermission',
  ENAMETOOLONG: 'nameNotPossible',
  EILSEQ: 'nameNotPossible',
  EFBIG: 'fileTooLarge',
  ENODEV: 'folderOffline',
  ENXIO: 'folderOffline',
  ESTALE: 'folderOffline',
  ENOTCONN: 'folderOffline',
  EHOSTDOWN: 'folderOffline',
  EHOSTUNREACH: 'folderOffline',
  ETIMEDOUT: 'folderOffline',
  ESHUTDOWN: 'folderOffline',
};

/** What a failure of the disk means to a person. */
export interface DiskContext {
  /** What was being done, for the log: `write`, `rename` … */
  readonly doing: string;
  readonly path: string;
  /** Where permission is missing, a folder that cannot be written is another matter than one that cannot be read. */
  readonly writing?: boolean;
  readonly details?: ErrorDetails;
}

/**
 * A disk's failure as an AppError; errors that have a number of their own on the device's side (`ENOENT`, `EISDIR` …),
 * AppErrors and cancellations come back as they are.
 */
export function diskError(error: unknown, { doing, path, writing, details }: DiskContext): Error {
  if (!(error instanceof Error) || isAppError(error) || isCancellation(error)) return asError(error);
  const code = systemCode(error);
  if (code === undefined || FOR_THE_DEVICE.has(code)) return error;
  // On macOS EPERM is privacy control (Full Disk Access), whatever the mode bits say.
  const refused = code === 'EACCES' || (code === 'EPERM' && process.platform !== 'darwin');
  const meaning = writing && refused ? 'folderNotWritable' : (MEANING[code] ?? 'diskError');
  return new AppError(meaning, `${doing} failed with ${code}`, { cause: error, details: { path, ...details } });
}

/** Like diskError, for work where a missing file is a failure like any other: nothing stays a system error. */
export function diskFailure(error: unknown, context: DiskContext): Error {
  const worded = diskError(error, context);
  const code = systemCode(worded);
  if (code === undefined) return worded;
  return new AppError('diskError', `${context.doing} failed with ${code}`, {
    cause: error,
    details: { path: context.path, ...context.details },
  });
}

/** The disk is not there (any more): nothing that it says of a file is about the file. */
export function isOffline(error: unknown): boolean {
  return MEANING[systemCode(error) ?? ''] === 'folderOffline';
}

/** `ENOENT` …; undefined for anything that is no system error. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || isAppError(error)) return undefined;
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

export function isMissing(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** An error like the system's own, for what we find out ourselves. */
export function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: '${path}'`), { code, path });
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new AppError('unexpected', String(error));
}
