/*
 * npm run fuzz [-- --only NAME] [--rounds N] [--seed S]: a long run of each parser, a million executions unless told
 * otherwise. A failure tells the command that replays it. `--only differential` compares property lists with what
 * plistutil and Python's plistlib make of them.
 */
import { parseArgs } from 'node:util';
import { compareReaders } from './differential';
import { fuzz } from './fuzz';
import { fuzzTargets } from './targets';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { only: { type: 'string' }, rounds: { type: 'string' }, seed: { type: 'string', default: '1' } },
  });
  const seed = Number(values.seed);
  const chosen = fuzzTargets.filter(({ name }) => values.only === undefined || values.only === name);
  const differential = process.platform === 'linux' && (values.only === undefined || values.only === 'differential');
  if (chosen.length === 0 && !differential) throw new Error(`no target ${values.only ?? ''}`);
  for (const target of chosen) {
    const rounds = Number(values.rounds ?? 1_000_000);
    await told(target.name, rounds, async () => `${await fuzz(target, { seed, rounds })} understood`);
  }
  if (!differential) return;
  const rounds = Number(values.rounds ?? 100_000);
  await told('differential', rounds, async () => {
    const { python, plistutil } = await compareReaders({ seed, rounds });
    return `${python} and ${plistutil} read by both`;
  });
}

async function told(name: string, rounds: number, run: () => Promise<string>): Promise<void> {
  const began = Date.now();
  try {
    const outcome = await run();
    console.log(`${name}: ${rounds} executions, ${outcome}, ${((Date.now() - began) / 1000).toFixed(1)} s`);
  } catch (error) {
    process.exitCode = 1;
    console.log(`${name}: BROKEN\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    if (error instanceof Error && error.cause instanceof Error) console.log(error.cause.stack);
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
