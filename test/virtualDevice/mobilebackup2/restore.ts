import type { PlistDict } from '../../../src/plist';
import { refusal, type Session } from './session';

/** @returns whether the device restarts afterwards. */
export function restore(_session: Session, _request: PlistDict): Promise<boolean> {
  return Promise.reject(refusal(1));
}
