import { verifyBackup } from '../../src/backups';

/** `verifyProgram.js BACKUP LEVEL`: a process of its own for one check. */
const [backup = '', level] = process.argv.slice(2);
void verifyBackup({ path: backup, level: level === 'full' ? 'full' : 'quick' }).then(({ damages, findings }) => {
  process.stdout.write(JSON.stringify({ damages, listed: findings.length }));
});
