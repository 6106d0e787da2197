import path from 'node:path';
import { AppError } from '../base/errors';
import { keepMemoryPrivate } from '../base/keepMemoryPrivate';
import { muxAddress } from '../device';
import { BackupFolders } from './backupFolders';
import { ConnectedDevices } from './connectedDevices';
import { engineDirectories } from './directories';
import { engineKey } from './endpoint';
import { Engine } from './engine';
import { engineBuild } from './engineBuild';
import { LogFile } from './logFile';
import { normalAddress } from './normalAddress';

const DEFAULT_IDLE_MS = 30_000;
/** After an error that nobody has caught: jobs end as far as they can. */
const CRASH_TIMEOUT_MS = 5000;

/** The entry of dist/engine.js: `engine.js [--mux=ADDRESS]`. Nothing secret is in its arguments or environment. */
async function main(): Promise<void> {
  keepMemoryPrivate();
  const { env, platform } = process;
  const setting = process.argv.find((argument) => argument.startsWith('--mux='))?.slice('--mux='.length) ?? '';
  const directories = engineDirectories({ env, platform });
  const key = engineKey(normalAddress(setting), directories.state);
  const log = new LogFile(path.join(directories.state, 'logs', `engine-${key}.log`), env['IOS_BACKUP_LOG_LEVEL']);
  const silenceMs = Number(env['IOS_BACKUP_ENGINE_SILENCE_MS']) || undefined;
  const devices = new ConnectedDevices(muxAddress({ setting, env, platform }), log, silenceMs);
  const engine = new Engine({
    ports: { devices, backups: new BackupFolders(log, directories.state) },
    directories,
    key,
    version: await engineBuild(__filename),
    logFile: log.file,
    log,
    idleMs: Number(env['IOS_BACKUP_ENGINE_IDLE_MS']) || DEFAULT_IDLE_MS,
  });
  if (!(await engine.start())) return;
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      log.info(`${name}: the engine ends`);
      void engine.end();
    });
  }
  // The terminal that the command line ran in was closed; the backup goes on.
  if (platform !== 'win32') process.on('SIGHUP', () => {});
  process.on('unhandledRejection', (reason) => log.error(`unhandled: ${stackOf(reason)}`));
  process.on('uncaughtException', (error) => {
    log.error(`uncaught: ${stackOf(error)}`);
    setTimeout(() => process.exit(1), CRASH_TIMEOUT_MS).unref();
    void engine.end(new AppError('unexpected', `the engine failed: ${error.message}`)).finally(() => process.exit(1));
  });
  await engine.ended;
  log.flush();
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    // eslint-disable-next-line no-console -- there is no log yet; this goes to engine-output.log
    console.error(new Date().toISOString(), error);
    process.exit(1);
  },
);
