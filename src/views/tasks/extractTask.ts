import { t } from '@vscode/l10n';
import { TaskProblem } from './taskProblem';

export const TASK_TYPE = 'ios-backup';

/** What a task of this type takes out of which backup, as `tasks.json` says it. */
export interface ExtractTask {
  /** UDID or name; may be left out where all backups are of one device. */
  readonly device?: string;
  /** Label, folder name or whole path; else the newest finished one. */
  readonly backup?: string;
  readonly what: { readonly app: string } | { readonly path: string };
  /** Folder; a relative one is below the workspace folder. */
  readonly to: string;
}

/** Reads a task's definition, which anybody may have written. @throws TaskProblem */
export function readExtractTask(definition: Readonly<Record<string, unknown>>): ExtractTask {
  const text = (name: string) => {
    const value = definition[name];
    if (value === undefined) return undefined;
    if (typeof value !== 'string' || value.trim() === '' || value.includes('\0'))
      throw new TaskProblem(t('“{0}” of the task has to be a text that is not empty.', name));
    return value;
  };
  const [device, backup, app, path, to] = [text('device'), text('backup'), text('app'), text('path'), text('to')];
  if (to === undefined) throw new TaskProblem(t('The task does not say in “to” which folder to extract to.'));
  return {
    ...(device !== undefined && { device }),
    ...(backup !== undefined && { backup }),
    what: readWhat(app, path),
    to,
  };
}

function readWhat(app: string | undefined, path: string | undefined): ExtractTask['what'] {
  if (app !== undefined && path === undefined) {
    if (!/^[\w.-]+$/.test(app)) throw new TaskProblem(t('“{0}” is not a bundle identifier.', app));
    return { app };
  }
  const plain = path?.replace(/^\/+|\/+$/g, '') ?? '';
  if (app !== undefined || plain === '')
    throw new TaskProblem(t('The task has to say what to extract: either “app” or “path”.'));
  return { path: plain };
}
