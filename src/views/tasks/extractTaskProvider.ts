import * as vscode from 'vscode';
import type { App } from '../../app/app';
import { TASK_TYPE } from './extractTask';
import { ExtractTerminal } from './extractTerminal';

/** Tasks of `tasks.json` that take files out of a backup. None is offered by itself: a target is always somebody's choice. */
export class ExtractTaskProvider implements vscode.TaskProvider {
  /** @param confirmed Keeps which folders outside of the workspace the person has agreed to. */
  constructor(
    private readonly app: App,
    private readonly confirmed: vscode.Memento,
  ) {}

  provideTasks(): vscode.Task[] {
    return [];
  }

  resolveTask(task: vscode.Task): vscode.Task {
    const { scope } = task;
    const execution = new vscode.CustomExecution((definition) => {
      const root = rootOf(scope);
      const { app, confirmed } = this;
      return Promise.resolve(new ExtractTerminal(app, { definition, root, confirmed }));
    });
    // VS Code wants the very same definition back.
    return new vscode.Task(task.definition, scope ?? vscode.TaskScope.Workspace, task.name, 'iOS Backup', execution);
  }
}

export function registerTasks(app: App, confirmed: vscode.Memento): vscode.Disposable {
  return vscode.tasks.registerTaskProvider(TASK_TYPE, new ExtractTaskProvider(app, confirmed));
}

/** The folder of the task, or the first one, if it is on this computer. */
function rootOf(scope: vscode.Task['scope']): string | undefined {
  const folder =
    typeof scope === 'object' ? scope : vscode.workspace.workspaceFolders?.find(({ uri }) => uri.scheme === 'file');
  return folder?.uri.scheme === 'file' ? folder.uri.fsPath : undefined;
}
