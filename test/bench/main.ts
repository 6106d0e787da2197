/*
 * npm run bench [-- --rounds N] [--only NAME] [--write]: everything as a ratio to a peer in the same run. --write puts the
 * tables into docs/performance.md; what was not measured stays there.
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
  try {
    for (const [name, run] of Object.entries(SECTIONS)) {
      if (values.only !== undefined && values.only !== name) continue;
      const before = load();
      const lines = await run(scratch, Number(values.rounds));
      const measured = `${new Date().toISOString().slice(0, 10)}, rounds: ${values.rounds}, load: ${before} before, ${load()} after.`;
      const text = [measured, table(lines), shortfalls(lines)].filter((part) => part !== '').join('\n\n');
      console.log(`\n## ${name}\n\n${text}`);
      if (values.write) write(name, text);
    }
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

function load(): string {
  return (os.loadavg()[0] ?? 0).toFixed(1);
}

function write(name: string, text: string): void {
  const file = path.join(PROJECT_ROOT, 'docs', 'performance.md');
  const page = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
  const known = page.split(/^## /m).slice(1);
  const sections = new Map(known.map((section) => [section.split('\n', 1)[0], section.replace(/^.*\n/, '').trim()]));
  sections.set(name, text);
  const [cpu] = os.cpus();
  const machine = `${os.cpus().length} × ${cpu?.model ?? 'unknown'}, ${Math.round(os.totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`;
  const parts = Object.keys(SECTIONS).flatMap((section) =>
    sections.has(section) ? [`## ${section}\n\n${sections.get(section)}`] : [],
  );
  fs.writeFileSync(
    file,
    `# Performance

\`npm run bench -- --write\` makes this page, on: ${machine}. Every line is measured beside a peer in the same run, because
such machines are noisy; the device is the virtual one, in a process of its own. Load is the number of processes that wanted
to run: far above the number of processors, times say little and processor times more.

${parts.join('\n\n')}
`,
  );
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
