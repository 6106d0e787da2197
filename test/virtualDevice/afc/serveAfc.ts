import type { ServiceHandler } from '../serviceConnection';
import { AfcSession } from './afcSession';
import { afcPacket, readAfcPacket } from './afcPacket';

/** Whoever closes the connection closes its files, and gives up their locks. */
export const serveAfc: ServiceHandler = async (stream, device) => {
  const session = new AfcSession(device);
  let expected: bigint | undefined;
  try {
    for (;;) {
      const request = await readAfcPacket(stream);
      if (expected !== undefined && request.number !== expected) {
        device.log(`AFC: packet ${request.number} instead of ${expected}`);
      }
      expected = request.number + 1n;
      const { operation, body, dataOnly } = session.answer(request);
      await stream.write(afcPacket(request.number, operation, body, dataOnly));
    }
  } finally {
    session.closeAll();
  }
};
