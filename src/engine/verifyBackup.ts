import { AppError } from '../base/errors';
import { OpenedBackup, quickVerify, readManifestPlist, type VerifyReport } from '../backups';
import type { VerifyRequest } from './ports';

/** @throws AppError `notABackup`, `wrongPassword`, `keybagDamaged`, `noPermission`, `cancelled` … */
export async function verifyBackup({ path, level, password, report, signal }: VerifyRequest): Promise<VerifyReport> {
  if (level === 'full') throw new AppError('notAllowed', 'the full check is not there yet');
  const startedAt = new Date().toISOString();
  const opened = password === undefined ? undefined : await unlock(path, password, signal);
  try {
    const keybag = opened?.keybag;
    const onProgress = (done: number, total: number) =>
      report({ files: done, ...(total > 0 && { fraction: done / total }) });
    const result = await quickVerify(path, { signal, onProgress, ...(keybag && { keybag }) });
    const { files, bytes, findings, notChecked } = result;
    return { path, level, startedAt, endedAt: new Date().toISOString(), files, bytes, findings, notChecked };
  } finally {
    opened?.close();
  }
}

async function unlock(folder: string, password: string, signal: AbortSignal): Promise<OpenedBackup | undefined> {
  if (!(await readManifestPlist(folder)).encrypted) return undefined;
  const opened = await OpenedBackup.open(folder);
  try {
    await opened.unlock(password, signal);
    return opened;
  } catch (error) {
    opened.close();
    throw error;
  }
}
