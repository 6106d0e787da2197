import type { FaultKind } from './faultKind';
import { killEncrypted, killFull, killIncremental } from './kinds/killBackup';
import { hugeFile } from './kinds/hugeFile';
import { manyIncrementals } from './kinds/manyIncrementals';
import { slow } from './kinds/slow';
import { staleLocks } from './kinds/staleLocks';
import { manyStarts } from './kinds/starts';
import { killArchive, killDelete, killRetention } from './kinds/killChores';
import { killExtract } from './kinds/killExtract';
import { killPassword } from './kinds/killPassword';
import { diskErrors } from './kinds/diskErrors';
import { engineDiskErrors } from './kinds/engineDiskErrors';
import { fullDisk } from './kinds/fullDisk';
import { restoreFaults } from './kinds/restore';
import { withoutLinks } from './kinds/withoutLinks';
import { unplugFaults } from './kinds/unplug';

/** In the order of the scoreboard. */
export const faults: readonly FaultKind[] = [
  killIncremental,
  killFull,
  killEncrypted,
  killPassword,
  killArchive,
  killDelete,
  killRetention,
  killExtract,
  ...withoutLinks,
  ...unplugFaults,
  diskErrors,
  engineDiskErrors,
  fullDisk,
  ...restoreFaults,
  manyStarts,
  staleLocks,
  ...slow,
  manyIncrementals,
  hugeFile,
];
