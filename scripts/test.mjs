// node scripts/test.mjs [suite …]: sets up, builds, and runs all suites, or the named ones.
// The last line is "N passed, N failed, N skipped". A suite that could not run counts as a failure.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandLineOf, processesWith } from './processesWith.mjs';
import { SetupError, setup } from './setup.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const minutes = 60_000;

/** needs: parts of the set-up. limit: a suite that hangs is ended then, in milliseconds; several times what it needs. */
const suites = {
  build: { command: ['esbuild.js', '--production'], needs: ['modules'], limit: 2 * minutes, counts: false },
  check: { command: ['scripts/check.mjs'], needs: ['modules'], limit: 15 * minutes },
  project: { command: ['test/run.mjs', 'test/project'], needs: ['modules'], limit: 8 * minutes, reporter: 'dot' },
  unit: { command: ['test/run.mjs', 'test/unit'], needs: ['modules'], limit: 10 * minutes, reporter: 'dot' },
  runtimes: { command: ['test/run.mjs', 'test/runtimes'], needs: ['modules', 'host', 'runtimes'], limit: 10 * minutes },
  device: { command: ['test/run.mjs', 'test/device'], needs: ['modules', 'peers'], limit: 25 * minutes },
  extension: { command: ['test/runExtension.mjs'], needs: ['modules', 'host', 'browser'], limit: 10 * minutes },
  ui: { command: ['test/run.mjs', 'test/ui'], needs: ['modules', 'host', 'browser'], limit: 20 * minutes },
  faults: { command: ['test/run.mjs', 'test/faults'], needs: ['modules', 'peers'], limit: 10 * minutes },
};

const named = process.argv.slice(2);
const unknown = named.filter((name) => !(name in suites));
if (unknown.length > 0) {
  console.error(`no such suite: ${unknown.join(', ')} (there are ${Object.keys(suites).join(', ')})`);
  process.exit(2);
}
const wanted = Object.keys(suites).filter((name) => named.length === 0 || name === 'build' || named.includes(name));

const running = new Set();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop(signal));

const ready = new Map();
const outcomes = [];
for (const name of wanted) outcomes.push(await runSuite(name));
summary();

async function runSuite(name) {
  const { command, needs, limit, reporter = 'spec', counts = true } = suites[name];
  console.log(`\n=== ${name}`);
  const start = Date.now();
  const outcome = (result) => ({ name, ms: Date.now() - start, ...result });
  const broken = (error) => {
    console.log(error);
    return outcome({ passed: 0, failed: 1, skipped: 0, failures: [{ title: 'could not run', error }] });
  };
  const lacking = needs.map(prepare).filter(Boolean);
  if (lacking.length > 0) return broken(lacking.join('\n'));

  // A folder for all temporary files of the suite. Its name is short, because paths of Unix sockets have to be.
  const folder = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 't-'));
  const temporary = path.join(folder, 't');
  fs.mkdirSync(temporary);
  const file = path.join(folder, 'result.json');
  const env = { TEST_RESULT: file, TMPDIR: temporary, MOCHA_REPORTER: process.env.MOCHA_REPORTER ?? reporter };
  const { status, late } = await run(command, env, limit);
  const result = readResult(file);
  await sweep(name, temporary);
  fs.rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });

  if (late) return broken(`${command.join(' ')} was ended after ${limit / minutes} minutes`);
  if (!counts)
    return status === 0
      ? outcome({ passed: 0, failed: 0, skipped: 0, failures: [] })
      : broken(`${command.join(' ')} ended with ${status}`);
  // The exit code and the counts have to agree, and something has to have run.
  if (!result?.ended) return broken(`${command.join(' ')} ended with ${status} and without a result`);
  if (result.passed + result.failed === 0) return broken(`${command.join(' ')} ran no test`);
  if (status !== 0 && result.failed === 0)
    return broken(`${command.join(' ')} ended with ${status}, though no test failed`);
  return outcome(result);
}

/** Ends and deletes what a suite has left behind, and says so. */
async function sweep(name, temporary) {
  // What was told to end gets a moment to do so.
  let processes = processesWith('TMPDIR', temporary);
  for (const end = Date.now() + 3000; processes.length > 0 && Date.now() < end;) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    processes = processesWith('TMPDIR', temporary);
  }
  const files = fs.readdirSync(temporary);
  for (const pid of processes) {
    console.log(`${name} left a process behind: ${pid} ${commandLineOf(pid)}`);
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It is gone.
    }
  }
  if (files.length > 0)
    console.log(`${name} left ${files.length} temporary files behind: ${files.slice(0, 20).join(' ')}`);
}

/** Sets one part up, once. Answers why it could not. */
function prepare(part) {
  if (!ready.has(part)) {
    try {
      setup([part]);
      ready.set(part, undefined);
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      ready.set(part, error.message);
    }
  }
  return ready.get(part);
}

function run(command, env, limit) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, command, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: process.platform !== 'win32', // a group of its own, so that all it started can be ended
    });
    running.add(child);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      end(child, 'SIGTERM');
      setTimeout(() => end(child, 'SIGKILL'), 10_000).unref();
    }, limit);
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      running.delete(child);
      resolve({ status: status ?? signal, late });
    });
  });
}

function end(child, signal) {
  try {
    if (process.platform === 'win32') child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch {
    // It is gone.
  }
}

function stop(signal) {
  for (const child of running) end(child, signal);
  process.exit(130);
}

function readResult(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function summary() {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const { name, failures } of outcomes) {
    for (const { title, error } of failures) console.log(`\nFAILED ${name}: ${title}\n${indent(lastLines(error, 60))}`);
  }
  console.log('');
  for (const { name, ms, passed, failed, skipped } of outcomes) {
    total.passed += passed;
    total.failed += failed;
    total.skipped += skipped;
    console.log(
      `${name.padEnd(10)} ${passed} passed, ${failed} failed, ${skipped} skipped (${(ms / 1000).toFixed(1)} s)`,
    );
  }
  process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
}

function lastLines(text, count) {
  const lines = text.trimEnd().split('\n');
  return lines.length <= count ? lines.join('\n') : ['…', ...lines.slice(-count)].join('\n');
}

function indent(text) {
  return text.replace(/^/gm, '    ');
}
