import * as vscode from 'vscode';
import type { App } from '../../app/app';
import type { DeviceNode } from './nodes';
import { treeItem } from './treeItem';

/** The connected devices. Empty states are in package.json (viewsWelcome). */
export class DevicesTree implements vscode.TreeDataProvider<DeviceNode>, vscode.Disposable {
  readonly #app: App;
  readonly #changed = new vscode.EventEmitter<undefined>();
  readonly #subscriptions: vscode.Disposable[] = [];
  readonly onDidChangeTreeData = this.#changed.event;
  #shown = '';

  constructor(app: App) {
    this.#app = app;
    this.#subscriptions.push(
      this.#changed,
      app.engine.onChange(() => this.#refresh()),
    );
  }

  getTreeItem(node: DeviceNode): vscode.TreeItem {
    return treeItem(node);
  }

  getChildren(node?: DeviceNode): DeviceNode[] {
    return node ? [] : deviceNodes(this.#app);
  }

  dispose(): void {
    vscode.Disposable.from(...this.#subscriptions).dispose();
  }

  /** Progress arrives ten times a second; the tree is redrawn only when a row would look different. */
  #refresh(): void {
    const shown = JSON.stringify(deviceNodes(this.#app).map((node) => [node.device, node.job && jobLook(node)]));
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#changed.fire(undefined);
  }
}

export function deviceNodes({ engine }: App): DeviceNode[] {
  const { devices = [], jobs = [] } = engine.state ?? {};
  return devices.map((device) => {
    const job = jobs.find(({ udid, outcome, kind }) => udid === device.udid && !outcome && kind !== 'pair');
    return { kind: 'device', device, ...(job ? { job } : {}) };
  });
}

function jobLook({ job }: DeviceNode): unknown {
  return job && [job.id, job.kind, job.progress.stage, Math.floor((job.progress.fraction ?? 0) * 100)];
}
