/*
 * npm run bench [-- --rounds N] [--only NAME] [--write]: everything as a ratio to a peer in the same run. --write puts the
 * tables into docs/performance.md.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { benchBackups } from './backup';
import { benchExtensionHost } from './extensionHost';
import { benchGrowth } from './growth';
import { benchReader } from './reader';
import { benchSeeding } from './seeding';
import { type BenchLine, shortfalls, table } from './table';
import { benchVerify } from './verify';

const SECTIONS: Readonly<Record<string, (scratch: string, rounds: number) => Promise<BenchLine[]>>> = {
  backup: benchBackups,
  seeding: benchSeeding,
  growth: benchGrowth,
  extensionHost: benchExtensionHost,
  verify: benchVerify,
  reader: benchReader,
};

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { rounds: { type: 'string', default: '3' }, only: { type: 'string' }, write: { type: 'boolean' } },
  });
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'bench-'));
  const tables: string[] = [];
  const loadBefore = os.loadavg()[0] ?? 0;
  try {
    for (const [name, run] of Object.entries(SECTIONS)) {
      if (values.only !== undefined && values.only !== name) continue;
      const lines = await run(scratch, Number(values.rounds));
      const text = [`## ${name}`, table(lines), shortfalls(lines)].filter((part) => part !== '').join('\n\n');
      console.log(`\n${text}`);
      tables.push(text);
    }
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
  if (values.write) write(tables, `${loadBefore.toFixed(1)} before, ${(os.loadavg()[0] ?? 0).toFixed(1)} after`);
}

function write(tables: readonly string[], load: string): void {
  const [cpu] = os.cpus();
  const machine = `${os.cpus().length} × ${cpu?.model ?? 'unknown'}, ${Math.round(os.totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`;
  const text = `# Performance

Measured on ${new Date().toISOString().slice(0, 10)}: ${machine}. \`npm run bench -- --write\` makes this page. Every line is measured beside a
peer in the same run, because such machines are noisy; the device is the virtual one, in a process of its own. Load of
the machine (processes that wanted to run): ${load}; far above the number of its cores, wall times say little and
processor times more.

${tables.join('\n\n')}
`;
  fs.writeFileSync(path.join(PROJECT_ROOT, 'docs', 'performance.md'), text);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
