import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { ReaderProcess } from '../../../src/reader/client';
import { readTree } from '../../support/backupFolders';
import { secretText } from '../../support/leaks';
import { startReader } from '../../support/readerProcess';
import { presetNamed } from '../../virtualDevice/presets';
import { type End, FaultRig, told } from '../faultRig';
import { killFault, type KilledWork } from '../killFault';

const MOST_THREADS = 8;
const PASSWORD = 'CorrectHorseBatteryStaple';

/** Takes everything out of an encrypted backup. */
class KilledExtract implements KilledWork {
  #reader: ReaderProcess | undefined;
  #output: () => string = () => '';
  #good = '';
  /** What a run that nobody disturbed takes out. */
  #whole: Record<string, string> | undefined;

  constructor(
    readonly rig: FaultRig,
    private readonly target: string,
  ) {}

  async prepare(): Promise<void> {
    this.#good = await this.rig.goodBackup();
    fs.rmSync(this.target, { recursive: true, force: true });
    ({ reader: this.#reader, output: this.#output } = await startReader());
  }

  run(): Promise<End> {
    return told(() => this.#extract());
  }

  kill(): void {
    if (this.#reader?.pid !== undefined && !this.#reader.isEnded) process.kill(this.#reader.pid, 'SIGKILL');
  }

  async check(end: End): Promise<void> {
    this.#reader?.end();
    await this.#reader?.ended;
    assert.equal(this.#output(), '');
    await this.rig.assertStillThere(this.#good, PASSWORD);
    const { partial, whole } = this.#taken();
    this.#whole ??= whole;
    // One for each thread that was writing.
    assert.ok(partial.length <= (end.done ? 0 : MOST_THREADS), `left: ${partial.join(', ')}`);
    for (const [name, content] of Object.entries(whole)) {
      assert.equal(content, this.#whole[name], `${name} is under its name, and is not whole`);
    }
  }

  async again(): Promise<void> {
    ({ reader: this.#reader, output: this.#output } = await startReader());
    const end = await this.run();
    assert.ok(end.done, end.done ? '' : `the next try failed: ${end.error.code}`);
    this.#reader.end();
    await this.#reader.ended;
    assert.deepEqual(this.#taken(), { partial: [], whole: this.#whole });
  }

  async #extract(): Promise<void> {
    const reader = this.#reader ?? assert.fail('no reader');
    await reader.call('open', { folder: this.rig.finished, idleMs: 60_000 });
    await reader.call('unlock', { password: PASSWORD });
    const report = await reader.call('extract', { target: this.target, what: { kind: 'everything' } });
    assert.deepEqual(report.failed, []);
  }

  #taken(): { readonly partial: readonly string[]; readonly whole: Record<string, string> } {
    const all = fs.existsSync(this.target) ? readTree(this.target) : {};
    const isPartial = (name: string) => path.basename(name).startsWith('.extracting-');
    const whole = Object.fromEntries(Object.entries(all).filter(([name]) => !isPartial(name)));
    return { partial: Object.keys(all).filter(isPartial), whole };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#reader?.end();
    fs.rmSync(this.target, { recursive: true, force: true });
    await this.rig[Symbol.asyncDispose]();
  }
}

export const killExtract = killFault(
  {
    name: 'killExtract',
    what: 'SIGKILL of the reader at a random instant of taking files out of an encrypted backup',
    rounds: 25,
    short: 2,
  },
  async () => {
    const { content } = presetNamed('small');
    const groups = [
      { domain: 'HomeDomain', relativePath: 'Library/Caches', count: 500, size: 20_000 },
      { domain: 'CameraRollDomain', relativePath: 'Media/DCIM/100APPLE', count: 5, size: 3_000_000 },
    ];
    const rig = await FaultRig.start({ content: { ...content, groups }, state: { backupPassword: PASSWORD } });
    rig.passwords.push(secretText('the backup password', PASSWORD));
    return new KilledExtract(rig, fs.mkdtempSync(path.join(os.tmpdir(), 'faults-extract-')));
  },
);
