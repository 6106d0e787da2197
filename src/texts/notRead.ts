import { t } from '@vscode/l10n';
import { formatNumber } from './format';

/** What is to be said of a good backup without files that the device itself could not read. */
export function notReadText(count: number): string {
  return count === 1
    ? t('The device could not read one of its own files. The backup is whole without it; the Problems panel names it.')
    : t(
        'The device could not read {0} of its own files. The backup is whole without them; the Problems panel names them.',
        formatNumber(count),
      );
}
