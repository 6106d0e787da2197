import { UDID_OPTION, type Command } from '../command';
import { findJob } from '../findJob';
import { waitForState } from '../waitForState';

/** A device may take seconds to be let go cleanly. */
const END_MS = 30_000;

export const cancel: Command = {
  summary: 'cancel a running job, whoever started it',
  options: { udid: UDID_OPTION },
  async run({ engine, option, output, signal }) {
    const client = await engine();
    const job = findJob(client.state, option('udid'));
    await client.call('cancelJob', { jobId: job.id }, { signal });
    const over = await waitForState(
      client,
      ({ jobs }) => jobs.find(({ id }) => id === job.id)?.outcome !== undefined,
      END_MS,
      signal,
    );
    output.done({ job: job.id, ended: over }, over ? 'Cancelled.' : 'Asked to cancel.');
  },
};
