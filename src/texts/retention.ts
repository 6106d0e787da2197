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
  last: () => t('one of the newest'),
  daily: () => t('the newest of its day'),
  weekly: () => t('the newest of its week'),
  monthly: () => t('the newest of its month'),
  pinned: () => t('the present one, an archive, or one with a name'),
  beforeUpdate: () => t('the last one before the iOS update'),
  noRules: () => t('there is no rule'),
};

/** `stays: one of the newest, the newest of its day`. */
export function reasonText(rules: readonly RetentionRule[]): string {
  return t('stays: {0}', rules.map((rule) => reasons[rule]()).join(', '));
}
