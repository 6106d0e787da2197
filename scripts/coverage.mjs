/*
 * npm run coverage [-- FILE|FOLDER of src …]: runs the unit tests and says which parts of src none of them reaches. The
 * parts are V8's blocks (each arm of if, ?:, ??, &&, catch …), mapped back through the bundles' source maps; a part counts
 * as reached when it is in any bundle. Exit code 1 when something in the named files is not reached.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
/** What must be reached whole: what decides over bytes on disk, names, frames and keys. */
const CRITICAL = ['src/backups/store', 'src/backups/format', 'src/plist', 'src/device/usbmux', 'src/device/io'];

/** @returns for each source file: line → whether every part of it was reached in some bundle */
function reached(folder) {
  const files = new Map();
  for (const name of fs.readdirSync(folder).filter((name) => name.startsWith('coverage-'))) {
    const { result } = JSON.parse(fs.readFileSync(path.join(folder, name), 'utf8'));
    for (const script of result) addScript(script, files);
  }
  return files;
}

function addScript({ url, functions }, files) {
  if (!url.startsWith(pathToFileURL(bundles).href)) return;
  const file = fileURLToPath(url);
  const text = fs.readFileSync(file, 'utf8');
  const mark = text.lastIndexOf('sourceMappingURL=data:application/json;base64,');
  const payload = JSON.parse(Buffer.from(text.slice(text.indexOf(',', mark) + 1).trim(), 'base64').toString('utf8'));
  const counts = blockCounts(functions, text.length);
  const lines = lineStarts(text);
  for (const [line, column, source, sourceLine, sourceColumn] of segments(payload)) {
    const name = path.relative(root, path.resolve(path.dirname(file), payload.sources[source]));
    if (!name.startsWith(`src${path.sep}`)) continue;
    const parts = files.get(name) ?? files.set(name, new Map()).get(name);
    const key = `${sourceLine + 1}:${sourceColumn + 1}`;
    parts.set(key, (parts.get(key) ?? false) || counts(lines[line] + column) > 0);
  }
}

/** For each offset: how often the innermost block around it ran. V8 lists outer blocks before inner ones. */
function blockCounts(functions, length) {
  const ranges = functions
    .flatMap(({ ranges }) => ranges)
    .sort((a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset);
  const counts = new Float64Array(length + 1).fill(1);
  for (const { startOffset, endOffset, count } of ranges) counts.fill(count, startOffset, endOffset);
  return (offset) => counts[offset];
}

function lineStarts(text) {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

const DIGITS = new Map([...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].map((c, i) => [c, i]));

/** The parts of a source map (version 3): line and column in the bundle, number of the source, line and column there; all from 0. */
function* segments({ mappings }) {
  let [source, sourceLine, sourceColumn] = [0, 0, 0];
  for (const [line, part] of mappings.split(';').entries()) {
    let column = 0;
    for (const segment of part.split(',').filter((text) => text !== '')) {
      const numbers = base64Numbers(segment);
      column += numbers[0];
      if (numbers.length < 4) continue;
      source += numbers[1];
      sourceLine += numbers[2];
      sourceColumn += numbers[3];
      yield [line, column, source, sourceLine, sourceColumn];
    }
  }
}

function base64Numbers(text) {
  const numbers = [];
  let [value, shift] = [0, 0];
  for (const character of text) {
    const digit = DIGITS.get(character);
    value += (digit & 31) << shift;
    shift += 5;
    if (digit & 32) continue;
    numbers.push(value & 1 ? -(value >> 1) : value >> 1);
    [value, shift] = [0, 0];
  }
  return numbers;
}

function report(files) {
  let missing = 0;
  const total = { parts: 0, reached: 0 };
  for (const [name, parts] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!wanted.some((place) => name === place || name.startsWith(`${place}${path.sep}`))) continue;
    const open = [...parts].filter(([, reached]) => !reached).map(([key]) => Number(key.split(':')[0]));
    total.parts += parts.size;
    total.reached += parts.size - open.length;
    if (open.length === 0) continue;
    missing++;
    const lines = [...new Set(open)].sort((a, b) => a - b);
    console.log(`${name}  ${percent(parts.size - open.length, parts.size)}  lines ${lines.join(', ')}`);
  }
  if (total.parts === 0 || missing > 0) process.exitCode = 1;
  console.log(`${percent(total.reached, total.parts)} of ${total.parts} parts in ${wanted.join(', ')} reached`);
}

function percent(part, whole) {
  return `${((100 * part) / Math.max(1, whole)).toFixed(1)} %`;
}

const wanted = process.argv.length > 2 ? process.argv.slice(2) : CRITICAL;
const bundles = path.join(root, 'out', 'coverage');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'coverage-'));
try {
  const run = spawnSync(process.execPath, [path.join(root, 'test', 'run.mjs'), 'test/unit'], {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      NODE_V8_COVERAGE: folder,
      MOCHA_REPORTER: 'dot',
      KEEP_BUNDLES: bundles,
    },
  });
  if (run.status !== 0) process.exitCode = 1;
  report(reached(folder));
} finally {
  for (const place of [folder, bundles]) fs.rmSync(place, { recursive: true, force: true });
}
