import fs from 'node:fs';
import path from 'node:path';
import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import { TaskProblem } from './taskProblem';

const KEY = 'iosBackup.confirmedTaskFolders';

/**
 * The folder that a task writes to. One inside the workspace folder is taken as it is; any other one has to be empty, and
 * the person is asked once, because what a workspace brings along must not write elsewhere by itself.
 * @param root The task's workspace folder, if it is on this computer.
 * @returns undefined if the person says no.
 * @throws TaskProblem
 */
export async function taskTarget(
  to: string,
  root: string | undefined,
  confirmed: vscode.Memento,
): Promise<string | undefined> {
  if (root === undefined && !path.isAbsolute(to))
    throw new TaskProblem(t('There is no workspace folder that “{0}” could be in.', to));
  const target = await realPlace(path.resolve(root ?? '', to));
  if (root !== undefined && isInside(target, await realPlace(root))) return target;
  if (!(await isEmpty(target)))
    throw new TaskProblem(
      t('{0} is outside of the workspace and not empty. There a task writes only to an empty folder.', target),
    );
  const known = confirmed.get<readonly string[]>(KEY) ?? [];
  if (known.includes(target)) return target;
  const go = t('Extract There');
  const answer = await vscode.window.showWarningMessage(
    t('A task of this workspace extracts files of a backup to a folder outside of the workspace.'),
    { modal: true, detail: target },
    go,
  );
  if (answer !== go) return undefined;
  await confirmed.update(KEY, [...known, target]);
  return target;
}

/** Where a path leads, links resolved as far as it exists. */
async function realPlace(place: string): Promise<string> {
  try {
    return await fs.promises.realpath(place);
  } catch (error) {
    const parent = path.dirname(place);
    // A link to nothing is there, and could lead anywhere once it is followed.
    if (!isMissing(error) || parent === place || (await isLink(place))) throw notUsable(place, error);
    return path.join(await realPlace(parent), path.basename(place));
  }
}

async function isLink(place: string): Promise<boolean> {
  return fs.promises.lstat(place).then(
    (stat) => stat.isSymbolicLink(),
    () => false,
  );
}

async function isEmpty(folder: string): Promise<boolean> {
  try {
    return (await fs.promises.readdir(folder)).length === 0;
  } catch (error) {
    if (isMissing(error)) return true;
    throw notUsable(folder, error);
  }
}

function isInside(place: string, root: string): boolean {
  const relative = path.relative(root, place);
  return relative === '' || !(relative === '..' || relative.startsWith(`..${path.sep}`) || path.isAbsolute(relative));
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function notUsable(place: string, cause: unknown): TaskProblem {
  return new TaskProblem(t('{0} cannot be used as a folder.', place), { cause });
}
