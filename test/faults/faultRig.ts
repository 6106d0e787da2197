import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { delay } from '../../src/base/abort';
import { type AppError, isAppError } from '../../src/base/errors';
import { verifyBackup } from '../../src/backups';
import type { EngineClient } from '../../src/engine/client';
import { problem } from '../../src/texts/problems';
import { type EngineHome, makeEngineHome } from '../support/engineProcess';
import { leaksBelow, secretText, type Secret } from '../support/leaks';
import { until } from '../support/until';
import { startVirtualDevice, type VirtualDeviceProcess } from '../support/virtualDeviceProcess';
import type { ContentDescription } from '../virtualDevice/description';
import { presetNamed } from '../virtualDevice/presets';
import type { StateSwitches } from '../virtualDevice/description';
import { treeHash } from './treeHash';

/** However it ends, a person is told within this time. */
const TOLD_WITHIN_MS = 60_000;
const MARKER = 'PlaintextOfASecretNote4711';

export type End = { readonly done: true } | { readonly done: false; readonly error: AppError };

export interface RigOptions {
  /** Where backups go; absent: a fresh folder. */
  readonly folder?: string;
  readonly content?: ContentDescription;
  readonly state?: Partial<StateSwitches>;
  /** Another program than the engine's own, and more of its environment. */
  readonly program?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Where the virtual device listens. */
  readonly socket?: string;
}

/** A few files of each size that takes a way of its own to the disk, and one with words that nobody may find elsewhere. */
const SMALL_CONTENT: ContentDescription = {
  files: [
    {
      domain: 'HomeDomain',
      relativePath: 'Library/Notes/secret.txt',
      kind: 'file',
      content: Buffer.from(MARKER.repeat(40)).toString('base64'),
    },
  ],
  groups: [
    { domain: 'HomeDomain', relativePath: 'Library/Caches', count: 60, size: 3000 },
    { domain: 'CameraRollDomain', relativePath: 'Media/DCIM/100APPLE', count: 4, size: 300_000 },
  ],
};

/**
 * A phone, an engine and a folder with one good backup, to do harm to. After every harm the same is asked: is the last
 * good backup still there byte for byte, was a person told in time and in words, is nothing changed or left elsewhere,
 * and does the next backup succeed?
 */
export class FaultRig implements AsyncDisposable {
  /** Passwords, which must not be in any file. */
  readonly passwords: Secret[] = [];
  /** Whether files of the phone may be found as they are in backups. */
  encrypted = false;
  #changes = 0;
  #client: EngineClient | undefined;
  readonly #around: string;

  private constructor(
    readonly phone: VirtualDeviceProcess,
    readonly home: EngineHome,
    readonly folder: string,
    readonly udid: string,
    /** What the engine has no business in lies beside the folder of backups. */
    private readonly place: string,
  ) {
    this.#around = this.around();
  }

  static async start(options: RigOptions = {}): Promise<FaultRig> {
    const description = presetNamed('small', {
      content: options.content ?? SMALL_CONTENT,
      ...(options.state && { state: options.state }),
    });
    const phone = await startVirtualDevice([description], options.socket ? { socket: options.socket } : {});
    const place = fs.mkdtempSync(path.join(os.tmpdir(), 'faults-'));
    const temporary = path.join(place, 'tmp');
    const folder = options.folder ?? path.join(place, 'backups');
    fs.mkdirSync(temporary);
    fs.mkdirSync(folder, { recursive: true });
    fs.mkdirSync(path.join(place, 'neighbour'));
    fs.writeFileSync(path.join(place, 'neighbour', 'file'), 'of somebody else');
    const home = await makeEngineHome({
      muxAddress: phone.address,
      idleMs: 60_000,
      env: { TMPDIR: temporary, ...options.env },
      ...(options.program && { program: options.program }),
    });
    const rig = new FaultRig(phone, home, folder, description.udid, place);
    try {
      const client = await rig.client();
      await until(() => client.state.devices.length > 0);
      await client.call('pair', { udid: rig.udid });
      return rig;
    } catch (error) {
      await rig[Symbol.asyncDispose]();
      throw error;
    }
  }

  get finished(): string {
    return path.join(this.folder, this.udid);
  }

  get partial(): string {
    return path.join(this.folder, `.${this.udid}.partial`);
  }

  get versions(): readonly string[] {
    const names = fs.readdirSync(this.folder).filter((name) => name.startsWith(`${this.udid}-`));
    return names.sort().map((name) => path.join(this.folder, name));
  }

  /** Of an engine that lives. */
  async client(): Promise<EngineClient> {
    if (this.#client?.connection !== 'connected' || !this.home.enginePids().includes(this.#client.info.pid)) {
      this.#client?.dispose();
      this.#client = await this.home.connect();
    }
    return this.#client;
  }

  /** The engine knows the phone: one that has just started, or a phone that has come back, needs a moment. */
  async known(): Promise<void> {
    const client = await this.client();
    const isKnown = () =>
      client.state.devices.some(({ udid, trust }) => udid === this.udid && trust.kind === 'trusted');
    for (const end = Date.now() + 15_000; !isKnown(); await delay(10)) {
      assert.ok(Date.now() < end, `the engine does not see the phone: ${JSON.stringify(client.state.devices)}`);
    }
  }

  /** After the phone was away: it is there, and the engine has spoken with it. */
  async back(): Promise<void> {
    await until(async () => (await this.phone.device.summary()).attachments.length > 0);
    const client = await this.client();
    await until(() =>
      client.call('refreshDevice', { udid: this.udid }).then(
        ({ trust }) => trust.kind === 'trusted',
        () => false,
      ),
    );
    await this.known();
  }

  /** Changes something on the phone, so that the next backup has work to do. */
  async change(count = 12): Promise<void> {
    await this.phone.device.changeFiles(count, ++this.#changes);
  }

  /** @throws AssertionError if nobody is told how it ended, or not in words. */
  async run(work: (client: EngineClient) => Promise<unknown>, withinMs?: number): Promise<End> {
    await this.known();
    const client = await this.client();
    return told(() => work(client), withinMs);
  }

  /** Runs a backup to its end. */
  backUp({ signal, full }: { readonly signal?: AbortSignal; readonly full?: boolean } = {}): Promise<End> {
    const params = { udid: this.udid, folder: this.folder, ...(full && { full }) };
    return this.run((client) => client.call('backUp', params, signal ? { signal } : {}));
  }

  /** Ends every engine of this rig at once, as the system does when it has no memory left. */
  async killEngine(): Promise<void> {
    const pids = this.home.enginePids();
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await until(() => !this.home.enginePids().some((pid) => pids.includes(pid)));
  }

  /** The backup that must survive: its hash now. */
  async goodBackup(): Promise<string> {
    if (!fs.existsSync(this.finished)) await this.mustSucceed();
    return treeHash(this.finished) ?? assert.fail('there is no finished backup');
  }

  /** At this instant, before anything is recovered: the good backup is here, whole, under one of its two names. */
  async assertStillThere(good: string, password?: string): Promise<void> {
    // What was good is the finished one or the version put aside last.
    const found = [this.finished, ...this.versions.toReversed()].find((place) => treeHash(place) === good);
    assert.ok(found, `the last good backup is gone or changed; there are ${fs.readdirSync(this.folder).join(', ')}`);
    await assertSound(found, password);
    this.assertNothingElsewhere();
  }

  /** The next backup succeeds, and equals the phone. */
  async mustSucceed(password?: string): Promise<void> {
    const end = await this.backUp();
    assert.ok(end.done, end.done ? '' : `the next backup failed: ${end.error.code} ${end.error.message}`);
    assert.deepEqual(await this.phone.device.compareFolder(this.folder, password), []);
    await assertSound(this.finished, password);
    await this.assertNothingLeft();
  }

  /** Old versions go, so that a long run does not fill the disk. */
  forgetVersions(): void {
    for (const place of this.versions) fs.rmSync(place, { recursive: true });
  }

  /** After a success: no staging, journal, lock or trash, nothing beside the backups, no file kept open. */
  async assertNothingLeft(): Promise<void> {
    const version = new RegExp(`^${this.udid}-\\d{8}-\\d{6}$`);
    const strange = fs
      .readdirSync(this.folder)
      .filter((name) => ![this.udid, '.ios-backup', 'lost+found'].includes(name) && !version.test(name));
    assert.deepEqual(strange, []);
    const own = path.join(this.folder, '.ios-backup');
    // What is on its way out goes after the answer.
    const kept = () =>
      (fs.readdirSync(own, { recursive: true }) as string[]).filter((name) =>
        /journal|lock|\.tmp|\.part|^(?:trash|building)\/./.test(name),
      );
    await until(() => kept().length === 0).catch(() => assert.deepEqual(kept(), []));
    await until(() => this.#openFiles().length === 0).catch(() => assert.deepEqual(this.#openFiles(), []));
    // One engine's socket and claim, and nothing of those that were killed.
    const runtime = fs.readdirSync(path.join(this.home.folder, 'run', 'ios-backup')).map((name) => path.extname(name));
    assert.deepEqual(runtime.sort(), ['.json', '.s']);
    this.assertNothingElsewhere();
  }

  /** Whatever has happened: nobody else's file is touched, no secret is on the disk, and the engine has no unknown trouble. */
  assertNothingElsewhere(): void {
    assert.equal(this.around(), this.#around, 'something outside of the folder of backups has changed');
    const state = path.join(this.home.folder, 'state');
    const marker = secretText('the phone’s note', MARKER);
    const leaks = [
      ...leaksBelow(state, [marker, ...this.passwords]).leaks,
      ...leaksBelow(this.folder, [...(this.encrypted ? [marker] : []), ...this.passwords]).leaks,
    ];
    assert.deepEqual(leaks, []);
    const logs = path.join(state, 'ios-backup', 'logs');
    for (const name of fs.existsSync(logs) ? fs.readdirSync(logs) : []) {
      const lines = fs.readFileSync(path.join(logs, name), 'utf8').split('\n');
      // What the engine says before it has a log, and its last words, are trouble of any kind.
      const trouble =
        name === 'engine-output.log' ? lines : lines.filter((line) => /un(?:handled|caught): /.test(line));
      assert.equal(trouble.join('\n'), '', name);
    }
  }

  /** Names and contents of what lies around; the engine's temporary files are to be gone when it rests. */
  private around(): string {
    const above = fs.readdirSync(this.home.folder).filter((name) => name !== 'run' && name !== 'state');
    return JSON.stringify([
      treeHash(path.join(this.place, 'neighbour')),
      fs.readdirSync(this.place).sort(),
      fs.readdirSync(path.join(this.place, 'tmp')),
      above.sort(),
    ]);
  }

  /** Files below the folder of backups that an engine has open. */
  #openFiles(): readonly string[] {
    if (process.platform !== 'linux') return [];
    return this.home
      .enginePids()
      .flatMap((pid) => descriptorsOf(pid).filter((target) => target.startsWith(`${this.folder}/`)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client?.dispose();
    await this.home[Symbol.asyncDispose]();
    await this.phone[Symbol.asyncDispose]();
    fs.rmSync(this.place, { recursive: true, force: true });
  }
}

/** @throws AssertionError if nobody is told in time how it ended, or not in words. */
export async function told(work: () => Promise<unknown>, withinMs = TOLD_WITHIN_MS): Promise<End> {
  const timer = new AbortController();
  const late = delay(withinMs, timer.signal).then(() => assert.fail(`nobody was told within ${withinMs} ms`));
  late.catch(() => {});
  try {
    await Promise.race([work(), late]);
    return { done: true };
  } catch (error) {
    if (!isAppError(error)) throw error;
    assert.notEqual(error.code, 'unexpected', error.message);
    const { text, next } = problem(error.code, error.details);
    assert.ok(text && next, `${error.code} has no words`);
    return { done: false, error };
  } finally {
    timer.abort();
  }
}

/** A full check finds nothing, and reads nothing anew to do so. */
export async function assertSound(place: string, password?: string): Promise<void> {
  const report = await verifyBackup({ path: place, level: 'full', ...(password !== undefined && { password }) });
  assert.deepEqual(
    report.findings.filter(({ severity }) => severity === 'damage'),
    [],
  );
  assert.equal(report.hashesKnown, true, 'the hashes that were kept are gone');
}

/** What a process has open: paths, `socket:[…]`, `anon_inode:…`. Linux only. */
export function descriptorsOf(pid: number): readonly string[] {
  try {
    return fs.readdirSync(`/proc/${pid}/fd`).flatMap((number) => {
      try {
        return [fs.readlinkSync(`/proc/${pid}/fd/${number}`)];
      } catch {
        return []; // Closed meanwhile.
      }
    });
  } catch {
    return []; // It has ended.
  }
}
