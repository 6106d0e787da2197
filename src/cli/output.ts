import { type ErrorData } from '../base/errors';
import type { Job } from '../engine/protocol';
import { formatBytes, formatDuration, formatNumber, formatPercent, formatRate } from '../texts/format';
import { problem } from '../texts/problems';
import { stageText } from '../texts/stages';

/** What a command has to say, for people or for programs. The last event is `done` or `failed`. */
export interface Output {
  /**
   * @param event `device`, `backup`, `progress` …, with its facts.
   * @param text The same for a person; nothing is printed for one if it is absent.
   */
  event(event: string, facts: object, text?: string): void;
  /** The last one, after success. */
  done(facts?: object, text?: string): void;
  failed(error: ErrorData): void;
  progress(job: Job): void;
}

type Write = (text: string) => void;

export function jsonOutput(write: Write): Output {
  const print = (event: string, facts: object) => write(`${JSON.stringify({ event, ...facts })}\n`);
  let last = '';
  return {
    event: print,
    done: (facts = {}) => print('done', facts),
    failed: ({ code, details, message }) => {
      const { text, next } = problem(code, details);
      print('failed', { code, message: text, next, details, log: message });
    },
    progress: ({ id, kind, progress }) => {
      const line = JSON.stringify({ job: id, kind, ...progress });
      if (line === last) return;
      last = line;
      print('progress', { job: id, kind, ...progress });
    },
  };
}

export interface Terminal {
  /** Results. */
  readonly out: Write;
  /** Progress and problems. */
  readonly err: Write;
  /** Columns, if `err` is a terminal that can redraw a line. */
  readonly columns: number | undefined;
}

export function textOutput({ out, err, columns }: Terminal): Output {
  let drawn = false;
  let stage = '';
  const clear = () => {
    if (drawn) err('\r\x1b[K');
    drawn = false;
  };
  const line = (text: string | undefined) => {
    clear();
    if (text !== undefined) out(`${printable(text)}\n`);
  };
  return {
    event: (_event, _facts, text) => line(text),
    done: (_facts, text) => line(text),
    failed: ({ code, details, message }) => {
      clear();
      const { text, next } = problem(code, details);
      // These two are about words of the person, or of us, that a table cannot know.
      const exact = code === 'wrongUsage' || code === 'unexpected' || code === 'notAllowed';
      err(`${exact ? `ios-backup: ${message}\n${code === 'wrongUsage' ? '' : `${text} `}` : `ios-backup: ${text} `}`);
      err(`${next}\n`);
    },
    progress: (job) => {
      if (columns !== undefined) {
        err(`\r${progressLine(job, columns)}\x1b[K`);
        drawn = true;
      } else if (job.progress.stage !== stage) {
        err(`${stageText(job.progress.stage)}\n`);
      }
      stage = job.progress.stage;
    },
  };
}

/** Names come from devices and backups: none of them may move the cursor, or write a title or the clipboard. */
function printable(text: string): string {
  // eslint-disable-next-line no-control-regex -- they are what is looked for
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\ufffd');
}

const BAR_LENGTH = 20;

/** `Copying files  ████████░░░░░░░░░░░░ 42 %  1.2 GB  340 files  56 MB/s  1:20` */
export function progressLine({ progress, startedAt }: Job, columns: number, now = Date.now()): string {
  const { stage, fraction, bytes, files, bytesPerSecond } = progress;
  const filled = Math.floor((fraction ?? 0) * BAR_LENGTH);
  const bar = fraction === undefined ? '' : '█'.repeat(filled) + '░'.repeat(BAR_LENGTH - filled);
  const parts = [
    stageText(stage),
    fraction === undefined ? '' : `${bar} ${formatPercent(fraction)}`,
    bytes > 0 ? formatBytes(bytes) : '',
    files > 0 ? `${formatNumber(files)} files` : '',
    bytesPerSecond > 0 ? formatRate(bytesPerSecond) : '',
    formatDuration(now - Date.parse(startedAt)),
  ];
  // A line that wraps cannot be redrawn.
  return [...parts.filter((part) => part !== '').join('  ')].slice(0, Math.max(10, columns - 1)).join('');
}
