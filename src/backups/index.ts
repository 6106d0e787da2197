/** Everything about backups on disk: the door of this folder. */
export type * from './types';

export type { FileSystem } from './store/fileSystem';
export { nodeFileSystem } from './store/nodeFileSystem';
export { openStaging, type CommitOptions, type StagedBackup, type Staging, type StagingOptions } from './store/staging';
export type { Committed } from './store/commit';
export { recover, type RecoverOptions } from './store/recover';
export { walkFiles, type BackupTree, type TreeEntry, type TreeFile } from './store/backupTree';
export { findSidecar, type FoundSidecar } from './store/findSidecar';
export { readSidecar, type SidecarEntry, type SidecarMeta } from './store/sidecar';
