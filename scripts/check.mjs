// node scripts/check.mjs [types|lint|cycles|format …]: what a compiler and other readers can find. Without a name: all.
// TEST_RESULT=file: the counts as JSON, one per step.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const tool = (name, file) => path.join(root, 'node_modules', name, file);
const page = (view) => [tool('typescript', 'bin/tsc'), '--noEmit', '-p', `src/views/${view}/webview/tsconfig.json`];

const steps = {
  types: [tool('typescript', 'bin/tsc'), '--noEmit', '-p', '.'],
  'types of the page': page('generalTab'),
  'types of the page of databases': page('sqliteEditor'),
  lint: [tool('eslint', 'bin/eslint.js'), '--max-warnings=0', '.'],
  cycles: ['scripts/findCycles.mjs'],
  format: [tool('prettier', 'bin/prettier.cjs'), '--check', '--log-level=warn', '.'],
};

const named = process.argv.slice(2);
const wanted = Object.keys(steps).filter((name) => named.length === 0 || named.some((start) => name.startsWith(start)));
if (wanted.length === 0) {
  console.error(`no such step; there are ${Object.keys(steps).join(', ')}`);
  process.exit(2);
}

const outcomes = await inPairs(wanted, async (name) => {
  const start = Date.now();
  const { status, output } = await run(steps[name]);
  console.log(
    `${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${((Date.now() - start) / 1000).toFixed(1)} s)\n${output}`.trimEnd(),
  );
  return { title: name, ok: status === 0, error: output };
});
const failures = outcomes.filter(({ ok }) => !ok).map(({ title, error }) => ({ title, error }));
const result = {
  passed: outcomes.length - failures.length,
  failed: failures.length,
  skipped: 0,
  failures,
  ended: true,
};
if (process.env.TEST_RESULT) fs.writeFileSync(process.env.TEST_RESULT, JSON.stringify(result, null, 2));
process.exitCode = failures.length > 0 ? 1 : 0;

/** Two at a time: the steps are one thread each, and the smallest machine that this runs on has two cores. */
async function inPairs(items, work) {
  const results = [];
  const rest = items.entries();
  const worker = async () => {
    for (const [index, item] of rest) results[index] = await work(item);
  };
  await Promise.all([worker(), worker()]);
  return results;
}

function run(args) {
  return new Promise((resolve) => {
    // Colours only for a person at a terminal.
    const env = { ...process.env, ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : { NO_COLOR: '1' }) };
    const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (data) => (output += data));
    child.stderr.on('data', (data) => (output += data));
    child.on('close', (status) => resolve({ status, output }));
  });
}
