import fs from 'node:fs';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { AppError, cancelled, type ErrorData, fromErrorData } from '../../base/errors';
import { throwIfAborted } from '../../base/abort';
import type { VerifyReport } from '../types';
import { verifyBackup, type VerifyBackupRequest } from './verifyBackup';

export type WorkerTask = Omit<VerifyBackupRequest, 'signal' | 'onProgress'>;
export type ToWorker = 'cancel';
export type FromWorker =
  | { readonly kind: 'progress'; readonly progress: Parameters<NonNullable<VerifyBackupRequest['onProgress']>>[0] }
  | { readonly kind: 'done'; readonly report: VerifyReport }
  | { readonly kind: 'failed'; readonly error: ErrorData };

/** A check that does not come to its end in this time after it was cancelled is in the middle of a large database. */
const PATIENCE_MS = 2000;

/**
 * verifyBackup() on a thread of its own: hashing, and SQLite's check of a database of gigabytes, hold up nobody else.
 * Without the thread's program beside this one (as in tests from source) it runs here, in small steps.
 * @throws as verifyBackup()
 */
export async function verifyInWorker(request: VerifyBackupRequest): Promise<VerifyReport> {
  const { signal, onProgress, ...task } = request;
  throwIfAborted(signal);
  const program = path.join(__dirname, 'verify.js');
  if (!fs.existsSync(program)) return verifyBackup(request);
  const worker = new Worker(program, { workerData: task satisfies WorkerTask });
  let timer: NodeJS.Timeout | undefined;
  let onAbort = () => {};
  try {
    return await new Promise<VerifyReport>((resolve, reject) => {
      onAbort = () => {
        worker.postMessage('cancel' satisfies ToWorker);
        timer = setTimeout(() => reject(cancelled()), PATIENCE_MS);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      worker.on('message', (message: FromWorker) => {
        if (message.kind === 'progress') onProgress?.(message.progress);
        else if (message.kind === 'done') resolve(message.report);
        else reject(fromErrorData(message.error));
      });
      worker.on('error', reject);
      worker.on('exit', (code) => reject(new AppError('unexpected', `the check ended with ${code}`)));
    });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    await worker.terminate();
  }
}
