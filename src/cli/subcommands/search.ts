import { type ContentMatch, searchContents, searchNames, type SearchScope } from '../../backups';
import { formatNumber } from '../../texts/format';
import type { Command } from '../command';
import { findInBackup, openForReading } from '../openForReading';

export const search: Command = {
  summary: 'find files by name, or text inside them',
  operands: 'BACKUP TEXT',
  count: [2, 2],
  options: {
    contents: { help: 'look into text files, property lists and databases as well' },
    in: { value: 'DOMAIN[/PATH]', help: 'only there; for contents' },
  },
  help: [
    'Several words must all be in a name, in any order; letters match whatever their case.',
    'The password of an encrypted backup is read from standard input.',
  ],
  async run(context) {
    const { operands, option, flag, output, signal } = context;
    const [folder = '', text = ''] = operands;
    const backup = await openForReading(context, folder);
    try {
      let matches = 0;
      const inside = option('in');
      if (!inside) {
        for await (const { domain, relativePath, kind, fileID } of searchNames(backup.manifest, text, signal)) {
          output.event('name', { domain, path: relativePath, kind, fileID }, `${domain}/${relativePath}`);
          matches++;
        }
      }
      if (flag('contents') || inside) {
        const target = inside === undefined ? undefined : await findInBackup(backup, inside);
        const scopes: SearchScope[] =
          target?.kind === 'group'
            ? (await backup.paths()).folders.filter(({ path }) => path.startsWith(`${inside ?? ''}/`))
            : [target ? { domain: target.domain, relativePath: target.relativePath } : {}];
        let unreadable = 0;
        for (const scope of scopes) {
          const onProgress = (progress: { readonly unreadable: number }) => (unreadable = progress.unreadable);
          for await (const match of searchContents(backup, text, scope, { signal, onProgress })) {
            const { domain, relativePath, place, excerpt } = match;
            output.event(
              'content',
              { domain, path: relativePath, ...place, place: place.kind, excerpt },
              contentText(match),
            );
            matches++;
          }
        }
        output.done({ matches, unreadable }, resultText(matches, unreadable));
        return;
      }
      output.done({ matches }, resultText(matches, 0));
    } finally {
      backup.close();
    }
  },
};

function contentText({ domain, relativePath, place, excerpt }: ContentMatch): string {
  const where = place.kind === 'line' ? `${place.line}` : `${place.table}[${place.row}].${place.column}`;
  return `${domain}/${relativePath}:${where}: ${excerpt}`;
}

function resultText(matches: number, unreadable: number): string {
  const found = matches === 0 ? 'Nothing was found.' : `${formatNumber(matches)} found.`;
  return unreadable === 0 ? found : `${found} ${formatNumber(unreadable)} files could not be read.`;
}
