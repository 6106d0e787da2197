import { AppError, fromErrorData } from '../../base/errors';
import { ExitCode, UDID_OPTION, type Command } from '../command';
import { findJob } from '../findJob';
import { showing } from '../withProgress';

export const follow: Command = {
  summary: 'show the progress of a running job, whoever started it',
  options: { udid: UDID_OPTION },
  help: ['Ends with the job, and with the same exit code. Ctrl-C ends the showing only.'],
  async run({ engine, option, output, signal }) {
    const client = await engine();
    const job = findJob(client.state, option('udid'));
    const ended = () =>
      new Promise<void>((resolve, reject) => {
        const look = () => {
          const now = client.state.jobs.find(({ id }) => id === job.id);
          if (!now || now.outcome) resolve();
        };
        client.onState(look);
        client.onClosed(reject);
        signal.addEventListener('abort', () => reject(new AppError('cancelled', 'no longer followed')), { once: true });
        look();
      });
    await showing(client, ({ id }) => id === job.id, output, ended);
    const outcome = client.state.jobs.find(({ id }) => id === job.id)?.outcome;
    if (outcome?.kind === 'failed') throw fromErrorData(outcome.error);
    if (outcome?.kind === 'cancelled') {
      output.failed({ code: 'cancelled', message: `cancelled by the ${outcome.by}`, details: { by: outcome.by } });
      return ExitCode.cancelled;
    }
    output.done({ job: job.id, ...(outcome?.backup && { backup: outcome.backup }) }, 'Done.');
    return ExitCode.done;
  },
};
