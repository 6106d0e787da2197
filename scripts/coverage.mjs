/*
 * npm run coverage [-- [--tests FILE|FOLDER]… FILE|FOLDER of src …]: runs the unit tests (or those named) and says which
 * parts of src none of them reaches. The parts are V8's blocks (each arm of if, ?:, ??, &&, catch …), mapped back through
 * the bundles' source maps; a part counts as reached when it is in any bundle. Exit code 1 when something in the named
 * files is not reached, except what EXCEPTIONS explains; without names, when something of WHOLE is not, or too little of
 * CRITICAL.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
/** What decides over bytes on disk, names, frames and keys. */
const CRITICAL = [
  'src/backups/store',
  'src/backups/format',
  'src/plist',
  'src/device/io',
  'src/device/usbmux',
  'src/device/lockdown/plistChannel.ts',
  'src/device/mobilebackup2/bufferedInput.ts',
  'src/device/mobilebackup2/deviceLink.ts',
  'src/device/services/afcPacket.ts',
];
/** Of it, in per cent of the parts. */
const LEAST_OF_ALL = 96;
/** What must be reached whole. */
const WHOLE = [
  'src/plist',
  'src/device/usbmux/frame.ts',
  'src/device/usbmux/muxAddress.ts',
  'src/device/usbmux/muxDevice.ts',
  'src/device/io/deadline.ts',
  'src/device/io/socketStream.ts',
  'src/device/lockdown/plistChannel.ts',
  'src/device/mobilebackup2/bufferedInput.ts',
  'src/device/mobilebackup2/deviceLink.ts',
  'src/device/services/afcPacket.ts',
  'src/backups/format/backupFile.ts',
  'src/backups/format/deriveKey.ts',
  'src/backups/format/fileCipher.ts',
  'src/backups/format/fileID.ts',
  'src/backups/format/fileRecord.ts',
  'src/backups/format/manifestMbdb.ts',
  'src/backups/format/manifestPlist.ts',
  'src/backups/format/recordCipher.ts',
  'src/backups/format/walSource.ts',
  'src/backups/store/diskErrors.ts',
  'src/backups/store/journal.ts',
  'src/backups/store/layout.ts',
  'src/backups/store/lines.ts',
  'src/backups/store/nameGuard.ts',
  'src/backups/store/pathInside.ts',
  'src/backups/store/previousHashes.ts',
  'src/backups/store/readBackupDate.ts',
  'src/backups/store/removals.ts',
  'src/backups/store/smallFiles.ts',
  'src/backups/store/stageNotes.ts',
  'src/backups/store/storeEntry.ts',
  'src/backups/store/storeReader.ts',
  'src/backups/store/trash.ts',
  'src/backups/store/verifyCopy.ts',
  'src/backups/store/writeFully.ts',
];
/** What no unit test can reach: the file, how the part begins, and why. */
const EXCEPTIONS = [['src/plist/binaryEncoder.ts', '6;', 'a list of more than 4 GiB']];

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
    if (!isIn(wanted, name)) continue;
    const open = unreached(name, parts);
    total.parts += parts.size;
    total.reached += parts.size - open.length;
    if (open.length === 0) continue;
    if (positionals.length > 0 || isIn(WHOLE, name)) missing++;
    console.log(`${name}  ${percent(parts.size - open.length, parts.size)}`);
    for (const { line, text } of oneALine(open)) console.log(`  ${line}: ${text}`);
  }
  console.log(`${percent(total.reached, total.parts)} of ${total.parts} parts in ${wanted.join(', ')} reached`);
  if (total.parts === 0 || missing > 0) process.exitCode = 1;
  if (positionals.length > 0) return;
  if (missing > 0) console.log(`${missing} of the files that must be reached whole are not`);
  if (total.reached >= (LEAST_OF_ALL / 100) * total.parts) return;
  console.log(`that is less than ${LEAST_OF_ALL} %`);
  process.exitCode = 1;
}

/** The parts that nothing reached, with what is written there, in their order. */
function unreached(name, parts) {
  const lines = fs.readFileSync(path.join(root, name), 'utf8').split('\n');
  return [...parts]
    .filter(([, reached]) => !reached)
    .map(([key]) => key.split(':').map(Number))
    .sort(([a, b], [c, d]) => a - c || b - d)
    .map(([line, column]) => ({ line, text: (lines[line - 1] ?? '').slice(column - 1).trim() }))
    .filter(({ text }) => !NOTHING.test(text))
    .filter(({ text }) => !EXCEPTIONS.some(([file, part]) => file === name && text.startsWith(part)));
}

/** Closing brackets: after a block that always throws, V8 counts them as a part that never runs. */
const NOTHING = /^[)}\];,]*$/;

function isIn(places, name) {
  return places.some(
    (place) => name === path.normalize(place) || name.startsWith(`${path.normalize(place)}${path.sep}`),
  );
}

function oneALine(open) {
  return [...new Map(open.toReversed().map((part) => [part.line, part])).values()].toReversed();
}

function percent(part, whole) {
  return `${((100 * part) / Math.max(1, whole)).toFixed(1)} %`;
}

const { values, positionals } = parseArgs({
  options: { tests: { type: 'string', multiple: true, default: ['test/unit'] } },
  allowPositionals: true,
});
const wanted = positionals.length > 0 ? positionals : CRITICAL;
const bundles = path.join(root, 'out', 'coverage');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'coverage-'));
try {
  const run = spawnSync(process.execPath, [path.join(root, 'test', 'run.mjs'), ...values.tests], {
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
