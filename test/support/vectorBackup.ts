import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { hex, vectors } from './backupVectors';

/** The password of the published backup. */
export const vectorPassword = 'test1234';

/** Writes the published small encrypted backup into a fresh folder below the system's temporary one. */
export function writeVectorBackup(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vector-backup-'));
  for (const name of ['Info', 'Manifest', 'Status'] as const) {
    fs.writeFileSync(path.join(folder, `${name}.plist`), Buffer.from(vectors.plists[`${name}.plist base64`], 'base64'));
  }
  fs.writeFileSync(path.join(folder, 'Manifest.db'), Buffer.from(vectors.manifestDb.storedBase64, 'base64'));
  for (const { fileID, stored } of vectors.files) {
    fs.mkdirSync(path.join(folder, fileID.slice(0, 2)), { recursive: true });
    fs.writeFileSync(path.join(folder, fileID.slice(0, 2), fileID), hex(stored));
  }
  return folder;
}
