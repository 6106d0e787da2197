import type { EngineClient } from '../engine/client';
import type { Job, JobKind } from '../engine/protocol';
import type { Output } from './output';

/** Shows the job that this process has started, while `work` runs. */
export async function withProgress<T>(
  client: EngineClient,
  kind: JobKind,
  output: Output,
  work: () => Promise<T>,
): Promise<T> {
  const mine = (job: Job) => job.kind === kind && job.owner.pid === process.pid && !job.outcome;
  return showing(client, mine, output, work);
}

/** Shows a job that anybody has started, while `work` runs. */
export async function showing<T>(
  client: EngineClient,
  wanted: (job: Job) => boolean,
  output: Output,
  work: () => Promise<T>,
): Promise<T> {
  const show = () => {
    const job = client.state.jobs.find(wanted);
    if (job) output.progress(job);
  };
  const subscription = client.onState(show);
  show();
  try {
    return await work();
  } finally {
    subscription.dispose();
  }
}
