import assert from 'node:assert/strict';
import { delay } from '../../../src/base/abort';
import type { ErrorCode } from '../../../src/base/errors';
import { FAULT_WAYS, type FaultWay } from '../../virtualDevice/fault';
import type { FaultKind, FaultStory } from '../faultKind';
import { type End, FaultRig } from '../faultRig';
import type { Random } from '../random';

/** A lost cable can show itself in several ways, depending on which wait notices it. */
export const LOST: readonly ErrorCode[] = [
  'deviceGone',
  'deviceStopped',
  'unexpectedReply',
  'noDevice',
  'deviceNotFound',
  'timedOut',
  'tlsFailed',
  'connectionRefused',
  'serviceUnavailable',
];
/** Phones are waited for longer. */
const SILENCE_MS = 400;
/** Of the 41 messages of the small backup. A run of 205 rounds meets them all: the even ones come first. */
const EVEN_MESSAGES = 21;
const BACKUP_SERVICE = 'com.apple.mobilebackup2';

class Unplugged implements FaultStory {
  constructor(
    private readonly rig: FaultRig,
    private readonly harm: (rig: FaultRig, random: Random, round: number) => Promise<string>,
  ) {}

  static async start(harm: Unplugged['harm']): Promise<Unplugged> {
    const env = { IOS_BACKUP_ENGINE_SILENCE_MS: String(SILENCE_MS) };
    return new Unplugged(await FaultRig.start({ env }), harm);
  }

  async round(random: Random, round: number): Promise<string> {
    const { rig } = this;
    rig.forgetVersions();
    const good = await rig.goodBackup();
    await rig.change();
    const end = await this.harm(rig, random, round);
    await rig.assertStillThere(good);
    await rig.mustSucceed();
    return end;
  }

  [Symbol.asyncDispose]() {
    return this.rig[Symbol.asyncDispose]();
  }
}

/** @throws AssertionError for an error that does not tell that the connection was lost. */
function lost(end: End, how: string): string {
  if (end.done) return 'finished';
  assert.ok(LOST.includes(end.error.code), `${how}: ${end.error.code} ${end.error.message}`);
  return end.error.code;
}

/** In and out again: whatever broke, the next backup meets a phone that is there, under another DeviceID. */
async function plugIn(rig: FaultRig): Promise<void> {
  await rig.phone.device.disarmFault();
  await rig.phone.device.replug();
  await rig.back();
}

const unplugBytes: FaultKind = {
  name: 'unplug',
  what: 'the cable comes out at a random byte or message of any service, five ways',
  rounds: 40,
  short: 4,
  start: () =>
    Unplugged.start(async (rig, random) => {
      const way = random.pick(FAULT_WAYS);
      const half = way === 'halfLength' || way === 'halfBody';
      // Silence before the backup service has begun takes as long as those services' own limits.
      const service = way === 'silence' ? { service: BACKUP_SERVICE } : {};
      const at = half || random.next() < 0.3 ? { message: random.below(60) } : { byte: random.below(400_000) };
      await rig.phone.device.armFault({ at, way, ...service });
      const end = lost(await rig.backUp(), `${JSON.stringify(at)} ${way}`);
      await plugIn(rig);
      return end;
    }),
};

function messageOf(index: number): number {
  return index < EVEN_MESSAGES ? 2 * index : 2 * (index - EVEN_MESSAGES) + 1;
}

const unplugMessages: FaultKind = {
  name: 'unplugMessages',
  what: 'the cable comes out before, or in the middle of, the messages of the backup service one after another, five ways each',
  rounds: 5 * EVEN_MESSAGES,
  short: 5,
  start: () =>
    Unplugged.start(async (rig, _random, round) => {
      const way = FAULT_WAYS[round % FAULT_WAYS.length] as FaultWay;
      const at = { message: messageOf(Math.floor(round / FAULT_WAYS.length)) };
      await rig.phone.device.armFault({ at, way, service: BACKUP_SERVICE });
      const end = lost(await rig.backUp(), `message ${at.message} ${way}`);
      await plugIn(rig);
      return end;
    }),
};

const replugged: FaultKind = {
  name: 'replugged',
  what: 'the phone is gone for a moment and comes back by itself under another DeviceID',
  rounds: 15,
  short: 1,
  start: () =>
    Unplugged.start(async (rig, random) => {
      const at = { byte: random.below(900_000) };
      await rig.phone.device.armFault({ at, way: 'close', replugAfterMs: random.below(300) });
      const end = lost(await rig.backUp(), JSON.stringify(at));
      await rig.phone.device.disarmFault();
      // It is back once more by then, if it was away at all.
      await delay(350);
      await rig.back();
      return end;
    }),
};

const muxKilled: FaultKind = {
  name: 'muxKilled',
  what: 'usbmuxd is killed in the middle and started again',
  rounds: 15,
  short: 1,
  start: () =>
    Unplugged.start(async (rig, random) => {
      await rig.phone.device.set({ rate: 1_500_000 });
      const running = rig.backUp();
      await delay(random.below(1200));
      await rig.phone.control.host('restartMux', { pauseMs: random.below(200) });
      const end = await running;
      await rig.phone.device.set({ rate: 0 });
      await rig.back();
      // Before there is a device, it is the daemon that is gone.
      const mux: readonly ErrorCode[] = ['muxAbsent', 'muxProtocol'];
      return !end.done && mux.includes(end.error.code) ? end.error.code : lost(end, 'usbmuxd restarted');
    }),
};

export const unplugFaults: readonly FaultKind[] = [unplugBytes, unplugMessages, replugged, muxKilled];
