import { applyRetention, archiveBackup, deleteBackup, moveBackup } from '../../src/backups';

/** `changeBackupsProgram.js CHANGE PLACE…`: a process that changes backups, and that a test can kill at any moment. */
const changes: Readonly<Record<string, (...places: string[]) => Promise<unknown>>> = {
  delete: (backup = '') => deleteBackup(backup),
  retention: (folder = '', udid = '') => applyRetention(folder, udid, { last: 1 }),
  archive: (backup = '') => archiveBackup(backup),
  move: (backup = '', toFolder = '') => moveBackup(backup, toFolder),
};
const [change = '', ...places] = process.argv.slice(2);
const work = changes[change]?.(...places) ?? Promise.reject(new Error(`no change ${change}`));
process.stdout.write('begun\n');
work.then(
  () => process.stdout.write('done\n'),
  (error: unknown) => {
    process.stderr.write(String(error));
    process.exitCode = 1;
  },
);
