import path from 'node:path';
import { AppError } from '../../base/errors';
import { type ExtractKind, extractAll, kindSelections, photoDates, type Selection } from '../../backups';
import { formatBytes, formatNumber } from '../../texts/format';
import { ExitCode, type Command } from '../command';
import { findInBackup, openForReading } from '../openForReading';
import { requiredOption } from '../requiredOption';

const KINDS = Object.keys(kindSelections).join('|');
const PROGRESS_MS = 500;

export const extract: Command = {
  summary: 'take files out of a backup, decrypted',
  operands: 'BACKUP [DOMAIN[/PATH]]',
  count: [1, 2],
  options: {
    to: { value: 'DIR', help: 'where they go, as DIR/<domain>/<path>' },
    kind: { value: KINDS, help: 'only these, wherever they lie; photos get the dates of the photo library' },
  },
  help: [
    'Everything is taken out when no domain is named. The password of an encrypted backup is read from standard input.',
    'Files that are there already, whole and of the same date, are not written again: a run that was stopped goes on.',
    'Exit code 1 when a file cannot be taken out; the others are.',
  ],
  async run(context) {
    const { operands, option, output, signal } = context;
    const [folder = '', where] = operands;
    const to = path.resolve(requiredOption(context, 'to'));
    const kind = kindOf(option('kind'));
    const backup = await openForReading(context, folder);
    try {
      const selections = kind ? kindSelections[kind] : await selectionsOf(backup, where);
      let shown = 0;
      const report = await extractAll(backup, selections, to, {
        signal,
        ...(kind === 'photos' ? { modifiedOf: await photoDates(backup) } : {}),
        onProgress: (progress) => {
          if (Date.now() - shown < PROGRESS_MS) return;
          shown = Date.now();
          output.event('progress', progress);
        },
      });
      for (const failure of report.failed) {
        const { domain, relativePath, message } = failure;
        output.event('fileFailed', { ...failure }, `Not taken out: ${domain}/${relativePath}: ${message}`);
      }
      for (const { from, to: name } of report.renamed)
        output.event('renamed', { from, to: name }, `${from} is now ${name}`);
      for (const link of report.links) output.event('link', link);
      const { files, bytes, present, failed, links, renamed } = report;
      output.done(
        { files, bytes, present, links: links.length, renamed: renamed.length, failed: failed.length, to },
        `${formatNumber(files)} files, ${formatBytes(bytes)} to ${to}` +
          (present > 0 ? `; ${formatNumber(present)} were there` : '') +
          (failed.length > 0 ? `; ${formatNumber(failed.length)} could not be taken out` : ''),
      );
      return failed.length > 0 ? ExitCode.failed : ExitCode.done;
    } finally {
      backup.close();
    }
  },
};

function kindOf(text: string | undefined): ExtractKind | undefined {
  if (text === undefined) return undefined;
  const kind = Object.keys(kindSelections).find((one) => one === text);
  if (kind === undefined) throw new AppError('wrongUsage', `--kind is ${KINDS}`);
  return kind as ExtractKind;
}

async function selectionsOf(
  backup: Parameters<typeof findInBackup>[0],
  where: string | undefined,
): Promise<readonly Selection[]> {
  if (where === undefined) return [{}];
  const target = await findInBackup(backup, where);
  if (target.kind === 'entry') {
    const { domain, relativePath } = target;
    if (!backup.has(domain, relativePath)) throw new AppError('fileNotFound', `the backup has no ${where}`);
    return [{ domain, relativePath }];
  }
  const { folders } = await backup.paths();
  return folders
    .filter(({ path: at }) => at.startsWith(`${where.replace(/\/+$/, '')}/`))
    .map(({ domain }) => ({ domain }));
}
