import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { EngineClient } from '../../../src/engine/client';
import { assertSound, type End, FaultRig } from '../faultRig';
import { killFault, type KilledWork } from '../killFault';
import type { Random } from '../random';
import { treeHash } from '../treeHash';

/** Work on a folder with one backup and three versions of it, which is made anew for each round. */
abstract class KilledChore implements KilledWork {
  /** Hashes of all backups before, by their place. */
  protected readonly before = new Map<string, string>();

  protected constructor(
    readonly rig: FaultRig,
    private readonly template: string,
  ) {}

  protected static async stage(): Promise<readonly [FaultRig, template: string]> {
    const rig = await FaultRig.start();
    const template = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'faults-template-')), 'backups');
    for (let version = 0; version < 4; version++) {
      await rig.change();
      assert.ok((await rig.backUp()).done);
    }
    await rig.assertNothingLeft();
    execFileSync('cp', ['-a', rig.folder, template]);
    return [rig, template];
  }

  prepare(_random: Random): Promise<void> {
    for (const name of fs.readdirSync(this.rig.folder)) {
      fs.rmSync(path.join(this.rig.folder, name), { recursive: true, force: true });
    }
    execFileSync('cp', ['-a', `${this.template}/.`, this.rig.folder]);
    this.before.clear();
    for (const place of [this.rig.finished, ...this.rig.versions]) this.before.set(place, treeHash(place) ?? '');
    assert.equal(this.before.size, 4);
    return Promise.resolve();
  }

  run(): Promise<End> {
    return this.rig.run((client) => this.work(client));
  }

  abstract work(client: EngineClient): Promise<unknown>;

  /** Whoever stays is what it was; whatever is new is whole. */
  async check(end: End): Promise<void> {
    const { rig } = this;
    const good = this.before.get(rig.finished) ?? '';
    await rig.assertStillThere(good);
    for (const place of rig.versions) {
      const was = this.before.get(place);
      if (was === undefined) await assertSound(place);
      else assert.equal(treeHash(place), was, `${place} was changed`);
    }
    this.checkVersions(end);
  }

  /** Which versions may be missing or new. */
  protected abstract checkVersions(end: End): void;

  async again(end: End): Promise<void> {
    const repeated = await this.rig.run((client) => this.work(client));
    // What is done cannot be done again; that is told.
    if (!repeated.done) assert.ok(this.isDone(end), `the next try failed: ${repeated.error.code}`);
    await this.rig.mustSucceed();
  }

  /** Whether a second try has nothing to do. */
  protected isDone(_end: End): boolean {
    return false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    fs.rmSync(path.dirname(this.template), { recursive: true, force: true });
    await this.rig[Symbol.asyncDispose]();
  }
}

class KilledArchive extends KilledChore {
  static async start(): Promise<KilledArchive> {
    return new KilledArchive(...(await KilledChore.stage()));
  }

  work(client: EngineClient) {
    return client.call('archiveBackup', { path: this.rig.finished });
  }

  protected checkVersions(end: End): void {
    const added = this.rig.versions.length + 1 - this.before.size;
    assert.ok(end.done ? added === 1 : added === 0 || added === 1, `${added} versions more`);
  }
}

class KilledDelete extends KilledChore {
  #place = '';

  static async start(): Promise<KilledDelete> {
    return new KilledDelete(...(await KilledChore.stage()));
  }

  override async prepare(random: Random): Promise<void> {
    await super.prepare(random);
    this.#place = random.pick(this.rig.versions);
  }

  work(client: EngineClient) {
    return client.call('deleteBackup', { path: this.#place });
  }

  protected checkVersions(end: End): void {
    const gone = [...this.before.keys()].filter((place) => !fs.existsSync(place));
    assert.deepEqual(
      gone.filter((place) => place !== this.#place),
      [],
    );
    if (end.done) assert.equal(gone.length, 1);
  }

  protected override isDone(): boolean {
    return !fs.existsSync(this.#place);
  }
}

class KilledRetention extends KilledChore {
  static async start(): Promise<KilledRetention> {
    return new KilledRetention(...(await KilledChore.stage()));
  }

  work(client: EngineClient) {
    const { folder, udid } = this.rig;
    return client.call('applyRetention', { folder, udid, policy: { last: 2 } });
  }

  protected checkVersions(end: End): void {
    const [first, second, newest] = [...this.before.keys()].filter((place) => place !== this.rig.finished).sort();
    const gone = [...this.before.keys()].filter((place) => !fs.existsSync(place));
    assert.ok(newest !== undefined && !gone.includes(newest), 'a version that stays by the rule is gone');
    assert.ok(gone.every((place) => place === first || place === second));
    if (end.done) assert.equal(gone.length, 2);
  }
}

export const killArchive = killFault(
  { name: 'killArchive', what: '… of archiving a backup', rounds: 25, short: 2 },
  () => KilledArchive.start(),
);

export const killDelete = killFault({ name: 'killDelete', what: '… of deleting a version', rounds: 25, short: 2 }, () =>
  KilledDelete.start(),
);

export const killRetention = killFault(
  { name: 'killRetention', what: '… of removing versions by a rule', rounds: 25, short: 2 },
  () => KilledRetention.start(),
);
