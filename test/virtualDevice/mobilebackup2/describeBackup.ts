import { fileIdOf } from '../content/fileId';
import type { PlistDict } from '../../../src/plist';
import { decryptManifestDatabase, parseManifestPlist, parseStatusPlist } from './backupPlists';
import { decodeFileRecord } from './fileRecord';
import { HostFolder } from './hostFolder';
import { readManifestRows } from './manifestDatabase';
import { refusal, type Session } from './session';

/**
 * Answers `Info`: what the plists of a finished backup in the host's folder say. A device before iOS 10 answers so; later
 * ones look for the index of that time and find none (BackupBehaviour.describesBackups).
 * @throws Refusal 205 when the backup is missing, unfinished or unusable; HostFault, HostLeft
 */
export async function backupInfo(session: Session, request: PlistDict): Promise<string> {
  const folder = HostFolder.of(request, session.device.udid, 'optional');
  const { status, manifest } = await readPlists(session, folder);
  return [
    `Device Name: ${manifest.deviceName ?? ''}`,
    `Product Version: ${manifest.productVersion}`,
    `Unique Identifier: ${manifest.udid}`,
    `Backup: ${status.uuid}`,
    `Encrypted: ${manifest.encrypted ? 'Yes' : 'No'}`,
    '',
  ].join('\n');
}

/**
 * Answers `List`: `domain,path,length` of every file in the index, after a look at whether its content lies in the host's
 * folder. As backupInfo(), and from the index of today.
 * @throws Refusal 207 for an encrypted index, which no password comes for; 205 as backupInfo()
 */
export async function backupList(session: Session, request: PlistDict): Promise<string> {
  const { device, files } = session;
  const folder = HostFolder.of(request, device.udid, 'optional');
  const { manifest } = await readPlists(session, folder);
  if (manifest.encrypted) throw refusal(207);
  const stored = await files.downloadWhole(folder.manifestDatabase);
  if (!stored) throw refusal(205, 'Error reading backup database');
  const lines = ['Domain,Path,Length'];
  const shards = new Map<string, Awaited<ReturnType<typeof files.list>>>();
  for (const row of readManifestRows(decryptManifestDatabase(stored, manifest, new Map()))) {
    if (!(row.flags & 1)) continue;
    const { size } = decodeFileRecord(row.file);
    const shard = row.fileId.slice(0, 2);
    const listed = shards.get(shard) ?? (await files.list(`${folder.name}/${shard}`));
    shards.set(shard, listed);
    const content = listed.get(row.fileId);
    if (content?.size !== size || fileIdOf(row.domain, row.relativePath) !== row.fileId) {
      device.log(`${row.domain}-${row.relativePath} has ${content?.size ?? 'no'} bytes instead of ${size}`);
      throw refusal(205, 'Manifest references files not in backup');
    }
    lines.push([row.domain, row.relativePath, String(size)].map(quoted).join(','));
  }
  return `${lines.join('\n')}\n`;
}

async function readPlists({ device, files }: Session, folder: HostFolder) {
  const [status, manifest] = [
    await files.downloadWhole(folder.status),
    await files.downloadWhole(folder.manifestPlist),
  ];
  try {
    if (!status || !manifest) throw new Error('it has no Status.plist or no Manifest.plist');
    const parsed = { status: parseStatusPlist(status), manifest: parseManifestPlist(manifest) };
    if (parsed.status.snapshotState !== 'finished') throw new Error(`it is ${parsed.status.snapshotState}`);
    return parsed;
  } catch (error) {
    device.log(`${folder.name} is unusable: ${String(error)}`);
    throw refusal(205);
  }
}

function quoted(field: string): string {
  return /[",\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
