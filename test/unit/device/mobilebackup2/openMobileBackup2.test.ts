import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'mocha';
import type { TrustedDevice } from '../../../../src/device';
import { openMobileBackup2 } from '../../../../src/device/mobilebackup2/openMobileBackup2';
import { dict, parsePlist, PlistReal, type PlistDict, type PlistValue } from '../../../../src/plist';
import { ScriptedPeer } from '../../../support/scriptedPeer';
import { message } from './deviceSide';

class Service {
  readonly peer = new ScriptedPeer();
  readonly started: unknown[] = [];
  readonly cancel = new AbortController();
  readonly opening;

  constructor() {
    const startService = (...started: unknown[]) => {
      this.started.push(...started.slice(0, 2));
      return Promise.resolve(this.peer.stream);
    };
    this.opening = openMobileBackup2({ startService } as unknown as TrustedDevice, this.cancel.signal);
    this.opening.catch(() => {});
    this.peer.send(message(['DLMessageVersionExchange', 300, 0]), message(['DLMessageDeviceReady']));
  }

  /** The Hello, after the host's version. */
  async hello(): Promise<PlistDict> {
    await this.#receive();
    const [, hello] = await this.#receive();
    return hello as PlistDict;
  }

  answer(fields: Readonly<Record<string, PlistValue>>): void {
    this.peer.send(message(['DLMessageProcessMessage', dict({ MessageName: 'Response', ...fields })]));
  }

  async #receive(): Promise<readonly PlistValue[]> {
    const length = (await this.peer.receive(4)).readUInt32BE(0);
    return parsePlist(await this.peer.receive(length)) as readonly PlistValue[];
  }
}

describe('openMobileBackup2()', () => {
  test('starts the service with the escrow bag and offers both versions as reals', async () => {
    const service = new Service();
    assert.deepEqual(
      await service.hello(),
      dict({
        MessageName: 'Hello',
        SupportedProtocolVersions: [new PlistReal(2), new PlistReal(2.1)],
      }),
    );
    service.answer({ ErrorCode: 0, ProtocolVersion: new PlistReal(2.1) });
    const link = await service.opening;
    assert.deepEqual(service.started, ['com.apple.mobilebackup2', { escrow: true }]);
    await link.close();
  });

  const refusals: readonly (readonly [string, Readonly<Record<string, PlistValue>>, string])[] = [
    ['no version in common', { ErrorCode: 1 }, 'unexpectedReply'],
    ['a version that was not offered', { ErrorCode: 0, ProtocolVersion: new PlistReal(3) }, 'unexpectedReply'],
    ['no version', { ErrorCode: 0 }, 'unexpectedReply'],
    ['no number', { ProtocolVersion: new PlistReal(2.1) }, 'unexpectedReply'],
    ['a locked device', { ErrorCode: 208, ErrorDescription: 'Device locked' }, 'passcodeNotEntered'],
  ];
  for (const [name, fields, code] of refusals) {
    test(`${name} is ${code}, and the connection is closed`, async () => {
      const service = new Service();
      await service.hello();
      service.answer(fields);
      await assert.rejects(service.opening, { code });
      await assert.rejects(service.peer.receive(1), { code: 'deviceGone' });
    });
  }

  test('a device that does not answer can be cancelled', async () => {
    const service = new Service();
    await service.hello();
    await sleep(5);
    service.cancel.abort();
    await assert.rejects(service.opening, { code: 'cancelled' });
    await assert.rejects(service.peer.receive(1), { code: 'deviceGone' });
  });
});
