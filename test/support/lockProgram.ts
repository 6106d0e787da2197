import { once } from 'node:events';
import { OpenedBackup } from '../../src/backups';

/** `lockProgram.js FOLDER`, password on standard input: opens a backup, reads, and locks it at the next line. */
async function main(folder: string): Promise<void> {
  const input = process.stdin.setEncoding('utf8');
  const line = async () => String((await once(input, 'data'))[0]).trimEnd();
  const backup = await OpenedBackup.open(folder);
  await backup.unlock(await line());
  const open = [];
  for (const entry of backup.manifest.entries()) {
    if (!entry.ok || entry.file.kind !== 'file') continue;
    const content = backup.openContent(entry.file);
    content.read(Buffer.alloc(64), 0);
    // Every other one is still being read when the backup is locked.
    if (open.length % 2 === 0) content.close();
    open.push(content);
  }
  process.stdout.write(`${open.length}\n`);
  await line();
  backup.lock();
  process.stdout.write('locked\n');
  await line();
}

void main(process.argv[2] ?? '').then(() => process.exit(0));
