import { AppError, type ErrorCode } from '../../base/errors';

/** What lockdown's error names mean for a person. Names that are missing here are shown as they are. */
const codes: Readonly<Record<string, ErrorCode>> = {
  PasswordProtected: 'deviceLocked',
  DeviceLocked: 'deviceLocked',
  EscrowLocked: 'deviceNotUnlockedSinceStart',
  UserDeniedPairing: 'trustDenied',
  PairingDialogResponsePending: 'trustPending',
  InvalidHostID: 'trustStale',
  MissingHostID: 'trustStale',
  PairingProhibitedOverThisConnection: 'trustNeedsCable',
  MCProtected: 'trustForbidden',
  MCChallengeRequired: 'trustForbidden',
  InvalidPairRecord: 'trustFailed',
  MissingPairRecord: 'trustFailed',
  SavePairRecordFailed: 'trustFailed',
  FMiPProtected: 'findMyOn',
  GetProhibited: 'valueRefused',
  SetProhibited: 'valueRefused',
  RemoveProhibited: 'valueRefused',
  ImmutableValue: 'valueRefused',
  MissingValue: 'valueRefused',
  InvalidService: 'serviceUnavailable',
  MissingService: 'serviceUnavailable',
  ServiceLimit: 'serviceUnavailable',
  ServiceProhibited: 'serviceUnavailable',
};

/** The session is over, and a new one will do: the device closes it when nothing was asked for some ten seconds. */
const SESSION_OVER: ReadonlySet<string> = new Set([
  'SessionInactive',
  'InvalidSessionID',
  'MissingSessionID',
  'InvalidConnection',
]);

/** @param name What the device sent as `Error`. */
export function lockdownError(verb: string, name: string): AppError {
  return new AppError(codes[name] ?? 'deviceReportedError', `lockdown answered ${verb} with ${name}`, {
    details: { lockdownError: name, number: name, description: `lockdown ${verb}` },
  });
}

/** lockdown's own name of an error, if that is where it came from. */
export function lockdownErrorName(error: unknown): string | undefined {
  const name = error instanceof AppError ? error.details['lockdownError'] : undefined;
  return typeof name === 'string' ? name : undefined;
}

export function isSessionOver(error: unknown): boolean {
  return SESSION_OVER.has(lockdownErrorName(error) ?? '');
}
