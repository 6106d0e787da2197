import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { FaultKind } from './faultKind';

/** How the rounds of one kind went. */
export interface ScoreRow {
  readonly kind: FaultKind;
  readonly seed: number;
  readonly rounds: number;
  /** Of the rounds that were kept. */
  readonly ends: readonly string[];
  /** What was measured besides. */
  readonly facts: string | undefined;
  /** It could not be tried here. */
  readonly lacking: boolean;
  /** What was broken, or is lacking; undefined: nothing. */
  readonly broken: string | undefined;
  readonly seconds: number;
}

export function rowOf({ kind, seed, rounds, ends, facts, lacking, broken, seconds }: ScoreRow): string {
  const said =
    broken === undefined
      ? [counted(ends), ...(facts ? [facts] : [])].join('; ')
      : lacking
        ? `not tried: ${broken}`
        : `**${oneLine(broken)}**`;
  const replay = `\`npm run faults -- --only ${kind.name} --seed ${seed} --rounds ${rounds}\``;
  return `| ${kind.what} | ${ends.length} of ${rounds} | ${said} | ${Math.round(seconds)} s | ${replay} |`;
}

function counted(ends: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const end of ends) counts.set(end, (counts.get(end) ?? 0) + 1);
  return [...counts].map(([end, count]) => `${count} × ${end}`).join(', ');
}

function oneLine(text: string): string {
  return text.split('\n').join(' ').replaceAll('|', '\\|').slice(0, 300);
}

/** Puts the rows into docs/reliability.md, between its marks. The words around them stay. */
export function writeScoreboard(rows: readonly ScoreRow[]): void {
  const file = path.join(PROJECT_ROOT, 'docs', 'reliability.md');
  const text = fs.readFileSync(file, 'utf8');
  const [before, after] = [text.split(BEGIN)[0], text.split(END)[1]];
  if (before === undefined || after === undefined) throw new Error(`${file} has lost its marks`);
  const date = new Date().toISOString().slice(0, 10);
  const load = os.loadavg()[0]?.toFixed(1) ?? '?';
  const table = [
    `Measured on ${date}, ${os.cpus().length} processor cores, Node.js ${process.versions.node}, load ${load} at the end.`,
    '',
    '| What stops | Rounds kept | How they ended | Time | Replay |',
    '| --- | --- | --- | --- | --- |',
    ...rows.map(rowOf),
  ].join('\n');
  fs.writeFileSync(file, `${before}${BEGIN}\n\n${table}\n\n${END}${after}`);
  const prettier = path.join(PROJECT_ROOT, 'node_modules', 'prettier', 'bin', 'prettier.cjs');
  execFileSync(process.execPath, [prettier, '--write', file], { stdio: 'ignore' });
}

const BEGIN = '<!-- scoreboard: written by npm run faults -- --write -->';
const END = '<!-- /scoreboard -->';
