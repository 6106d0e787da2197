/** How many versions of one device's backups to keep; what no rule keeps goes. Without any rule everything stays. */
export interface RetentionPolicy {
  /** The newest ones. */
  readonly last?: number;
  /** The newest of each of so many days that have one, in local time; likewise weeks (from Monday) and months. */
  readonly daily?: number;
  readonly weekly?: number;
  readonly monthly?: number;
}

export interface RetentionVersion {
  readonly path: string;
  readonly date: Date;
  /** Counts for the rules but never goes: the current backup, archives, labelled ones, unfinished ones. */
  readonly pinned?: boolean;
  /** iOS at the time. */
  readonly productVersion?: string;
}

export type RetentionRule = keyof RetentionPolicy | 'pinned' | 'beforeUpdate' | 'noRules';

export interface RetentionPlan {
  /** Newest first, with the rules that keep each. */
  readonly keep: readonly { readonly path: string; readonly because: readonly RetentionRule[] }[];
  /** Oldest first. */
  readonly remove: readonly string[];
}

/** Of each rule: which versions share a period, of which one is kept. */
const RULES: readonly (readonly [keyof RetentionPolicy, (date: Date, path: string) => string])[] = [
  ['last', (_, path) => path],
  ['daily', (date) => `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`],
  ['weekly', weekOf],
  ['monthly', (date) => `${date.getFullYear()}-${date.getMonth()}`],
];

/** Which versions go by this policy. Decides only: the same for a preview and for the deed. */
export function planRetention(versions: readonly RetentionVersion[], policy: RetentionPolicy): RetentionPlan {
  const newestFirst = [...versions].sort(
    (one, other) => other.date.getTime() - one.date.getTime() || (one.path < other.path ? 1 : -1),
  );
  const because = new Map<string, RetentionRule[]>(newestFirst.map(({ path }) => [path, []]));
  const rules = RULES.flatMap(([rule, periodOf]) => {
    const most = policy[rule] ?? 0;
    return most > 0 ? [{ rule, periodOf, most }] : [];
  });
  for (const { rule, periodOf, most } of rules) {
    const periods = new Set<string>();
    for (const version of newestFirst) {
      const period = periodOf(version.date, version.path);
      if (periods.has(period)) continue;
      if (periods.size >= most) break;
      periods.add(period);
      because.get(version.path)?.push(rule);
    }
  }
  // A device cannot go back to an older iOS, and its last backup from before the update is the only way to look back.
  const present = newestFirst.find(({ productVersion }) => productVersion !== undefined)?.productVersion;
  const before = newestFirst.find(({ productVersion }) => productVersion !== undefined && productVersion !== present);
  if (before && rules.length > 0) because.get(before.path)?.push('beforeUpdate');
  for (const { path, pinned } of newestFirst) {
    if (pinned) because.get(path)?.push('pinned');
    else if (rules.length === 0) because.get(path)?.push('noRules');
  }
  return {
    keep: [...because].flatMap(([path, reasons]) => (reasons.length > 0 ? [{ path, because: reasons }] : [])),
    remove: [...because].flatMap(([path, reasons]) => (reasons.length === 0 ? [path] : [])).reverse(),
  };
}

/** The Monday that the week begins with. */
function weekOf(date: Date): string {
  const monday = new Date(date.getFullYear(), date.getMonth(), date.getDate() - ((date.getDay() + 6) % 7));
  return `${monday.getFullYear()}-${monday.getMonth()}-${monday.getDate()}`;
}
