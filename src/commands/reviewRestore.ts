import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { BackupSummary, VerifyReport } from '../backups/types';
import type { RestoreFinding } from '../engine/protocol';
import { findingText } from '../texts/findings';
import { formatDateTime, formatNumber, formatRelative } from '../texts/format';
import { backupFacts, backupName } from './chooseBackupToRestore';

export interface RestoreReview {
  /** The device's name. */
  readonly name: string;
  readonly backup: BackupSummary;
  readonly findings: readonly RestoreFinding[];
  /** Of a check of every file, if there was one. */
  readonly report: VerifyReport | undefined;
  /** The newest complete backup of what is on the device now. */
  readonly lastOfDevice: BackupSummary | undefined;
}

export type ReviewAnswer = 'goOn' | 'backUpFirst' | 'verify' | 'checkAgain';

interface ReviewItem extends vscode.QuickPickItem {
  readonly answer?: ReviewAnswer;
  /** All of it, for what can only be read. */
  readonly text?: string;
}

/** What the backup holds, what was found, and what can be done. @returns undefined if it was closed. */
export async function reviewRestore(review: RestoreReview): Promise<ReviewAnswer | undefined> {
  const stopped = review.findings.some(({ stops }) => stops);
  for (;;) {
    const picked = await vscode.window.showQuickPick<ReviewItem>(
      [
        ...steps(review, stopped),
        { label: t('What was found'), kind: vscode.QuickPickItemKind.Separator },
        ...foundItems(review),
        { label: t('The backup'), kind: vscode.QuickPickItemKind.Separator },
        ...backupItems(review.backup),
      ],
      {
        title: t('Restore to {0}: before it starts', review.name),
        placeHolder: stopped
          ? t('Something is in the way: do what is said below, then check again')
          : t('Nothing has been changed yet'),
        ignoreFocusOut: true,
      },
    );
    if (!picked || picked.answer) return picked?.answer;
    // The rest is there to be read; a line of the list may be too short for it.
    if (picked.text) await vscode.window.showInformationMessage(picked.text, { modal: true });
  }
}

function steps({ name, lastOfDevice, report }: RestoreReview, stopped: boolean): ReviewItem[] {
  const goOn: ReviewItem = {
    label: t('$(arrow-right) Go On'),
    detail: t('Nothing is replaced before you have typed the name of the device'),
    answer: 'goOn',
  };
  const again: ReviewItem = { label: t('$(refresh) Check Again'), answer: 'checkAgain' };
  const backUp: ReviewItem = {
    label: t('$(cloud-download) Back Up {0} First', name),
    detail: lastOfDevice?.date
      ? t('What has been added since its last backup ({0}) would be lost otherwise', formatRelative(lastOfDevice.date))
      : t('There is no backup of what is on it now'),
    answer: 'backUpFirst',
  };
  const verify: ReviewItem = {
    label: t('$(checklist) Check Every File of the Backup First'),
    detail: t('So far it was checked that all of them are there; this reads them too, and can take long'),
    answer: 'verify',
  };
  return [stopped ? again : goOn, backUp, ...(report ? [] : [verify])];
}

function foundItems({ findings, report }: RestoreReview): ReviewItem[] {
  const items = findings.toSorted((one, other) => Number(other.stops) - Number(one.stops)).map(findingItem);
  if (report) items.unshift(reportItem(report));
  return items.length > 0
    ? items
    : [{ label: t('$(pass) Nothing is in the way'), detail: t('The backup is complete, and the device is ready') }];
}

function findingItem(finding: RestoreFinding): ReviewItem {
  const text = findingText(finding);
  const [first = '', ...rest] = text.split(/(?<=[.!?])\s+/u);
  return { label: `${finding.stops ? '$(error)' : '$(warning)'} ${first}`, detail: rest.join(' '), text };
}

function reportItem({ damages, files }: VerifyReport): ReviewItem {
  return damages === 0
    ? { label: t('$(pass) Every file of the backup was read and is good ({0})', formatNumber(files)) }
    : {
        label: t('$(error) {0} files of the backup are damaged', formatNumber(damages)),
        detail: t('The device may refuse it, or lose them. Choose another version if there is one'),
      };
}

function backupItems(backup: BackupSummary): ReviewItem[] {
  return [
    {
      label: `$(archive) ${backupName(backup)}`,
      description: backup.date ? formatRelative(backup.date) : '',
      detail: [
        ...backupFacts(backup),
        backup.size && t('{0} files', formatNumber(backup.size.files)),
        backup.date && t('made {0}', formatDateTime(backup.date)),
      ]
        .filter(Boolean)
        .join(' · '),
    },
    {
      label: t('$(info) Apps are not in it: the device loads them from the App Store afterwards'),
      detail: backup.encrypted
        ? t('Saved passwords, Health and Wi-Fi settings are in it')
        : t('Saved passwords, Health and Wi-Fi settings are not in it either: the backup is not encrypted'),
    },
  ];
}
