import { AppError } from '../base/errors';
import type { TrustState } from '../device';

/** Why nothing can be done with a device in this state of trust; undefined if all is well, or not yet known. */
export function trustError(udid: string, trust: TrustState): AppError | undefined {
  const fail = (code: AppError['code']) => new AppError(code, `device ${udid}: ${trust.kind}`, { details: { udid } });
  switch (trust.kind) {
    case 'trusted':
    case 'unknown':
      return undefined;
    case 'untrusted':
      return fail('notTrusted');
    case 'waitingForTrust':
      return fail('trustPending');
    case 'locked':
      return fail('deviceLocked');
    case 'denied':
      return fail('trustDenied');
    case 'forbidden':
      return fail('trustForbidden');
    case 'stale':
      return fail('trustStale');
    case 'wrongKey':
      return fail('wrongDeviceKey');
    case 'failed':
      return new AppError('trustFailed', `device ${udid}: ${trust.message}`, {
        details: { udid, ...(trust.finding && { finding: trust.finding }) },
      });
  }
}
