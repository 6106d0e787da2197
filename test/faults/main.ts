/*
 * npm run faults [-- --seed S] [--rounds N] [--first N] [--only NAME[,NAME…]] [--write]: a long run. --write puts the
 * scoreboard into docs/reliability.md. A round is repeated alone by its seed, kind and number.
 */
import { parseArgs } from 'node:util';
import { runFault } from './faultKind';
import { faults } from './faults';
import { rowOf, writeScoreboard, type ScoreRow } from './scoreboard';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      rounds: { type: 'string' },
      first: { type: 'string', default: '0' },
      only: { type: 'string' },
      write: { type: 'boolean' },
    },
  });
  const names = values.only?.split(',');
  const unknown = names?.filter((name) => !faults.some((kind) => kind.name === name)) ?? [];
  if (unknown.length > 0)
    throw new Error(`no such kind: ${unknown.join(', ')}; there are ${faults.map(({ name }) => name).join(', ')}`);
  const seed = Number(values.seed);
  const rows: ScoreRow[] = [];
  for (const kind of faults) {
    if (names && !names.includes(kind.name)) continue;
    const rounds = Number(values.rounds ?? kind.rounds);
    const start = performance.now();
    const ends: string[] = [];
    let facts: string | undefined;
    let broken: string | undefined = kind.lacks?.();
    const lacking = broken !== undefined;
    if (!lacking) {
      try {
        facts = await runFault(kind, {
          seed,
          rounds,
          first: Number(values.first),
          told: (_round, end) => ends.push(end),
        });
      } catch (error) {
        process.exitCode = 1;
        broken = error instanceof Error ? error.message : String(error);
        console.error(error);
      }
    }
    rows.push({ kind, seed, rounds, ends, facts, lacking, broken, seconds: (performance.now() - start) / 1000 });
    console.log(rowOf(rows.at(-1) as ScoreRow));
  }
  if (values.write) writeScoreboard(rows);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
