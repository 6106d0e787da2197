import type { BackupSummary, FolderState } from '../../backups/types';
import type { DeviceInfo } from '../../device/types';
import type { Job } from '../../engine/protocol';

/** What the two trees are made of. Data only: drawing is treeItem(). */
export type TreeNode = DeviceNode | BackedUpDeviceNode | BackupNode | FolderNode;

export interface DeviceNode {
  readonly kind: 'device';
  readonly device: DeviceInfo;
  /** The job that runs on it. */
  readonly job?: Job;
}

/** All backups of one device; newest first. */
export interface BackedUpDeviceNode {
  readonly kind: 'backedUpDevice';
  readonly key: string;
  readonly name: string;
  readonly backups: readonly BackupSummary[];
}

export interface BackupNode {
  readonly kind: 'backup';
  readonly backup: BackupSummary;
}

/** A folder whose backups cannot be listed now: offline, no permission, unreadable. */
export interface FolderNode {
  readonly kind: 'folder';
  readonly folder: FolderState;
}
