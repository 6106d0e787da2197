/*
 * npm run faults [-- --seed S] [--rounds N] [--only NAME] [--write]: a long run. --write puts the scoreboard into
 * docs/reliability.md. One line of it is replayed by its seed and name.
 */
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { faults } from './faults';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      rounds: { type: 'string' },
      only: { type: 'string' },
      write: { type: 'boolean' },
    },
  });
  const seed = Number(values.seed);
  const rows: string[] = [];
  for (const kind of faults) {
    if (values.only !== undefined && values.only !== kind.name) continue;
    const rounds = Number(values.rounds ?? kind.rounds);
    const start = Date.now();
    let done = 0;
    let outcome: string;
    try {
      const ends = await kind.run({ seed, rounds, told: (round) => (done = round + 1) });
      outcome = counted(ends);
    } catch (error) {
      process.exitCode = 1;
      outcome = `**broken in round ${done + 1}**: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`;
    }
    const minutes = ((Date.now() - start) / 60_000).toFixed(1);
    const replay = `\`npm run faults -- --only ${kind.name} --seed ${seed} --rounds ${rounds}\``;
    rows.push(`| ${kind.what} | ${done} of ${rounds} | ${outcome} | ${minutes} min | ${replay} |`);
    console.log(rows.at(-1));
  }
  if (values.write) write(rows);
}

function counted(ends: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const end of ends) counts.set(end, (counts.get(end) ?? 0) + 1);
  return [...counts].map(([end, count]) => `${count} × ${end}`).join(', ');
}

function write(rows: readonly string[]): void {
  const text = `# Reliability

> At any instant, whatever stops, the last finished backup stays complete, byte for byte, and restorable; a new one appears
> whole, or not at all.

Measured on ${new Date().toISOString().slice(0, 10)} against the virtual device. In each round something stops a backup at a random point; then the
last good backup is compared byte for byte, the failure must have been told in time with a code that has a sentence, and
the next backup must succeed and equal the device.

| What stops | Rounds kept | How backups ended | Time | Replay |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
  fs.writeFileSync(path.join(PROJECT_ROOT, 'docs', 'reliability.md'), text);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
