import { t } from '@vscode/l10n';
import type { RestoreEnd } from '../engine/protocol';

/** What has happened, and what happens now on the device. */
export function restoreEndText(name: string, { restarted }: RestoreEnd): string {
  if (restarted === undefined) {
    return t('{0} has the backup. Restart it, so that everything takes effect. Apps come from the App Store.', name);
  }
  return restarted
    ? t(
        '{0} has the backup and has restarted. It goes on by itself: unlock it, and keep it on power and Wi-Fi. Apps come from the App Store.',
        name,
      )
    : t(
        '{0} has the backup. It was not seen to come back from its restart: look at its screen. Apps come from the App Store.',
        name,
      );
}
