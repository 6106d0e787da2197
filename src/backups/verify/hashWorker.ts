import { parentPort } from 'node:worker_threads';
import { HASH_CHUNK, hashContent, type HashResult, type HashTask } from './hashContent';

/** How often the other side hears of the progress within a batch, at most. */
const REPORT_MS = 100;

export type FromHashWorker =
  | { readonly kind: 'read'; readonly bytes: number }
  | { readonly kind: 'done'; readonly results: readonly HashResult[] };

const buffer = Buffer.allocUnsafeSlow(HASH_CHUNK);

/** The entry of dist/hash.js: reads and hashes files, a batch at a time, until its thread is ended. */
parentPort?.on('message', (tasks: readonly HashTask[]) => {
  const send = (message: FromHashWorker) => parentPort?.postMessage(message);
  const results: HashResult[] = [];
  let bytes = 0;
  let told = performance.now();
  for (const task of tasks) {
    const steps = hashContent(task, buffer);
    let step = steps.next();
    for (; !step.done; step = steps.next()) {
      bytes += step.value;
      if (performance.now() - told < REPORT_MS) continue;
      send({ kind: 'read', bytes });
      told = performance.now();
      bytes = 0;
    }
    results.push(step.value);
  }
  send({ kind: 'read', bytes });
  send({ kind: 'done', results });
});
