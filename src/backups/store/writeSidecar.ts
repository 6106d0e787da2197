import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { walkFiles, type BackupTree, type TreeFile } from './backupTree';
import { copyPlainly, hashFile } from './contents';
import type { FileSystem } from './fileSystem';
import { makeDirectories } from './folders';
import type { HashIndex } from './hashIndex';
import { openLineWriter } from './lines';
import { PreviousHashes } from './previousHashes';
import { SIDECAR_COPIES, sumsLine, type BackupPrints, type SidecarMeta } from './sidecar';
import { replaceSmallFile } from './smallFiles';

export interface SidecarSources {
  readonly fileSystem: FileSystem;
  readonly tree: BackupTree;
  readonly udid: string;
  /** The backup folder's name once it is finished. */
  readonly name: string;
  /** Hashes noted while the files were written. */
  readonly written?: HashIndex;
  /** Folder of the sidecar of the backup before: unchanged files keep their hash. */
  readonly previous?: string;
  readonly signal?: AbortSignal;
  /** Files so far, now and then. */
  readonly onProgress?: (files: number) => void;
}

/** Writes a sidecar into the new folder `sidecar`. Files whose hash nobody noted are read. */
export async function writeSidecar(sidecar: string, sources: SidecarSources): Promise<SidecarMeta> {
  const { fileSystem, udid, name, signal } = sources;
  await makeDirectories(fileSystem, sidecar);
  const top = new Map<string, HashedFile>();
  const { files, bytes } = await writeLists(sidecar, sources, top);
  for (const copy of SIDECAR_COPIES) {
    const found = top.get(copy);
    if (found) await copyPlainly(fileSystem, found.source.path, path.join(sidecar, copy), signal);
  }
  const meta: SidecarMeta = {
    version: 1,
    id: newSidecarId(),
    udid,
    name,
    createdAt: new Date().toISOString(),
    prints: printsOf(top),
    files,
    bytes,
  };
  await replaceSmallFile(fileSystem, path.join(sidecar, 'meta.json'), JSON.stringify(meta, undefined, 1));
  return meta;
}

interface HashedFile {
  readonly source: TreeFile;
  readonly sha256: string;
}

/** @param top Filled with the files that lie in no folder. Whatever fails, no list stays open. */
async function writeLists(
  sidecar: string,
  { fileSystem, tree, written, previous: earlier, signal, onProgress }: SidecarSources,
  top: Map<string, HashedFile>,
): Promise<{ readonly files: number; readonly bytes: number }> {
  const previous = new PreviousHashes(fileSystem, earlier);
  let files = 0;
  let bytes = 0;
  try {
    const sums = await openLineWriter(fileSystem, path.join(sidecar, 'files.sha256'));
    try {
      const stats = await openLineWriter(fileSystem, path.join(sidecar, 'files.stat'));
      try {
        for await (const folder of walkFiles(tree, signal)) {
          for (const source of folder) {
            const { file, stat } = source;
            const noted = written?.find(source.name, stat)?.toString('hex');
            const sha256 = noted ?? (await previous.find(source)) ?? (await hashFile(fileSystem, source.path, signal));
            await sums.write(sumsLine(file, sha256));
            await stats.write(`${stat.sizeBytes} ${stat.modifiedMs} ${stat.inode}`);
            files++;
            bytes += stat.sizeBytes;
            if (!file.includes('/')) top.set(file, { source, sha256 });
          }
          onProgress?.(files);
        }
      } finally {
        await stats.close();
      }
    } finally {
      await sums.close();
    }
  } finally {
    await previous.close();
  }
  return { files, bytes };
}

function newSidecarId(): string {
  return `${new Date().toISOString().replace(/[-:]|\..*/g, '')}-${randomBytes(4).toString('hex')}`;
}

function printsOf(top: ReadonlyMap<string, HashedFile>): BackupPrints {
  const [status, manifest] = [top.get('Status.plist')?.sha256, top.get('Manifest.plist')?.sha256];
  const stat = (top.get('Manifest.db') ?? top.get('Manifest.mbdb'))?.source;
  return {
    ...(status && { status }),
    ...(manifest && { manifest }),
    ...(stat && {
      database: {
        file: stat.file,
        size: stat.stat.sizeBytes,
        modifiedMs: stat.stat.modifiedMs,
        inode: stat.stat.inode,
      },
    }),
  };
}
