import type { OpenedBackup } from '../../backups';
import { isAppError } from '../../base/errors';
import { formatBytes, formatDateTime } from '../../texts/format';
import type { Command, CommandContext } from '../command';
import { findInBackup, openForReading } from '../openForReading';

export const list: Command = {
  summary: 'list what is in a backup: its domains, or a folder of one',
  operands: 'BACKUP [DOMAIN[/PATH]]',
  count: [1, 2],
  help: [
    'BACKUP is the folder with Manifest.plist. The password of an encrypted backup is read from standard input.',
    'DOMAIN is the device’s name, such as HomeDomain or AppDomain-com.example.app, or the name that the editor shows,',
    'such as “Camera Roll” or “Apps/Notes”.',
  ],
  async run(context) {
    const [folder = '', where] = context.operands;
    const backup = await openForReading(context, folder);
    try {
      const count = where === undefined ? await listDomains(backup, context) : await listFolder(backup, where, context);
      context.output.done({ entries: count });
    } finally {
      backup.close();
    }
  },
};

async function listDomains(backup: OpenedBackup, { output }: CommandContext): Promise<number> {
  const { folders } = await backup.paths();
  for (const { domain, path } of folders) output.event('domain', { domain, name: path }, `${domain}  ${path}`);
  return folders.length;
}

async function listFolder(backup: OpenedBackup, where: string, { output }: CommandContext): Promise<number> {
  const target = await findInBackup(backup, where);
  if (target.kind === 'group') {
    const { folders } = await backup.paths();
    const inside = folders.filter(({ path }) => path.startsWith(`${where.replace(/\/+$/, '')}/`));
    for (const { domain, path } of inside) output.event('domain', { domain, name: path }, `${domain}  ${path}`);
    return inside.length;
  }
  const { domain, relativePath } = target;
  const { kind } = backup.stat(domain, relativePath);
  const names =
    kind === 'directory'
      ? backup.list(domain, relativePath).map(({ name }) => (relativePath === '' ? name : `${relativePath}/${name}`))
      : [relativePath];
  for (const path of names.sort()) printEntry(backup, domain, path, output);
  return names.length;
}

function printEntry(
  backup: OpenedBackup,
  domain: string,
  relativePath: string,
  output: CommandContext['output'],
): void {
  try {
    const { kind, file } = backup.stat(domain, relativePath);
    const modified = file && new Date(file.modified * 1000).toISOString();
    const link = file?.linkTarget;
    const facts = {
      domain,
      path: relativePath,
      kind,
      size: file?.size ?? 0,
      modified,
      target: link,
      fileID: file?.fileID,
    };
    const size = kind === 'file' ? formatBytes(file?.size ?? 0) : kind === 'directory' ? 'folder' : 'link';
    const end = kind === 'directory' ? '/' : link === undefined ? '' : ` → ${link}`;
    output.event(
      'entry',
      facts,
      `${size.padStart(9)}  ${modified ? formatDateTime(modified) : ''}  ${relativePath}${end}`,
    );
  } catch (error) {
    if (!isAppError(error)) throw error;
    output.event('damaged', { domain, path: relativePath, code: error.code }, `  damaged  ${relativePath}`);
  }
}
