import assert from 'node:assert/strict';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Eslint from 'eslint';
import { before, describe, it } from 'mocha';

const rule = '@typescript-eslint/no-restricted-imports';

/** File, what it imports, and whether a layer forbids it. */
const cases: readonly (readonly [file: string, code: string, verdict: 'fits' | 'forbidden'])[] = [
  ['src/base/a.ts', `import { a } from '../plist';`, 'forbidden'],
  ['src/plist/a.ts', `import { a } from '../device';`, 'forbidden'],
  ['src/plist/a.ts', `import a from 'bplist-parser'; import { b } from '../base/errors';`, 'fits'],
  ['src/device/x/a.ts', `import * as vscode from 'vscode';`, 'forbidden'],
  ['src/device/x/a.ts', `import { a } from '../../views/tree';`, 'forbidden'],
  ['src/device/x/a.ts', `import { a } from '../../texts/problems';`, 'forbidden'],
  ['src/device/x/a.ts', `import { a } from '../../plist/binaryDecoder';`, 'forbidden'],
  ['src/device/x/a.ts', `import { a } from '../../plist'; import { b } from '../io/stream';`, 'fits'],
  ['src/device/x/a.ts', `import { a } from '../../backups';`, 'forbidden'],
  ['src/backups/store/a.ts', `import type { A } from '../../device';`, 'fits'],
  ['src/backups/store/a.ts', `import { A } from '../../device';`, 'forbidden'],
  ['src/backups/store/a.ts', `import { A } from '../../engine/jobs';`, 'forbidden'],
  ['src/engine/main.ts', `import { a } from '../device'; import { b } from '../backups/index';`, 'fits'],
  ['src/engine/main.ts', `import { a } from '../device/usbmux/client';`, 'forbidden'],
  ['src/engine/main.ts', `import * as vscode from 'vscode';`, 'forbidden'],
  ['src/engine/client.ts', `import { a } from '../device';`, 'forbidden'],
  ['src/engine/client.ts', `import type { A } from '../device'; import { b } from 'vscode-jsonrpc/node';`, 'fits'],
  ['src/cli.ts', `import { a } from './device'; import { b } from './texts/problems';`, 'fits'],
  ['src/cli.ts', `import { a } from './device/lockdown/pair';`, 'forbidden'],
  ['src/cli.ts', `import * as vscode from 'vscode';`, 'forbidden'],
  ['src/texts/a.ts', `import * as vscode from 'vscode';`, 'forbidden'],
  ['src/texts/a.ts', `import * as l10n from '@vscode/l10n'; import type { A } from '../base/errors';`, 'fits'],
  ['src/views/a.ts', `import { a } from '../device';`, 'forbidden'],
  ['src/views/a.ts', `import { a } from '../engine/main';`, 'forbidden'],
  ['src/views/a.ts', `import type { A } from '../device'; import * as vscode from 'vscode';`, 'fits'],
  ['src/views/a.ts', `import { a } from '../engine/client'; import { b } from '../texts/problems';`, 'fits'],
  ['test/virtualDevice/a.ts', `import { a } from '../../src/device/lockdown/pair';`, 'forbidden'],
  ['test/virtualDevice/a.ts', `import { a } from '../../src/device';`, 'forbidden'],
  [
    'test/virtualDevice/a.ts',
    `import { a } from '../../src/device/io/a'; import { b } from '../../src/plist';`,
    'fits',
  ],
];

describe('layers', () => {
  let linter: Eslint.Linter;
  let config: Eslint.Linter.Config[];

  before(async function () {
    this.timeout(30_000);
    // Loaded from where they are: a linter does not take to being bundled.
    const load = (file: string) => import(pathToFileURL(path.join(PROJECT_ROOT, file)).href) as Promise<unknown>;
    const { Linter } = (await load('node_modules/eslint/lib/api.js')) as typeof Eslint;
    const { default: all } = (await load('eslint.config.mjs')) as { default: Eslint.Linter.Config[] };
    // Only the layers and what they need; rules that ask for types would ask for a whole program.
    const plugin = all.find(({ plugins }) => plugins?.['@typescript-eslint']);
    const layers = all.filter(({ files, rules }) => files && rules && rule in rules);
    const { parser } =
      plugin?.languageOptions ?? all.find(({ languageOptions }) => languageOptions?.parser)?.languageOptions ?? {};
    assert.ok(plugin?.plugins && parser && layers.length > 0);
    config = [{ files: ['**/*.ts'], plugins: plugin.plugins, languageOptions: { parser } }, ...layers];
    linter = new Linter({ cwd: PROJECT_ROOT });
  });

  for (const [file, code, verdict] of cases) {
    it(`${file}: ${code} – ${verdict}`, () => {
      const messages = linter.verify(code, config, { filename: path.join(PROJECT_ROOT, file) });
      assert.deepEqual(
        messages.filter(({ fatal }) => fatal),
        [],
      );
      assert.equal(messages.some(({ ruleId }) => ruleId === rule) ? 'forbidden' : 'fits', verdict);
    });
  }
});
