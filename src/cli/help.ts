import { COMMON_OPTIONS, type Command, type OptionSpec } from './command';

const LINE_LENGTH = 100;

export function overview(commands: Readonly<Record<string, Command>>): string {
  const width = Math.max(...Object.keys(commands).map(({ length }) => length));
  const list = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return [
    'Usage: ios-backup COMMAND [OPTION]...',
    '',
    'Makes and keeps local backups of iPhones, iPads and iPods.',
    '',
    ...list,
    '',
    '  ios-backup COMMAND --help   tells more about one of them',
    '  ios-backup --version        prints the version',
    '',
    'Exit codes: 0 done, 1 failed, 2 wrong usage, 3 cancelled, 4 damage found (verify) or left (repair).',
    'Secrets are read from standard input, one line each.',
    '',
  ].join('\n');
}

export function helpOf(name: string, { summary, operands, options, help = [] }: Command): string {
  const usage = ['ios-backup', name, operands, '[OPTION]...'].filter((part) => part !== undefined).join(' ');
  const all = Object.entries({ ...options, ...COMMON_OPTIONS });
  const heads = all.map(([option, { value }]) => `--${option}${value ? ` ${value}` : ''}`);
  const width = Math.max(...heads.map(({ length }) => length));
  const lines = all.flatMap(([, spec]: [string, OptionSpec], index) =>
    wrapped(spec.help, LINE_LENGTH - width - 4).map(
      (text, part) => `  ${(part === 0 ? (heads[index] ?? '') : '').padEnd(width)}  ${text}`,
    ),
  );
  const first = `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;
  return [`Usage: ${usage}`, '', first, ...help, '', ...lines, ''].join('\n');
}

function wrapped(text: string, length: number): readonly string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last !== '' && last.length + 1 + word.length > length) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines;
}
