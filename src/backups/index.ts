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
export { quickVerify, type QuickVerifyOptions, type QuickVerifyResult } from './verify/quickVerify';

export { deriveKey } from './format/deriveKey';
export { parseKeybag, unlockKeybag, type UnlockedKeybag } from './format/keybag';
export { openManifest, type Manifest, type ManifestEntry, type ManifestName } from './format/manifest';
export { readManifestPlist, readPlistFile, type ManifestPlist } from './format/manifestPlist';
export type { BackupFile } from './format/backupFile';
export type { ByteSource } from './format/byteSource';

export { OpenedBackup, type OpenedEntry } from './reader/openedBackup';
export {
  extract,
  type ExtractFailure,
  type ExtractOptions,
  type ExtractReport,
  type Selection,
} from './reader/extract';
export { compare, type CompareOptions, type Difference } from './reader/compare';
export { searchNames, type NameMatch } from './reader/searchNames';
