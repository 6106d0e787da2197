import { parentPort, workerData } from 'node:worker_threads';
import { toErrorData } from '../../base/errors';
import { ContentWriter } from './contentWriter';
import { BatchRun, type WriteBatch } from './writer';
import type { FromWriter, WriterSetup } from './writerPool';

/** The entry of dist/extract.js: a thread that writes the batches that it is sent, and answers each with what became of it. */
function main({ places, stop, bytes }: WriterSetup): void {
  const writer = new ContentWriter(places);
  const send = (message: FromWriter) => parentPort?.postMessage(message);
  const isStopped = () => Atomics.load(stop, 0) !== 0;
  parentPort?.on('message', (batch: WriteBatch) => {
    const run = new BatchRun(batch);
    try {
      for (const count of run.write(writer)) {
        Atomics.add(bytes, 0, BigInt(count));
        if (isStopped()) break;
      }
      send(run.takeResults());
    } catch (error) {
      send({ ...run.takeResults(), fatal: toErrorData(error) });
    }
  });
}

main(workerData as WriterSetup);
