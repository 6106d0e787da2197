import { t } from '@vscode/l10n';
import type { VerifyFinding, VerifyReport } from '../backups';
import { formatBytes, formatDateTime, formatDuration, formatNumber } from './format';

const kinds: Record<VerifyFinding['kind'], () => string> = {
  missing: () => t('is missing'),
  wrongSize: () => t('has the wrong length'),
  wrongHash: () => t('is damaged: its bytes have changed'),
  undecryptable: () => t('cannot be decrypted'),
  unreadable: () => t('cannot be read from the disk'),
  stray: () => t('does not belong to the backup'),
  badRow: () => t('has no readable entry in the list of files'),
  plist: () => t('is not a readable property list'),
  manifest: () => t('the list of files is damaged'),
  status: () => t('says that the backup was not finished'),
  database: () => t('is a damaged database'),
};

/** `Camera Roll: Media/DCIM/100APPLE/IMG_0001.JPG is missing. Another version has it whole.` */
export function findingText(finding: VerifyFinding): string {
  const { kind, owner, domain, relativePath, file, message, alsoIn } = finding;
  const name = relativePath === undefined ? (file ?? '') : t('{0}: {1}', owner ?? domain ?? '', relativePath || '/');
  const what = name === '' ? kinds[kind]() : t('{0} {1}', name, kinds[kind]());
  const also = alsoIn === undefined ? '' : ` ${alsoInText(alsoIn)}`;
  return `${what} (${message}).${also}`;
}

function alsoInText(place: string): string {
  return place.includes('.ios-backup')
    ? t('A second copy of it is kept in {0}.', place)
    : t('The version {0} has it whole.', place.replace(/.*[\\/]/, ''));
}

/** `No damage found in …` / `3 files are damaged in …: Camera Roll (2), Apps/Notes (1).` */
export function verifyResultText(
  { damages, findings, files, bytes, level, notChecked }: VerifyReport,
  title: string,
): string {
  if (damages === 0) {
    const what = t('{0} files, {1}', formatNumber(files), formatBytes(bytes));
    const text =
      level === 'full'
        ? t('No damage found in {0}: every byte of {1} was read.', title, what)
        : t('No damage found in {0}: {1} are there, with the right length.', title, what);
    return notChecked.length === 0 ? text : `${text} ${t('The report says what could not be checked.')}`;
  }
  const owners = lossByOwner(findings)
    .slice(0, 3)
    .map(({ owner, count }) => t('{0} ({1})', owner, formatNumber(count)));
  const what =
    damages === 1
      ? t('1 file is damaged in {0}', title)
      : t('{0} files are damaged in {1}', formatNumber(damages), title);
  return owners.length === 0 ? `${what}.` : `${what}: ${owners.join(', ')}.`;
}

interface Loss {
  readonly owner: string;
  readonly count: number;
}

/** Most first. */
function lossByOwner(findings: readonly VerifyFinding[]): readonly Loss[] {
  const counts = new Map<string, number>();
  for (const { severity, owner, domain, file } of findings) {
    if (severity !== 'damage') continue;
    const isOfBackup = file !== undefined && !file.includes('/') && domain === undefined;
    const key = owner ?? domain ?? (isOfBackup ? t('the backup’s own lists') : t('files without a name'));
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].map(([owner, count]) => ({ owner, count })).sort((one, other) => other.count - one.count);
}

/** Without all of these, Finder, iTunes and Apple Devices pass a folder by and say nothing. */
const LISTS = ['Info.plist', 'Manifest.plist', 'Status.plist', 'Manifest.db', 'Manifest.mbdb'];

/** The files because of which Finder and its like do not list a backup; empty if nothing speaks against it. */
export function hidesFromFinder(findings: readonly VerifyFinding[]): readonly string[] {
  return LISTS.filter((name) => findings.some(({ file }) => file === name));
}

function finderText(findings: readonly VerifyFinding[]): string {
  const files = hidesFromFinder(findings);
  return files.length === 0
    ? t('Nothing speaks against it, if it lies in their own folder')
    : t('No, or not as a whole backup: {0}', files.join(', '));
}

/** A whole report as Markdown. */
export function verifyReportText(report: VerifyReport): string {
  const { path, level, startedAt, endedAt, files, bytes, findings, damages, notChecked, hashesKnown } = report;
  const damaged = findings.filter(({ severity }) => severity === 'damage');
  const notes = findings.filter(({ severity }) => severity === 'note');
  const lines = [
    `# ${damages === 0 ? t('No damage found') : damages === 1 ? t('1 file is damaged') : t('{0} files are damaged', formatNumber(damages))}`,
    '',
    '| | |',
    '|---|---|',
    row(t('Backup'), code(path)),
    row(t('Check'), level === 'full' ? t('full: every byte') : t('quick: names and lengths')),
    row(t('Finished'), `${formatDateTime(endedAt)} (${formatDuration(Date.parse(endedAt) - Date.parse(startedAt))})`),
    row(t('Files'), `${formatNumber(files)}, ${formatBytes(bytes)}`),
    row(
      t('Compared with'),
      hashesKnown
        ? t('the SHA-256 of every file, noted when the backup was made')
        : t('what the device and the files themselves tell: no hashes were noted when this backup was made'),
    ),
    row(t('Listed by Finder, iTunes and Apple Devices'), finderText(findings)),
    '',
  ];
  if (damages > 0) {
    lines.push(`## ${t('What is lost')}`, '');
    for (const { owner, count } of lossByOwner(findings)) lines.push(`- ${plain(owner)}: ${formatNumber(count)}`);
    lines.push('', `## ${t('Damage')}`, '');
    for (const finding of damaged) lines.push(`- ${plain(findingText(finding))}`);
    if (damages > damaged.length) lines.push(`- ${t('{0} more', formatNumber(damages - damaged.length))}`);
    lines.push('');
  }
  if (notChecked.length > 0) {
    lines.push(`## ${t('Not checked')}`, '');
    for (const what of notChecked) lines.push(`- ${plain(what)}`);
    lines.push('');
  }
  if (notes.length > 0) {
    lines.push(`## ${t('Notes')}`, '', t('Nothing of this is a loss.'), '');
    for (const finding of notes) lines.push(`- ${plain(findingText(finding))}`);
    lines.push('');
  }
  return lines.join('\n');
}

function row(name: string, value: string): string {
  return `| ${name} | ${value.replaceAll('|', '\\|')} |`;
}

function code(text: string): string {
  return `\`${text.replaceAll('`', '´')}\``;
}

/** Names come from the device: they are text, never Markdown or HTML. */
function plain(text: string): string {
  return text.replace(/[\r\n]+/g, ' ').replace(/[\\`*_{}[\]<>()#!|&~-]/g, (one) => `\\${one}`);
}
