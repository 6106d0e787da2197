import assert from 'node:assert/strict';
import { isAppError } from '../../../../src/base/errors';
import { AppError } from '../../../../src/base/errors';
import type { ByteStream } from '../../../../src/device/io/byteStream';
import { decodeHeader, encodeFrame, readFrame } from '../../../../src/device/usbmux/frame';

/** A reply of usbmuxd 1.1.1 as it goes over the wire. */
const body = Buffer.from('<plist version="1.0"><dict><key>Number</key><integer>0</integer></dict></plist>');
const wire = Buffer.concat([Buffer.from('5f0000000100000008000000' + '2a000000', 'hex'), body]);

/** Gives the pieces one after the other; then the peer is gone. */
function streamOf(pieces: readonly Buffer[]): ByteStream {
  let rest = Buffer.alloc(0);
  const left = [...pieces];
  const read = async (length: number): Promise<Buffer> => {
    while (rest.length < length) {
      const piece = left.shift();
      if (!piece) throw new AppError('deviceGone', 'the end');
      rest = Buffer.concat([rest, piece]);
      await Promise.resolve();
    }
    const bytes = rest.subarray(0, length);
    rest = rest.subarray(length);
    return bytes;
  };
  return { read, readSome: read, async write() {}, async close() {}, async [Symbol.asyncDispose]() {} };
}

function header(fields: { length?: number; version?: number; type?: number }): Buffer {
  const bytes = Buffer.from(wire.subarray(0, 16));
  bytes.writeUInt32LE(fields.length ?? wire.length, 0);
  bytes.writeUInt32LE(fields.version ?? 1, 4);
  bytes.writeUInt32LE(fields.type ?? 8, 8);
  return bytes;
}

describe('usbmux frame', () => {
  it('is written as usbmuxd reads it', () => {
    assert.equal(wire.length, 0x5f);
    assert.deepEqual(encodeFrame(42, body), wire);
  });

  it('is read whatever the cut', async () => {
    for (let cut = 0; cut <= wire.length; cut++) {
      const frame = await readFrame(streamOf([wire.subarray(0, cut), wire.subarray(cut)]));
      assert.equal(frame.tag, 42);
      assert.deepEqual(frame.body, body);
    }
    const bytes = [...wire].map((byte) => Buffer.of(byte));
    assert.deepEqual((await readFrame(streamOf(bytes))).body, body);
  });

  it('leaves what follows it to the next reader', async () => {
    const stream = streamOf([Buffer.concat([wire, wire, Buffer.from('raw')])]);
    await readFrame(stream);
    await readFrame(stream);
    assert.equal((await stream.read(3)).toString(), 'raw');
  });

  it('that is cut short fails', async () => {
    for (let length = 0; length < wire.length; length++) {
      await assert.rejects(readFrame(streamOf([wire.subarray(0, length)])), (error) => isAppError(error, 'deviceGone'));
    }
  });

  it('of impossible length is refused before memory is taken for it', () => {
    for (const length of [0, 1, 15, (1 << 20) + 1, 0x7fffffff, 0xffffffff]) {
      assert.throws(
        () => decodeHeader(header({ length })),
        (error) => isAppError(error, 'muxProtocol'),
        String(length),
      );
    }
    assert.equal(decodeHeader(header({ length: 16 })).bodyLength, 0);
    assert.equal(decodeHeader(header({ length: 1 << 20 })).bodyLength, (1 << 20) - 16);
  });

  it('of another protocol is refused', () => {
    for (const fields of [{ version: 0 }, { version: 2 }, { type: 1 }, { type: 9 }]) {
      assert.throws(
        () => decodeHeader(header(fields)),
        (error) => isAppError(error, 'muxProtocol'),
      );
    }
  });
});
