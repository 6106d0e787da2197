/** Everything about backups on disk: the door of this folder. */
export type * from './types';

export type { FileSystem } from './store/fileSystem';
export { nodeFileSystem } from './store/nodeFileSystem';
export { openStaging, type StagedBackup, type Staging, type StagingOptions } from './store/staging';
export type { Committed } from './store/commit';
export { recover, type RecoverOptions } from './store/recover';
export { walkFiles, type BackupTree, type TreeEntry, type TreeFile } from './store/backupTree';
export { findSidecar, type FoundSidecar } from './store/findSidecar';
export { readSidecar, type SidecarEntry, type SidecarMeta } from './store/sidecar';
export { isUdid } from './store/pathInside';
export { openReadOnlyBackup, type ReadOnlyBackupOptions } from './store/readOnlyBackup';
export { openRestoreStore, type RestoreStore, type RestoreStoreOptions } from './store/restoreStore';
export { deleteBackup, type DeleteOptions } from './store/deleteBackup';
export { archiveBackup, type CopyOptions } from './store/archiveBackup';
export { availableSpace } from './store/availableSpace';
export { moveBackup } from './store/moveBackup';
export { labelBackup } from './store/labels';
export {
  planRetention,
  type RetentionPlan,
  type RetentionPolicy,
  type RetentionRule,
  type RetentionVersion,
} from './store/retention';
export {
  applyRetention,
  previewRetention,
  type ApplyRetentionOptions,
  type RetentionOptions,
} from './store/applyRetention';

export { listBackups, type CatalogueFolder, type ListOptions } from './catalogue/listBackups';
export { measureBackup, type BackupSize } from './catalogue/measureBackup';
export { systemFolders, type SystemFolderSources } from './catalogue/systemFolders';
export { watchBackups, type BackupsWatch, type WatchOptions } from './catalogue/watchBackups';
export { decryptSample } from './verify/decryptSample';
export { quickVerify, type QuickVerifyOptions, type QuickVerifyResult } from './verify/quickVerify';
export { verifyBackup, type VerifyBackupRequest } from './verify/verifyBackup';
export { verifyInWorker } from './verify/verifyInWorker';
export { readReport } from './verify/savedReports';
export { repairBackup, type RepairRequest, type RepairResult } from './verify/repairBackup';

export { deriveKey } from './format/deriveKey';
export { parseKeybag, unlockKeybag, type UnlockedKeybag } from './format/keybag';
export type { Manifest, ManifestEntry, ManifestName } from './format/manifest';
export { openManifest } from './format/openManifest';
export { readManifestPlist, readPlistFile, type ManifestPlist } from './format/manifestPlist';
export type { BackupFile } from './format/backupFile';
export type { ByteSource } from './format/byteSource';

export { OpenedBackup, type OpenedEntry } from './reader/openedBackup';
export {
  extract,
  extractAll,
  type ExtractFailure,
  type ExtractOptions,
  type ExtractReport,
  type Selection,
} from './reader/extract';
export { type ExtractKind, kindSelections, photoDates } from './reader/extractKinds';
export { countPhotos, type PhotoCount } from './reader/photoLibrary';
export { domainSizes, type DomainSize, type DomainSizesOptions } from './reader/domainSizes';
export { compare, type CompareOptions, type Difference } from './reader/compare';
export { searchNames, type NameMatch } from './reader/searchNames';
export {
  searchContents,
  type ContentMatch,
  type SearchContentsOptions,
  type SearchProgress,
  type SearchScope,
} from './reader/searchContents';
export type { BackupPaths, PathTarget } from './reader/backupPaths';
export { readableText, readBytes } from './reader/readableText';
export { plistText } from './reader/plistText';
export { DatabaseReader } from './reader/databaseReader';
export type { CellContent, RowsPage, RowsQuery, TableInfo } from './reader/databaseTypes';
