import { t } from '@vscode/l10n';
import type { RetentionPolicy, RetentionRule } from '../backups';

/** `the last 3, 7 days, 4 weeks, 6 months`. */
export function policyText({ last = 0, daily = 0, weekly = 0, monthly = 0 }: RetentionPolicy): string {
  const parts = [
    last > 0 ? t('the last {0}', last) : '',
    daily > 0 ? t('one a day for {0} days', daily) : '',
    weekly > 0 ? t('one a week for {0} weeks', weekly) : '',
    monthly > 0 ? t('one a month for {0} months', monthly) : '',
  ].filter((part) => part !== '');
  return parts.length === 0 ? t('keep everything') : parts.join(', ');
}

const reasons: Record<RetentionRule, () => string> = {
  last: () => t('stays: one of the newest'),
  daily: () => t('stays: the newest of its day'),
  weekly: () => t('stays: the newest of its week'),
  monthly: () => t('stays: the newest of its month'),
  pinned: () => t('stays: the present one, an archive, or one with a name'),
  beforeUpdate: () => t('stays: the last one before the iOS update'),
  noRules: () => t('stays: there is no rule'),
};

/** Why a version stays. */
export function reasonText(rule: RetentionRule): string {
  return reasons[rule]();
}
