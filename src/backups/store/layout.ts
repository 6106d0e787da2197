import path from 'node:path';

/**
 * What lies in a folder of backups. Finder, iTunes and idevicebackup2 show none of the names that begin with a dot.
 *
 * ```text
 * <folder>/<UDID>/                       the finished backup
 * <folder>/<UDID>-YYYYMMDD-HHMMSS/       earlier ones (Finder's naming)
 * <folder>/.<UDID>.partial/              the one being made
 *     <UDID>/  .b/                       as the device sees it
 *     .stage/                            our notes about it
 * <folder>/.ios-backup/                  our own storage
 *     <UDID>.lock  <UDID>.journal
 *     automatic/<name>                   marks: put aside by a commit, so that retention may remove it
 *     labels.json
 *     sidecars/<UDID>/<id>/              hashes and second copies
 *     building/<UDID>.…/                 copies that are being made
 *     trash/                             on its way out
 * ```
 */
export function layoutOf(folder: string) {
  const own = path.join(folder, '.ios-backup');
  return {
    own,
    finished: (udid: string) => path.join(folder, udid),
    partial: (udid: string) => path.join(folder, `.${udid}.partial`),
    lock: (udid: string) => path.join(own, `${udid}.lock`),
    journal: (udid: string) => path.join(own, `${udid}.journal`),
    automatic: path.join(own, 'automatic'),
    labels: path.join(own, 'labels.json'),
    sidecars: (udid: string) => path.join(own, 'sidecars', udid),
    trash: path.join(own, 'trash'),
    building: path.join(own, 'building'),
  };
}

/** Inside `.<UDID>.partial`. */
export function stageLayoutOf(partial: string, udid: string) {
  const stage = path.join(partial, '.stage');
  return {
    backup: path.join(partial, udid),
    stage,
    notes: path.join(stage, 'stage.json'),
    hashes: path.join(stage, 'hashes'),
    temporary: path.join(stage, 'tmp'),
    removed: path.join(stage, 'removed'),
    sidecar: path.join(stage, 'sidecar'),
    /** While an overlay is merged: the finished backup, what the merge replaced, and the names of what it brings. */
    base: path.join(stage, 'base'),
    undo: path.join(stage, 'undo'),
    incoming: path.join(stage, 'incoming'),
  };
}

/** The UDID in `.<UDID>.partial`. */
export function udidOfPartial(name: string): string | undefined {
  return /^\.([0-9A-Za-z][0-9A-Za-z-]{7,63})\.partial$/.exec(name)?.[1];
}

/** Finder's name for an archive, in local time like Finder's. */
export function versionName(udid: string, date: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${String(date.getFullYear()).padStart(4, '0')}${two(date.getMonth() + 1)}${two(date.getDate())}`;
  return `${udid}-${day}-${two(date.getHours())}${two(date.getMinutes())}${two(date.getSeconds())}`;
}

/** UDID and time of an archive's name; undefined for any other name. */
export function parseVersionName(name: string): { readonly udid: string; readonly date: Date } | undefined {
  const found = /^([0-9A-Za-z][0-9A-Za-z-]{7,63})-(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)$/.exec(name);
  if (!found?.[1]) return undefined;
  const [year, month, day, hour, minute, second] = found.slice(2).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const date = new Date(year, month - 1, day, hour, minute, second);
  return date.getMonth() === month - 1 && date.getDate() === day && hour < 24 ? { udid: found[1], date } : undefined;
}

/** A blob's name: 40 hex digits. Everything else in a backup may be rewritten by somebody and is never hard-linked. */
export function isBlobName(name: string): boolean {
  return /^[0-9a-f]{40}$/i.test(name);
}
