import { isAppError } from '../../base/errors';
import { diagnosticsText } from '../../texts/diagnostics';
import type { Command } from '../command';
import { knownDevices } from '../findDevice';

export const diagnostics: Command = {
  summary: 'print what helps others to help',
  help: ['Versions, models, states, codes and numbers: no name of a person, device, file or folder.'],
  async run({ engine, output, signal }) {
    const client = await engine();
    // Without a service there is something to tell all the more.
    await knownDevices(client, signal).catch((error: unknown) => {
      if (!isAppError(error) || error.code === 'cancelled') throw error;
    });
    const diagnosis = await client.call('diagnose', {}, { signal });
    const text = diagnosticsText({ program: `${client.info.version}, command line`, diagnosis, state: client.state });
    output.done({ lines: text.trimEnd().split('\n') }, text.trimEnd());
  },
};
