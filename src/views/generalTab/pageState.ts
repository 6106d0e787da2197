import type { Job } from '../../engine/protocol';
import { backupState } from './backupState';
import { headerState } from './headerState';
import { historyRow } from './historyRow';
import { jobState } from './jobState';
import { lastBackup } from './lastBackup';
import { noticeState } from './noticeState';
import { optionsState } from './optionsState';
import type { PageFacts } from './pageFacts';
import { placeState } from './placeState';
import type { PageState } from './protocol';
import { reminderState } from './reminderState';
import { resultState } from './resultState';

const HISTORY_ROWS = 8;

/** The page for a device. Pure: same facts, same page. */
export function pageState(facts: PageFacts): PageState {
  const device = facts.engine?.devices.find(({ udid }) => udid === facts.udid);
  const jobs = (facts.engine?.jobs ?? []).filter(({ udid }) => udid === facts.udid);
  const running = jobs.find(({ outcome, kind }) => !outcome && kind !== 'pair');
  const ended = jobs.findLast(isResult);
  const pairing = jobs.some(({ outcome, kind }) => !outcome && kind === 'pair');
  const notice = noticeState(device, pairing, facts);
  // What the device once told is not shown while it may be old.
  const details = notice ? undefined : device?.details;
  const last = lastBackup(facts);
  const busy = running !== undefined;
  const reminder = busy ? undefined : reminderState(facts, last);
  return {
    udid: facts.udid,
    header: headerState(device, last, facts),
    ...(notice ? { notice } : {}),
    ...(running ? { job: jobState(running, facts.now) } : {}),
    ...(ended && !running ? { result: resultState(ended, facts.platform) } : {}),
    ...(reminder ? { reminder } : {}),
    ...(details || last || running || ended ? { backup: backupState(facts, { last, details, busy }) } : {}),
    ...(details ? { place: placeState(facts, details, busy) } : {}),
    ...(details ? { options: optionsState(facts, details) } : {}),
    history: facts.history.slice(0, HISTORY_ROWS).map((entry) => historyRow(entry, facts.platform)),
  };
}

/** The device's own state tells how pairing went, and the choice itself that it was set. */
function isResult({ kind, outcome }: Job): boolean {
  if (!outcome || kind === 'pair') return false;
  return kind !== 'cloud' || outcome.kind === 'failed';
}
