import assert from 'node:assert/strict';
import * as vscode from 'vscode';

export interface Manifest {
  readonly activationEvents: readonly string[];
  readonly contributes: {
    readonly commands: readonly { readonly command: string; readonly title: string }[];
    readonly menus: Readonly<Record<string, readonly { readonly command?: string; readonly when?: string }[]>>;
    readonly views: Readonly<Record<string, readonly { readonly id: string }[]>>;
    readonly viewsWelcome: readonly { readonly view: string; readonly when?: string; readonly contents: string }[];
    readonly walkthroughs: readonly {
      readonly steps: readonly {
        readonly id: string;
        readonly description: string;
        readonly media: { readonly svg?: string };
        readonly completionEvents: readonly string[];
      }[];
    }[];
    readonly configuration: {
      readonly properties: Readonly<
        Record<string, { readonly scope?: string; readonly type?: string; readonly default?: unknown }>
      >;
    };
  };
}

export function extension(): vscode.Extension<unknown> {
  const found = vscode.extensions.getExtension('ios-backup.ios-backup');
  assert.ok(found, 'the extension is not there');
  return found;
}

/** With the texts of package.nls.json filled in, as VS Code sees it. */
export function manifest(): Manifest {
  return extension().packageJSON as Manifest;
}
