import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from '../app/app';
import type { ReminderDue } from '../app/reminders';
import { turnRemindersOff } from '../app/settings';
import { formatRelative } from '../texts/format';

/** Shows a due reminder as a notification that can be put off or turned off. */
export function showReminders(app: App): vscode.Disposable {
  return app.reminders.onDue((due) => void remind(app, due));
}

async function remind(app: App, { udid, name, date, connected }: ReminderDue): Promise<void> {
  const when = formatRelative(date);
  const text = connected
    ? t('The last good backup of {0} was {1}.', name, when)
    : t('The last good backup of {0} was {1}. Connect it to make a new one.', name, when);
  const backUp = t('Back Up Now');
  const later = t('Remind Me Later');
  const off = t('Turn Reminders Off');
  switch (await vscode.window.showInformationMessage(text, ...(connected ? [backUp] : []), later, off)) {
    case backUp: {
      const device = app.engine.state?.devices.find((one) => one.udid === udid);
      if (device) await vscode.commands.executeCommand('iosBackup.backUpNow', { kind: 'device', device });
      break;
    }
    case later:
      await app.reminders.dismiss(udid);
      break;
    case off:
      await turnRemindersOff();
      break;
    default: // Closed without an answer: tomorrow again.
  }
}
