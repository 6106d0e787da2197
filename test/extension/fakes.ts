import * as vscode from 'vscode';
import type { EngineSession } from '../../src/app/engineSession';
import type { EngineState } from '../../src/engine/protocol';

/** Keeps what it is given, as VS Code does over a restart. */
export function fakeMemento(): vscode.Memento {
  const kept = new Map<string, unknown>();
  return {
    keys: () => [...kept.keys()],
    get: <T>(key: string, otherwise?: T) => (kept.has(key) ? (structuredClone(kept.get(key)) as T) : otherwise) as T,
    update: (key, value) => {
      if (value === undefined) kept.delete(key);
      else kept.set(key, structuredClone(value));
      return Promise.resolve();
    },
  };
}

/** A keychain; `kept` is what somebody who looks into it sees. */
export function fakeSecrets(): vscode.SecretStorage & { readonly kept: Map<string, string> } {
  const kept = new Map<string, string>();
  return {
    kept,
    get: (key: string) => Promise.resolve(kept.get(key)),
    store: (key: string, value: string) => Promise.resolve(void kept.set(key, value)),
    delete: (key: string) => Promise.resolve(void kept.delete(key)),
    onDidChange: new vscode.EventEmitter<vscode.SecretStorageChangeEvent>().event,
  };
}

type Call = (method: string, params: unknown) => Promise<unknown>;

/** A session whose state and answers a test decides. */
export class FakeSession {
  readonly changed = new vscode.EventEmitter<void>();
  readonly onChange = this.changed.event;
  readonly calls: { readonly method: string; readonly params: unknown }[] = [];
  readonly session = 'connected';
  state: EngineState | undefined;

  constructor(private readonly answer: Call = () => Promise.resolve(null)) {}

  call(method: string, params: unknown): Promise<unknown> {
    this.calls.push({ method, params });
    return this.answer(method, params);
  }

  show(state: EngineState): void {
    this.state = state;
    this.changed.fire();
  }

  /** As the code under test takes it. */
  get asSession(): EngineSession {
    return this as unknown as EngineSession;
  }
}
