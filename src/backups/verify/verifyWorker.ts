import { parentPort, workerData } from 'node:worker_threads';
import { toErrorData } from '../../base/errors';
import { verifyBackup } from './verifyBackup';
import type { FromWorker, ToWorker, WorkerTask } from './verifyInWorker';

/** How often the other side hears of the progress, at most. */
const REPORT_MS = 100;

/** The entry of dist/verify.js: one check on a thread of its own. */
async function main(task: WorkerTask): Promise<void> {
  const abort = new AbortController();
  const send = (message: FromWorker) => parentPort?.postMessage(message);
  parentPort?.on('message', (message: ToWorker) => {
    if (message === 'cancel') abort.abort();
  });
  let told = -Infinity;
  try {
    const report = await verifyBackup({
      ...task,
      signal: abort.signal,
      onProgress: (progress) => {
        if (performance.now() - told < REPORT_MS) return;
        told = performance.now();
        send({ kind: 'progress', progress });
      },
    });
    send({ kind: 'done', report });
  } catch (error) {
    send({ kind: 'failed', error: toErrorData(error) });
  } finally {
    parentPort?.close();
  }
}

void main(workerData as WorkerTask);
