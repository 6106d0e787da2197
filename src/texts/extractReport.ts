import { t } from '@vscode/l10n';
import type { ExtractReport } from '../backups';
import { formatBytes, formatNumber } from './format';

/** `12 files, 3.4 MB were extracted. 2 links were left out.` */
export function extractReportText({ files, bytes, present, failed, links }: ExtractReport): string {
  const parts = [
    t('{0} files, {1} were extracted.', formatNumber(files), formatBytes(bytes)),
    present > 0 ? t('{0} were there already.', formatNumber(present)) : '',
    links.length > 0 ? t('{0} links were left out.', formatNumber(links.length)) : '',
    failed.length > 0 ? t('{0} could not be extracted; the log names them.', formatNumber(failed.length)) : '',
  ];
  return parts.filter(Boolean).join(' ');
}
