import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'mocha';
import { ExitCode } from '../../src/cli/command';
import { overview } from '../../src/cli/help';
import { commands } from '../../src/cli/table';

declare const PROJECT_ROOT: string;

describe('docs/command-line.md', () => {
  const text = fs.readFileSync(path.join(PROJECT_ROOT, 'docs', 'command-line.md'), 'utf8');

  it('lists the exit codes that there are, as the help does', () => {
    const listed = [...text.matchAll(/^\| (\d+) +\|/gm)].map(([, code]) => Number(code));
    assert.deepEqual(listed, Object.values(ExitCode));
    for (const code of listed) assert.match(overview(commands), new RegExp(`Exit codes:.*\\b${code} `));
  });

  it('names commands that there are', () => {
    const named = [...text.matchAll(/ios-backup ([a-z]+)/g)].map(([, name]) => name ?? '');
    assert.ok(named.length >= 2);
    assert.deepEqual(
      named.filter((name) => !Object.hasOwn(commands, name)),
      [],
    );
  });
});
