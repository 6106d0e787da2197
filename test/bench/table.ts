/** One measured comparison: ours beside a peer's, in the same run on the same computer. */
export interface BenchLine {
  readonly what: string;
  readonly ours: string;
  readonly peer: string;
  readonly peerName: string;
  /** How many times as good as the peer; above 1 is better. */
  readonly ratio?: number;
  /** What was aimed at, and whether it was reached. */
  readonly aim?: { readonly text: string; readonly reached: boolean };
  /** One sentence, shown while the aim is not reached. */
  readonly why?: string;
}

/** A Markdown table. */
export function table(lines: readonly BenchLine[]): string {
  const head = ['What', 'Ours', 'Beside', 'Ratio', 'Aim'];
  const rows = lines.map(({ what, ours, peer, peerName, ratio, aim }) => [
    what,
    ours,
    `${peerName}: ${peer}`,
    ratio === undefined ? '' : `${ratio.toFixed(2)} ×`,
    aim ? `${aim.text}: ${aim.reached ? 'reached' : '**not reached**'}` : '',
  ]);
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** Why what was aimed at is not reached, as a Markdown list; empty when all is. */
export function shortfalls(lines: readonly BenchLine[]): string {
  const behind = lines.filter(({ aim }) => aim && !aim.reached);
  return behind.map(({ what, why }) => `- ${what}: not reached. ${why ?? 'The reason is not known yet.'}`).join('\n');
}
