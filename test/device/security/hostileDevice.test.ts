import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'mocha';
import type { ErrorCode } from '../../../src/base/errors';
import { quickVerify } from '../../../src/backups';
import { dict, PlistReal, PlistUid, type PlistValue } from '../../../src/plist';
import { UDID } from '../../support/backupFolders';
import { HOSTILE_PATHS } from '../../support/hostilePaths';
import {
  hostileDownload,
  hostileMessage,
  hostileMove,
  hostileRemove,
  hostileUpload,
  type HostileStep,
} from '../../virtualDevice';
import { HostileRig, SECRET } from './hostileRig';

const CONTENT = Buffer.from('from a hostile device');
/** Takes another way to the disk than a small one. */
const BIG = Buffer.alloc(256 * 1024 + 1, 0x2a);
const PROBE = `${UDID}/probe`;

interface Message {
  readonly of: (path: string) => HostileStep;
  /** To list or remove what is not there is no failure. */
  readonly mayAnswerNothing?: boolean;
}

/** Every message that takes a path, each way it takes one. */
const MESSAGES: Readonly<Record<string, readonly Message[]>> = {
  uploads: [{ of: (name) => hostileUpload(name, CONTENT) }, { of: (name) => hostileUpload(name, BIG) }],
  'downloads, listings and new folders': [
    { of: (name) => hostileDownload(name) },
    { of: (name) => hostileMessage('DLContentsOfDirectory', name), mayAnswerNothing: true },
    { of: (name) => hostileMessage('DLMessageCreateDirectory', name, dict({})) },
  ],
  'moves to and from it': [
    { of: (name) => hostileMove([[PROBE, name]]) },
    { of: (name) => hostileMove([[name, `${UDID}/taken`]]) },
    { of: (name) => hostileMessage('DLMessageMoveFiles', new Map([[PROBE, name]]), dict({})) },
  ],
  'copies to and from it': [
    { of: (name) => hostileMessage('DLMessageCopyItem', PROBE, name, dict({})) },
    { of: (name) => hostileMessage('DLMessageCopyItem', name, `${UDID}/copied`, dict({})) },
  ],
  removals: [
    { of: (name) => hostileRemove(name), mayAnswerNothing: true },
    { of: (name) => hostileMessage('DLMessageRemoveFiles', [name], dict({})), mayAnswerNothing: true },
  ],
};

describe('a hostile device', function () {
  this.timeout(60_000);
  let rig: HostileRig;
  let around: string;

  before(async () => {
    rig = await HostileRig.start();
    around = rig.around();
    assert.deepEqual(await rig.backUp(), { done: true });
    assert.equal(rig.around(), around, 'an honest backup changes nothing around either');
  });
  after(() => rig[Symbol.asyncDispose]());

  /** Runs it and looks at everything that must hold whatever was sent. */
  async function harmless(script: readonly HostileStep[], signal?: AbortSignal) {
    const good = rig.good();
    const end = await rig.backUp(script, signal);
    assert.equal(rig.around(), around, 'something outside of the backup has changed');
    rig.assertGoodIsThere(good);
    rig.forgetVersions();
    for (const { value, downloaded } of rig.results) {
      assert.ok(!downloaded?.includes(SECRET), 'the device was told what lies outside');
      assert.ok(!(value instanceof Map && value.has('secret')), 'the device was told names of what lies outside');
    }
    return end;
  }

  for (const [what, messages] of Object.entries(MESSAGES)) {
    // In an upload names are UTF-8, which cannot carry half a surrogate pair; what is no UTF-8 is tried below.
    const names = HOSTILE_PATHS.filter(({ path: name }) => what !== 'uploads' || !/\p{Surrogate}/u.test(name));

    it(`sends ${what}, for each of ${names.length} hostile names`, async () => {
      const sent = messages.flatMap((message) => names.map((hostile) => ({ message, hostile })));
      // What is to be moved or copied has to be there.
      const before = /moves|copies/.test(what) ? [hostileUpload(PROBE, CONTENT)] : [];
      await harmless(sent.flatMap(({ message, hostile }) => [...before, message.of(hostile.path)]));
      const answers = rig.results.filter(({ step }) => before.length === 0 || step % 2 === 1);
      assert.equal(answers.length, sent.length, 'every message was answered');
      const here = process.platform as 'linux' | 'darwin' | 'win32';
      const taken = sent.filter(
        ({ message, hostile }, index) =>
          !message.mayAnswerNothing && hostile.on.includes(here) && answers[index]?.code === 0,
      );
      assert.deepEqual(
        taken.map(({ hostile }) => hostile.path.slice(0, 60)),
        [],
      );
    });
  }

  it('finds links in the interrupted backup that lead outside, and uses each of them', async function () {
    if (process.platform === 'win32') return this.skip();
    const stopped = await rig.backUp([{ ...hostileMessage('DLMessageDisconnect'), answer: 'none' }]);
    assert.equal(stopped.done ? 'done' : stopped.error.code, 'deviceStopped');
    assert.ok(fs.existsSync(rig.partial), 'the interrupted backup waits');
    const plant = (to: string, ...place: string[]) => {
      const link = path.join(rig.partial, ...place);
      fs.rmSync(link, { recursive: true, force: true });
      fs.symlinkSync(to, link);
    };
    plant(rig.outside, UDID, 'folder');
    plant(path.join(rig.outside, 'secret'), UDID, 'file');
    plant('../../../outside', UDID, 'climbing');
    plant(rig.outside, '.b');
    const links = [`${UDID}/folder`, `${UDID}/file`, `${UDID}/climbing`, '.b'];
    const names = links.flatMap((link) => [
      `${link}/secret`,
      `${link}/new/deep`,
      `${link}/empty`,
      `${link}/link`,
      link,
    ]);
    const script = Object.values(MESSAGES)
      .flat()
      .flatMap((message) => names.flatMap((name) => [hostileUpload(PROBE, CONTENT), message.of(name)]));
    await harmless(script);
    assert.equal(rig.results.length, script.length, 'every message was answered');
  });

  it('finds a link among the notes about the interrupted backup: a new one begins', async function () {
    if (process.platform === 'win32') return this.skip();
    const stopped = await harmless([{ ...hostileMessage('DLMessageDisconnect'), answer: 'none' }]);
    assert.equal(stopped.done ? 'done' : stopped.error.code, 'deviceStopped');
    const link = path.join(rig.partial, '.stage', 'removed');
    fs.rmSync(link, { force: true });
    fs.symlinkSync(path.join(rig.outside, 'secret'), link);
    assert.deepEqual(await harmless([hostileRemove(`${UDID}/x`)]), { done: true });
  });

  it('sends names that differ only in case or composition: none replaces another unseen', async () => {
    const names = ['Name', 'name', 'NAME', 'caf\u00e9', 'cafe\u0301', 'stra\u00dfe', 'STRASSE'].map(
      (name) => `${UDID}/fold/${name}`,
    );
    await harmless([
      ...names.map((name) => hostileUpload(name, Buffer.from(`content of ${name}`))),
      ...names.map((name) => hostileDownload(name)),
    ]);
    names.forEach((name, index) => {
      if (rig.results[index]?.code !== 0) return; // Refused: that is told, and nothing is lost.
      assert.ok(rig.results[names.length + index]?.downloaded?.includes(`content of ${name}`), name);
    });
  });

  it('sends names that are no UTF-8', async () => {
    const bytes = ['ff', 'c0ae2f', 'eda080', 'f8888080af', '2e2e2fff', 'c0ae c0ae c0af'.replaceAll(' ', ''), '80'];
    const script = bytes.map((hex) => rawUpload(Buffer.concat([Buffer.from(`${UDID}/`), Buffer.from(hex, 'hex')])));
    await harmless(script);
    assert.deepEqual(
      rig.results.map(({ code }) => code === 0),
      bytes.map(() => false),
    );
    const names = fs.readdirSync(path.join(rig.folder, UDID), { encoding: 'buffer' });
    assert.deepEqual(
      names.filter((name) => name.includes('\uFFFD') || name.includes(0xff)),
      [],
    );
  });

  const malformed: readonly (readonly [string, PlistValue[]])[] = [
    ['no path', ['DLMessageCreateDirectory']],
    ['a number for a path', ['DLMessageCreateDirectory', 7]],
    ['data for a path', ['DLContentsOfDirectory', Buffer.from('../..')]],
    ['a reference for a path', ['DLMessageCopyItem', new PlistUid(1), `${UDID}/x`]],
    ['a path for a list', ['DLMessageRemoveItems', '..']],
    ['lists in a list', ['DLMessageRemoveItems', [['..']]]],
    ['a list for a dictionary', ['DLMessageMoveItems', ['..', UDID]]],
    ['a dictionary in a move', ['DLMessageMoveItems', new Map([['..', new Map()]])]],
    ['a percentage that is no number', ['DLMessageRemoveItems', [], dict({}), new PlistReal(NaN)]],
    ['an endless percentage', ['DLMessageMoveItems', new Map(), dict({}), new PlistReal(-Infinity)]],
    ['a purge of 2^63', ['DLMessagePurgeDiskSpace', 9223372036854775807n, 4]],
    ['a message that nobody knows', ['DLMessageFormatDisk', '/']],
    ['the opening again', ['DLMessageVersionExchange', 300, 0]],
    ['that it is ready again', ['DLMessageDeviceReady']],
    ["the computer's own answer", ['DLMessageStatusResponse', 0, '', dict({})]],
    ['a name that means something to JavaScript', ['__proto__', 'constructor']],
  ];

  it(`sends ${malformed.length} malformed messages and ones out of turn, and each is answered`, async () => {
    await harmless(malformed.map(([, message]) => hostileMessage(...message)));
    assert.equal(rig.results.length, malformed.length);
    assert.ok(rig.results.every(({ code }) => code !== undefined && code <= 0));
  });

  const fatal: readonly (readonly [string, readonly HostileStep[], ErrorCode])[] = [
    ['a message of length 0', [rawBytes(u32(0))], 'unexpectedReply'],
    ['a message of 2^31 bytes', [rawBytes(u32(2 ** 31))], 'unexpectedReply'],
    ['a message of 2^32-1 bytes', [rawBytes(u32(2 ** 32 - 1))], 'unexpectedReply'],
    ['a message that is no property list', [silent(Buffer.from('no property list'))], 'unexpectedReply'],
    ['an empty list', [{ message: [], answer: 'none' }], 'unexpectedReply'],
    ['a message without a name', [{ message: [new Map()], answer: 'none' }], 'unexpectedReply'],
    ['lists inside each other, 100,000 deep', [silent(deepXml(100_000))], 'unexpectedReply'],
    ['a file name of 2^31 bytes', [rawBytes(uploadHead(), u32(2 ** 31))], 'unexpectedReply'],
    ['a file name of 2^32-1 bytes', [rawBytes(uploadHead(), u32(2 ** 32 - 1))], 'unexpectedReply'],
    ['a file without a name', [rawBytes(uploadHead(), u32(1), Buffer.from('x'), u32(0))], 'unexpectedReply'],
    ['that all is well, and nothing else', [final({ ErrorCode: 0 })], 'backupIncomplete'],
    ['an end without a number', [final({})], 'unexpectedReply'],
    ['an end with a text for a number', [final({ ErrorCode: '0' })], 'unexpectedReply'],
    ['an end with a number that nobody knows', [final({ ErrorCode: 2 ** 31 })], 'deviceReportedError'],
    ['an end with a novel', [final({ ErrorCode: -1, ErrorDescription: 'x'.repeat(5_000_000) })], 'deviceReportedError'],
  ];

  for (const [what, script, code] of fatal) {
    it(`sends ${what}: ${code}`, async () => {
      const end = await harmless(script);
      assert.ok(!end.done, 'it is an error');
      assert.equal(end.error.code, code);
      assert.ok(end.error.message.length < 2000, `a message of ${end.error.message.length} characters`);
      assert.ok(JSON.stringify(end.error.details).length < 4000);
    });
  }

  it('announces a block of 4 GiB and falls silent: the backup can be cancelled', async () => {
    const script = [rawBytes(uploadHead(), name('/var/x'), name(`${UDID}/x`), u32(2 ** 32 - 1), Buffer.from([0x0c]))];
    const cancel = new AbortController();
    setTimeout(() => cancel.abort(), 1_000);
    const end = await harmless(script, cancel.signal);
    assert.equal(end.done ? 'done' : end.error.code, 'cancelled');
  });

  it('sends messages without end: memory stays, and the backup can be cancelled', async () => {
    const pings = Array.from({ length: 50_000 }, (): HostileStep => ({
      message: ['DLMessagePing', 'x'.repeat(50)],
      answer: 'none',
    }));
    const cancel = new AbortController();
    const before = rig.enginePeakMiB();
    setTimeout(() => cancel.abort(), 1_000);
    const began = performance.now();
    const end = await harmless(pings, cancel.signal);
    // On a quick machine the 50,000 are over before anybody cancels; what counts is that nothing grows or hangs.
    if (!end.done) assert.equal(end.error.code, 'cancelled');
    assert.ok(performance.now() - began < 10_000);
    assertPeak(before);
  });

  it('sends 128 MiB to a name outside: they are read past, not kept', async () => {
    const before = rig.enginePeakMiB();
    const content = Buffer.alloc(64 << 20);
    const step = hostileUpload('../x', content);
    await harmless([step, step]);
    assert.equal(rig.results.length, 2);
    assertPeak(before);
  });

  it('at last is honest again: the next backup is whole', async () => {
    assert.deepEqual(await rig.backUp(), { done: true });
    const { findings } = await quickVerify(path.join(rig.folder, UDID));
    assert.deepEqual(
      findings.filter(({ severity }) => severity === 'damage'),
      [],
    );
  });

  function assertPeak(before: number | undefined): void {
    const now = rig.enginePeakMiB();
    if (before === undefined || now === undefined) return;
    assert.ok(now - before < 100, `the engine took ${Math.round(now - before)} MiB more`);
  }
});

function silent(message: Buffer): HostileStep {
  return { message, answer: 'none' };
}

/** Bytes that are no message of their own, behind one that asks for no answer. */
function rawBytes(...stream: Buffer[]): HostileStep {
  return { message: ['DLMessagePing', ''], stream: Buffer.concat(stream), answer: 'none' };
}

/** The message of an upload as bytes, in its frame. */
function uploadHead(): Buffer {
  const body = Buffer.from(
    '<plist version="1.0"><array><string>DLMessageUploadFiles</string><dict/><real>0</real><integer>1</integer></array></plist>',
  );
  return Buffer.concat([u32(body.length), body]);
}

function rawUpload(hostName: Buffer): HostileStep {
  const parts = [name('/var/x'), u32(hostName.length), hostName, u32(1), Buffer.from([0]), u32(0)];
  return {
    message: ['DLMessageUploadFiles', dict({}), new PlistReal(0), 0],
    stream: Buffer.concat(parts),
    answer: 'status',
  };
}

function final(fields: Record<string, PlistValue>): HostileStep {
  return { message: ['DLMessageProcessMessage', dict({ MessageName: 'Response', ...fields })], answer: 'none' };
}

function deepXml(depth: number): Buffer {
  return Buffer.from(`<plist version="1.0">${'<array>'.repeat(depth)}${'</array>'.repeat(depth)}</plist>`);
}

function name(text: string): Buffer {
  return Buffer.concat([u32(Buffer.byteLength(text)), Buffer.from(text)]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
