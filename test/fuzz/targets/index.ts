import type { FuzzTarget } from '../fuzz';
import { backupTargets } from './backups';
import { deviceTargets } from './device';
import { messageTargets } from './messages';
import { propertyListTargets } from './propertyLists';

/** Everything that reads what others wrote. */
export const fuzzTargets: readonly FuzzTarget[] = [
  ...propertyListTargets,
  ...deviceTargets,
  ...backupTargets,
  ...messageTargets,
];
