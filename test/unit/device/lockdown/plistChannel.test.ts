import assert from 'node:assert/strict';
import { isAppError } from '../../../../src/base/errors';
import { PlistChannel, type PlistEncoding, type ReplyOptions } from '../../../../src/device/lockdown/plistChannel';
import { dict, encodeBinaryPlist, encodeXmlPlist, parsePlist } from '../../../../src/plist';
import { ScriptedPeer } from '../../../support/scriptedPeer';

describe('PlistChannel', () => {
  const message = dict({ Request: 'QueryType' });
  let peer: ScriptedPeer;
  let aborted: number;
  beforeEach(() => {
    peer = new ScriptedPeer();
    aborted = 0;
  });
  const channel = (encoding?: PlistEncoding) =>
    new PlistChannel({ ...peer.stream, abort: () => void aborted++ }, 'lockdown', encoding);
  const framed = (body: Uint8Array) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(body.length);
    return Buffer.concat([length, body]);
  };

  for (const encoding of [undefined, 'xml', 'binary'] as const) {
    it(`writes ${encoding ?? 'what lockdown wants: XML'} behind its length`, async () => {
      await channel(encoding).send(message);
      const length = (await peer.receive(4)).readUInt32BE(0);
      const body = await peer.receive(length);
      assert.equal(body.toString('latin1', 0, 8), encoding === 'binary' ? 'bplist00' : '<?xml ve');
      assert.deepEqual(parsePlist(body), message);
      assert.equal(peer.unread().length, 0);
    });
  }

  it('reads either encoding, one message after the other', async () => {
    peer.send(framed(encodeBinaryPlist(message)), framed(Buffer.from(encodeXmlPlist(message))));
    const both = channel();
    assert.deepEqual(await both.receive(), message);
    assert.deepEqual(await both.receive({ timeoutMs: Infinity }), message);
  });

  it('reads the raw control characters of old firmware as blanks, and UTF-16 as it is', async () => {
    const xml = encodeXmlPlist(dict({ Name: 'aXb' }));
    peer.send(
      framed(Buffer.from(xml.replace('aXb', 'a\x01b'))),
      framed(Buffer.concat([Buffer.of(0xff, 0xfe), Buffer.from(xml, 'utf16le')])),
    );
    const both = channel();
    assert.deepEqual(await both.receive(), dict({ Name: 'a b' }));
    assert.deepEqual(await both.receive(), dict({ Name: 'aXb' }));
  });

  for (const length of [0, (64 << 20) + 1, 0xffffffff]) {
    it(`refuses a message of ${length} bytes and ends the connection`, async () => {
      const head = Buffer.alloc(4);
      head.writeUInt32BE(length);
      peer.send(head);
      await assert.rejects(channel().receive(), (error) => isAppError(error, 'unexpectedReply'));
      assert.equal(aborted, 1);
    });
  }

  it('refuses what is no property list', async () => {
    peer.send(framed(Buffer.from('GET / HTTP/1.1')));
    await assert.rejects(channel().receive(), (error) => isAppError(error, 'unexpectedReply'));
  });

  it('fails when the device goes inside a message', async () => {
    peer.send(framed(encodeBinaryPlist(message)).subarray(0, 20));
    peer.close();
    await assert.rejects(channel().receive(), (error) => isAppError(error, 'deviceGone'));
  });

  const stops: readonly [string, ReplyOptions, 'timedOut' | 'cancelled'][] = [
    ['its time is over', { timeoutMs: 1 }, 'timedOut'],
    ['it is cancelled', { signal: AbortSignal.abort() }, 'cancelled'],
  ];
  for (const [when, options, code] of stops) {
    it(`ends the connection when ${when}`, async () => {
      await assert.rejects(channel().receive(options), (error) => isAppError(error, code));
      assert.equal(aborted, 1);
    });
  }

  it('closes its stream, also where it is disposed of', async () => {
    {
      await using disposed = channel();
      await disposed.send(message);
    }
    await assert.rejects(channel().send(message), (error) => isAppError(error, 'deviceGone'));
    const other = new ScriptedPeer();
    await new PlistChannel({ ...other.stream, abort() {} }, 'lockdown').close();
    await assert.rejects(other.stream.write(Buffer.of(1)), (error) => isAppError(error, 'deviceGone'));
  });
});
