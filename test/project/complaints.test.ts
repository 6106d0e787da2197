import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'mocha';

declare const PROJECT_ROOT: string;

const COMPLAINTS = 76;
/** What a row may say where no test can. */
const PLAIN = /Not answered|Cannot be answered by any program, because |Only a real device can show it/;

interface Row {
  readonly name: string;
  readonly cells: readonly string[];
}

describe('docs/complaints.md', () => {
  const text = fs.readFileSync(path.join(PROJECT_ROOT, 'docs', 'complaints.md'), 'utf8');
  const rows: readonly Row[] = text
    .split('\n')
    .filter((line) => /^\| (?!---|No\.|In Finder)/.test(line))
    .map((line) => {
      const cells = line.slice(2, -2).split(/(?<!\\) \| /);
      return { name: cells[0] ?? '', cells };
    });
  const cited = rows.flatMap(({ name, cells }) =>
    [...(cells.at(-1) ?? '').matchAll(/`(test\/[^`]+)` – (.+?)(?=<br>|$)/g)].map(([, file = '', title = '']) => ({
      name,
      file,
      title: title.replaceAll('\\|', '|'),
    })),
  );

  it('has a row for every complaint, and one for each control of Finder', () => {
    const numbers = rows.filter(({ cells }) => cells.length === 4).map(({ name }) => Number(name));
    assert.deepEqual(
      numbers,
      Array.from({ length: COMPLAINTS }, (_, index) => index + 1),
    );
    assert.ok(rows.filter(({ cells }) => cells.length === 3).length > 10);
    assert.deepEqual(
      rows.filter(({ cells }) => (cells.length !== 3 && cells.length !== 4) || cells.includes('')),
      [],
    );
  });

  it('shows each answer by a test, or says plainly why there is none', () => {
    const without = rows.filter(
      ({ name, cells }) => !cited.some((one) => one.name === name) && !PLAIN.test(cells.join()),
    );
    assert.deepEqual(without, []);
  });

  it('names tests that exist, by file and title', () => {
    assert.ok(cited.length > COMPLAINTS);
    assert.deepEqual(
      cited.filter(({ file, title }) => !hasTest(file, title)),
      [],
    );
  });

  it('would notice a title that does not exist', () => {
    for (const { file, title } of cited) assert.ok(!hasTest(file, `${title} and more`), title);
    assert.ok(!hasTest('test/no/such.test.ts', 'anything'));
  });
});

interface Title {
  readonly pattern: RegExp;
  /** Where the values of a template must come from. */
  readonly sources: string;
}

const known = new Map<string, readonly Title[]>();

/** Whether the file has a test of that title. What a template fills in must be written beside it, or in the vectors. */
function hasTest(file: string, title: string): boolean {
  return titlesOf(file).some(({ pattern, sources }) => {
    const filled = pattern.exec(title)?.slice(1);
    return filled?.every((value) => sources.includes(value)) === true;
  });
}

/** None without the file. */
function titlesOf(file: string): readonly Title[] {
  let titles = known.get(file);
  if (!titles) {
    const place = path.join(PROJECT_ROOT, file);
    const source = fs.existsSync(place) ? fs.readFileSync(place, 'utf8') : '';
    const found = source.matchAll(/\b(?:it|test)\(\s*(?:'((?:[^'\\]|\\.)+)'|"((?:[^"\\]|\\.)+)"|`((?:[^`\\]|\\.)+)`)/g);
    const sources =
      source && textsOf(path.dirname(place), '.ts') + textsOf(path.join(PROJECT_ROOT, 'test/vectors'), '.json');
    titles = [...found].map(([, single, double, template]) => ({
      pattern: patternOf(single ?? double ?? '', template),
      sources,
    }));
    known.set(file, titles);
  }
  return titles;
}

function textsOf(folder: string, ending: string): string {
  const names = fs.readdirSync(folder).filter((name) => name.endsWith(ending));
  return names.map((name) => fs.readFileSync(path.join(folder, name), 'utf8')).join('\n');
}

function patternOf(plain: string, template: string | undefined): RegExp {
  const exactly = (text: string) => text.replace(/\\(.)/g, '$1').replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  // Inside of ${…} there may be one more pair of braces.
  const parts = template?.split(/\$\{(?:[^{}]|\{[^{}]*\})*\}/) ?? [plain];
  return new RegExp(`^${parts.map(exactly).join('(.+)')}$`);
}
