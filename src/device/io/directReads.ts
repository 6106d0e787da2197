import { Socket, type SocketConstructorOpts } from 'node:net';

/** Where the bytes of a socket go. */
export interface DirectSink {
  /** Room for what comes next, at least one byte; only until the next call. */
  room(): Uint8Array;
  /** So many bytes have come into what room() gave last. @returns false to let the peer wait */
  received(count: number): boolean;
}

export interface DirectReads {
  /** From now on nothing comes into what room() gave, whatever still arrives. */
  stop(): void;
}

/** Where this was tried. A Node.js that works in another way must cost time, never a byte. */
const TRIED_MAJORS = ['20', '22', '24'];
/** What a socket brings after stop(). */
const WASTE_BYTES = 16 * 1024;

/**
 * Lets a socket that is connected, flowing and read up to here put its bytes into the reader's own memory, instead of
 * making a buffer for each piece: TLS comes in pieces of 16 KiB, and a quarter of a million buffers for 4 GB cost more
 * than their decryption.
 *
 * Node documents this as the option `onread` of a socket, and does not take it where TLS begins on a connection that is
 * there already, although the connection below can do it. So it is set here as that option sets it.
 * @returns undefined where it cannot be done (another program than Node, or one that works differently): `data` events
 * go on
 */
export function readDirectly(socket: Socket, sink: DirectSink): DirectReads | undefined {
  if (!TRIED_MAJORS.includes(process.versions.node.split('.')[0] ?? '')) return undefined;
  const names = (slots ??= findSlots());
  if (!names || socket.readableLength > 0 || !canUse(socket)) return undefined;
  if (Object.values(names).some((name) => Reflect.get(socket, name) !== null)) return undefined;
  const use = (memory: Uint8Array, next: () => Uint8Array, received: (count: number) => boolean) => {
    if (!canUse(socket)) return;
    Reflect.set(socket, names.buffer, memory);
    Reflect.set(socket, names.next, next);
    Reflect.set(socket, names.received, received);
    socket._handle.useUserBuffer(memory);
  };
  use(
    sink.room(),
    () => sink.room(),
    (count) => sink.received(count),
  );
  return {
    stop() {
      const waste = new Uint8Array(WASTE_BYTES);
      use(
        waste,
        () => waste,
        () => true,
      );
    },
  };
}

/** The connection below a socket; null once it is closed. */
interface Connected {
  readonly _handle: { useUserBuffer(memory: Uint8Array): void };
}

function canUse(socket: Socket): socket is Socket & Connected {
  const handle = Reflect.get(socket, '_handle') as Partial<Connected['_handle']> | null | undefined;
  return typeof handle?.useUserBuffer === 'function';
}

/** A socket's own properties that hold what the option `onread` gave. */
interface Slots {
  readonly buffer: symbol;
  readonly next: symbol;
  readonly received: symbol;
}

let slots: Slots | false | undefined;

/** Finds them by their values in sockets that were made with the option. */
function findSlots(): Slots | false {
  const buffer = new Uint8Array(1);
  const next = () => buffer;
  const received = () => true;
  const make = (memory: unknown) => {
    // The types know it only as an option of connect().
    const options = { onread: { buffer: memory, callback: received } };
    return new Socket(options as SocketConstructorOpts);
  };
  const withBuffer = make(buffer);
  const withFunction = make(next);
  const find = (socket: Socket, value: unknown) =>
    Object.getOwnPropertySymbols(socket).find((name) => Reflect.get(socket, name) === value);
  const found = {
    buffer: find(withBuffer, buffer),
    next: find(withFunction, next),
    received: find(withFunction, received),
  };
  withBuffer.destroy();
  withFunction.destroy();
  return found.buffer && found.next && found.received ? (found as Slots) : false;
}
