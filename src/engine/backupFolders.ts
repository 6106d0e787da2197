import os from 'node:os';
import path from 'node:path';
import { AppError, isCancellation, toErrorData } from '../base/errors';
import type { Log } from '../base/log';
import {
  applyRetention,
  archiveBackup,
  availableSpace,
  deleteBackup,
  labelBackup,
  listBackups,
  measureBackup,
  moveBackup,
  nodeFileSystem,
  openReadOnlyBackup,
  previewRetention,
  readReport,
  recover,
  repairBackup,
  systemFolders,
  verifyInWorker,
  watchBackups,
  type BackupSummary,
  type CatalogueFolder,
  type CatalogueState,
  type RepairResult,
  type RetentionPlan,
  type RetentionPolicy,
  type VerifyReport,
} from '../backups';
import type {
  ApplyRetentionRequest,
  BackupsPort,
  CatalogueWatch,
  CopyRequest,
  DeleteRequest,
  RestoreSource,
  Staging,
  StagingRequest,
  VerifyRequest,
} from './ports';
import { openStagedBackup } from './stagedBackups';

/** Sizes are read when nothing else is to do: a phone's backup has hundreds of thousands of files. */
const MEASURE_AFTER_MS = 3000;

/** The backups in folders of this computer. */
export class BackupFolders implements BackupsPort {
  readonly #log: Log;
  readonly #system: readonly string[];
  readonly #state: string;
  /** Stagings that are open. */
  #writing = 0;

  /** @param stateDirectory Of the engine: reports of checks are kept there. */
  constructor(log: Log, stateDirectory: string) {
    this.#log = log;
    this.#state = stateDirectory;
    this.#system = systemFolders({ platform: process.platform, home: os.homedir(), environment: process.env });
  }

  watch(folders: readonly string[], changed: (state: CatalogueState) => void): CatalogueWatch {
    // What Finder and its like keep is shown too; where there is none, nothing is.
    const all = [...new Set([...folders, ...this.#system])];
    const watch = watchBackups(
      all.map((folder) => this.#catalogueFolder(folder)),
      changed,
      { log: this.#log },
    );
    let timer: NodeJS.Timeout | undefined;
    const measureSoon = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        if (this.#writing > 0) return measureSoon();
        watch.measure().catch((error: unknown) => {
          if (!isCancellation(error)) this.#log.warn(`sizes: ${toErrorData(error).message}`);
        });
      }, MEASURE_AFTER_MS).unref();
    };
    measureSoon();
    return {
      rescan: () => {
        measureSoon();
        return watch.rescan();
      },
      dispose: () => {
        clearTimeout(timer);
        watch.dispose();
      },
    };
  }

  async describe(folder: string, signal: AbortSignal): Promise<BackupSummary> {
    // A folder may be a backup itself; its own name for itself is known to the folder around it.
    const root = path.dirname(folder);
    const around = await listBackups([this.#catalogueFolder(root)], { signal });
    const found = around.backups.find((backup) => backup.path === folder);
    if (found) return found;
    const [state] = around.folders;
    if (state?.state === 'noPermission') {
      throw new AppError('noPermission', `${root} may not be read`, { details: { path: root } });
    }
    throw new AppError('notABackup', `${folder} is not a backup`, { details: { path: folder } });
  }

  async sizeOf(folder: string, signal: AbortSignal): Promise<number> {
    return (await measureBackup(folder, { signal })).bytes;
  }

  recover(folder: string, signal: AbortSignal): Promise<void> {
    return recover(folder, this.#log, { signal });
  }

  async freeSpace(folder: string): Promise<number | undefined> {
    // The folder of the first backup is not there yet: it will lie on the disk of the nearest one that is.
    for (let place = folder; ; place = path.dirname(place)) {
      try {
        return await availableSpace(nodeFileSystem(), place);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || place === path.dirname(place)) return undefined;
      }
    }
  }

  async openStaging(request: StagingRequest): Promise<Staging> {
    this.#writing += 1;
    let open = true;
    const closed = () => {
      if (open) this.#writing -= 1;
      open = false;
    };
    try {
      // The backup is in its place then: a cancellation comes too late, and must not make it look cancelled.
      const describe = (folder: string) => this.describe(folder, new AbortController().signal);
      const staging = await openStagedBackup(request, { log: this.#log, describe });
      return { ...staging, close: () => staging.close().finally(closed) };
    } catch (error) {
      closed();
      throw error;
    }
  }

  verify(request: VerifyRequest): Promise<VerifyReport> {
    const { report, ...rest } = request;
    return verifyInWorker({ ...rest, stateFolder: this.#state, onProgress: report });
  }

  async repair(folder: string, request: CopyRequest): Promise<RepairResult> {
    const report = readReport(this.#state, folder);
    if (!report) throw new AppError('notAllowed', `${folder} was not checked`);
    return repairBackup({ report, ...this.#copyOptions(request) });
  }

  delete(folder: string, { evenIfOnly, signal }: DeleteRequest): Promise<void> {
    return deleteBackup(folder, { evenIfOnly, signal, log: this.#log });
  }

  async archive(folder: string, request: CopyRequest): Promise<BackupSummary> {
    return this.describe(await archiveBackup(folder, this.#copyOptions(request)), request.signal);
  }

  label(folder: string, label: string): Promise<void> {
    return labelBackup(folder, label);
  }

  async move(folder: string, toFolder: string, request: CopyRequest): Promise<BackupSummary> {
    return this.describe(await moveBackup(folder, toFolder, this.#copyOptions(request)), request.signal);
  }

  previewRetention(folder: string, udid: string, policy: RetentionPolicy, signal: AbortSignal): Promise<RetentionPlan> {
    return previewRetention(folder, udid, policy, { signal, log: this.#log });
  }

  applyRetention(
    folder: string,
    udid: string,
    policy: RetentionPolicy,
    request: ApplyRetentionRequest,
  ): Promise<readonly string[]> {
    return applyRetention(folder, udid, policy, { ...request, log: this.#log });
  }

  async openSource(folder: string, udid: string): Promise<RestoreSource> {
    return { store: await openReadOnlyBackup({ path: folder, udid }), close: () => Promise.resolve() };
  }

  #catalogueFolder(folder: string): CatalogueFolder {
    return { path: folder, kind: this.#system.includes(folder) ? 'system' : 'own' };
  }

  #copyOptions({ report, signal }: CopyRequest) {
    return { signal, log: this.#log, onProgress: (files: number) => report({ files }) };
  }
}
