import { AppError, isAppError } from '../../base/errors';

/**
 * A device that goes away in the middle of a restore or of a change of its password means something else than in a
 * backup: the words depend on `details.job`.
 */
export function errorOfJob(job: 'restore' | 'encryption', error: unknown): unknown {
  if (!isAppError(error)) return error;
  const { code, message, details } = error;
  return new AppError(code, message, { cause: error, details: { ...details, job } });
}
