import { applyRetention, deleteBackup } from '../../src/backups';

/** `thinOutProgram.js delete BACKUP` or `… retention FOLDER UDID`: a process that a test can kill at any moment. */
const [what, place = '', udid = ''] = process.argv.slice(2);
const work = what === 'delete' ? deleteBackup(place) : applyRetention(place, udid, { last: 1 });
process.stdout.write('begun\n');
work.then(
  () => process.stdout.write('done\n'),
  (error: unknown) => {
    process.stderr.write(String(error));
    process.exitCode = 1;
  },
);
