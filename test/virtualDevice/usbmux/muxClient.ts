import { isAppError } from '../../../src/base/errors';
import {
  dict,
  encodeXmlPlist,
  getOptionalData,
  getOptionalInteger,
  getOptionalString,
  isBinaryPlist,
  isPlistError,
  parsePlist,
  type PlistDict,
  type PlistValue,
} from '../../../src/plist';
import type { SocketStream } from '../io/socketStream';
import { muxFrame, readMuxFrame, type MuxFrame } from './muxFrame';
import type { MuxServer } from './muxServer';

const PLIST = 8;
const BINARY_RESULT = 1;
const BINARY_CONNECT = 2;
const BINARY_LISTEN = 3;

const Result = { ok: 0, badCommand: 1, badDevice: 2, refused: 3, badVersion: 6, noRecord: 2, invalid: 22 } as const;

/** What the connection becomes after a frame. */
type Next = 'goesOn' | 'ends' | 'handedOver';

/** One client of the daemon. */
export class MuxClient {
  readonly #mux: MuxServer;
  readonly #stream: SocketStream;
  #listener: PlistDict | undefined;

  constructor(mux: MuxServer, stream: SocketStream) {
    this.#mux = mux;
    this.#stream = stream;
  }

  /** As ListListeners shows it; undefined when this client does not listen. */
  get listener(): PlistDict | undefined {
    return this.#listener;
  }

  async serve(): Promise<void> {
    this.#mux.clients.add(this);
    let next: Next = 'goesOn';
    try {
      while (next === 'goesOn') {
        const frame = await readMuxFrame(this.#stream);
        if (!frame) this.#mux.log('a frame of impossible length; connection dropped');
        next = frame ? this.#answer(frame) : 'ends';
      }
    } catch (error) {
      if (!isAppError(error, 'deviceGone')) this.#mux.log(error instanceof Error ? error.message : String(error));
      next = 'ends';
    } finally {
      this.#mux.clients.delete(this);
    }
    if (next === 'ends') await this.#stream.close();
  }

  /** Sends an event to a client that listens. */
  notify(event: PlistDict): void {
    if (this.#listener) this.#send(0, event);
  }

  #answer(frame: MuxFrame): Next {
    const { version, message, tag } = frame;
    if (this.#listener) {
      this.#mux.log('a listening client has sent something; connection dropped');
      return 'ends';
    }
    if (version === 0) {
      this.#answerBinary(frame);
      return 'goesOn';
    }
    if (version !== 1) {
      this.#binaryResult(tag, Result.badVersion);
      return 'goesOn';
    }
    const request = message === PLIST ? readRequest(frame.payload) : undefined;
    const type = request?.get('MessageType');
    if (!request || typeof type !== 'string') {
      this.#mux.log('a message that is no XML property list with a MessageType stays unanswered');
      return 'goesOn';
    }
    try {
      return this.#answerPlist(type, tag, request);
    } catch (error) {
      if (!isPlistError(error)) throw error;
      this.#mux.log(`${type}: ${error.message}`);
      this.#result(tag, Result.invalid);
      return 'goesOn';
    }
  }

  #answerPlist(type: string, tag: number, request: PlistDict): Next {
    const mux = this.#mux;
    switch (type) {
      case 'ListDevices':
        this.#send(tag, dict({ DeviceList: mux.attached() }));
        return 'goesOn';
      case 'Listen':
        this.#result(tag, Result.ok);
        this.#listener = listenerEntry(request);
        for (const device of mux.attached()) this.#send(0, device);
        return 'goesOn';
      case 'Connect':
        return this.#connect(tag, getOptionalInteger(request, 'DeviceID'), getOptionalInteger(request, 'PortNumber'));
      case 'ReadBUID':
        this.#send(tag, dict({ BUID: mux.buid }));
        return 'goesOn';
      case 'ListListeners': {
        const list = [...mux.clients].flatMap(({ listener }) => (listener ? [listener] : []));
        this.#send(tag, dict({ ListenerList: list }));
        return 'goesOn';
      }
      case 'ReadPairRecord':
      case 'SavePairRecord':
      case 'DeletePairRecord':
        this.#pairRecord(type, tag, request);
        return 'goesOn';
      default:
        mux.log(`unknown message ${type}`);
        this.#result(tag, Result.badCommand);
        return 'goesOn';
    }
  }

  /** @param swapped the port with its two bytes exchanged. */
  #connect(tag: number, deviceId: number | undefined, swapped: number | undefined): Next {
    if (deviceId === undefined || swapped === undefined || swapped < 0 || swapped > 0xffff) {
      this.#result(tag, Result.badCommand);
      return 'goesOn';
    }
    const found = this.#mux.find(deviceId);
    if (!found) {
      this.#result(tag, Result.badDevice);
      return 'goesOn';
    }
    // As when packets go nowhere: the daemon waits, and so does its client.
    if (found.device.state.silent) return 'goesOn';
    const port = ((swapped & 0xff) << 8) | (swapped >> 8);
    const serve = found.device.claim(port, found.connection);
    if (!serve) {
      found.device.state.log(`connection to port ${port} refused: nothing was started there`);
      this.#result(tag, Result.refused);
      return 'goesOn';
    }
    this.#result(tag, Result.ok);
    serve(this.#stream);
    return 'handedOver';
  }

  #pairRecord(type: 'ReadPairRecord' | 'SavePairRecord' | 'DeletePairRecord', tag: number, request: PlistDict): void {
    const { records } = this.#mux;
    const udid = getOptionalString(request, 'PairRecordID');
    if (udid === undefined) return this.#result(tag, Result.invalid);
    if (type === 'DeletePairRecord') return this.#result(tag, records.delete(udid) ? Result.ok : Result.noRecord);
    if (type === 'ReadPairRecord') {
      const PairRecordData = records.read(udid);
      return PairRecordData ? this.#send(tag, dict({ PairRecordData })) : this.#result(tag, Result.noRecord);
    }
    const data = getOptionalData(request, 'PairRecordData');
    if (!data) return this.#result(tag, Result.invalid);
    records.save(udid, data);
    this.#result(tag, Result.ok);
    const deviceId = getOptionalInteger(request, 'DeviceID');
    const device = deviceId === undefined ? undefined : this.#mux.find(deviceId)?.device;
    if (device?.state.udid === udid) this.#mux.broadcast(dict({ MessageType: 'Paired', DeviceID: deviceId }));
  }

  /** The protocol before property lists: refusals only, and listening without news. */
  #answerBinary({ message, tag, payload }: MuxFrame): void {
    if (message === BINARY_LISTEN) this.#binaryResult(tag, Result.ok);
    else if (message === BINARY_CONNECT && payload.length >= 6) {
      const next = this.#mux.find(payload.readUInt32LE(0));
      this.#binaryResult(tag, next ? Result.refused : Result.badDevice);
    } else this.#binaryResult(tag, Result.badCommand);
  }

  #result(tag: number, number: number): void {
    this.#send(tag, dict({ MessageType: 'Result', Number: number }));
  }

  #send(tag: number, message: PlistDict): void {
    const payload = Buffer.from(encodeXmlPlist(message));
    this.#write(muxFrame({ version: 1, message: PLIST, tag, payload }));
  }

  #binaryResult(tag: number, number: number): void {
    const payload = Buffer.alloc(4);
    payload.writeUInt32LE(number, 0);
    this.#write(muxFrame({ version: 0, message: BINARY_RESULT, tag, payload }));
  }

  #write(frame: Buffer): void {
    // A client that is gone is noticed by the reader.
    this.#stream.write(frame).catch(() => {});
  }
}

function readRequest(payload: Buffer): PlistDict | undefined {
  if (payload.length === 0 || isBinaryPlist(payload)) return undefined;
  try {
    const value: PlistValue = parsePlist(payload);
    return value instanceof Map ? value : undefined;
  } catch (error) {
    if (isPlistError(error)) return undefined;
    throw error;
  }
}

function listenerEntry(request: PlistDict): PlistDict {
  const version = getOptionalInteger(request, 'kLibUSBMuxVersion') ?? 0;
  return dict({
    Blacklisted: false,
    BundleID: getOptionalString(request, 'BundleID') ?? '',
    ConnType: getOptionalInteger(request, 'ConnType') ?? 0,
    'ID String': `${getOptionalString(request, 'ProgName') ?? 'unknown'}-${getOptionalInteger(request, 'ProcessID') ?? 0}`,
    ProgName: getOptionalString(request, 'ProgName') ?? '',
    kLibUSBMuxVersion: version,
  });
}
