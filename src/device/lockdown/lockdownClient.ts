import { AppError } from '../../base/errors';
import type { Log } from '../../base/log';
import { asDict, dict, isPlistError, numberOf, type PlistDict, type PlistValue } from '../../plist';
import type { SocketStream } from '../io/socketStream';
import { startTlsClient } from '../io/tls';
import type { UsbmuxClient } from '../usbmux/usbmuxClient';
import { shown } from './dictOf';
import { lockdownError } from './lockdownError';
import { PlistChannel, REPLY_TIMEOUT_MS } from './plistChannel';
import type { SessionKeys } from './sessionKeys';

const LOCKDOWN_PORT = 62078;
const LABEL = 'ios-backup';
const NORMAL_MODE = 'com.apple.mobile.lockdown';

export type LockdownFields = Readonly<Record<string, PlistValue | undefined>>;

/** A service that lockdown has started: one connection to the port, soon. */
export interface StartedService {
  readonly port: number;
  readonly tls: boolean;
}

/**
 * One connection to a device's lockdown, with or without a session. The device closes it after some ten seconds without
 * a request.
 *
 * Every method fails with `deviceGone`, `unexpectedReply`, `timedOut`, `cancelled` or what lockdownError() makes of the
 * device's refusal. One request at a time.
 */
export class LockdownClient implements AsyncDisposable {
  #stream: SocketStream;
  #channel: PlistChannel;
  readonly #log: Log;

  private constructor(stream: SocketStream, log: Log) {
    this.#stream = stream;
    this.#channel = new PlistChannel(stream, 'lockdown');
    this.#log = log;
  }

  /** @throws AppError `restoreMode` too, and what UsbmuxClient.connect() fails with. */
  static async open(mux: UsbmuxClient, deviceId: number, log: Log, signal?: AbortSignal): Promise<LockdownClient> {
    const client = new LockdownClient(await mux.connect(deviceId, LOCKDOWN_PORT, signal), log);
    try {
      await client.#checkMode(signal);
      return client;
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  /** True until the connection has ended, as far as we know. */
  get usable(): boolean {
    return !this.#stream.closed;
  }

  /** Undefined for a value that the device does not have, or tells to nobody without a session. */
  async getValue(
    domain: string | undefined,
    key: string | undefined,
    signal?: AbortSignal,
  ): Promise<PlistValue | undefined> {
    try {
      return (await this.request('GetValue', { Domain: domain, Key: key }, signal)).get('Value');
    } catch (error) {
      if (error instanceof AppError && error.details['lockdownError'] === 'MissingValue') return undefined;
      throw error;
    }
  }

  async setValue(domain: string | undefined, key: string, value: PlistValue, signal?: AbortSignal): Promise<void> {
    await this.request('SetValue', { Domain: domain, Key: key, Value: value }, signal);
  }

  /**
   * Becomes a trusted host: from here on everything goes over TLS.
   * @throws AppError `trustStale`, `tlsFailed`, `wrongDeviceKey` too.
   */
  async startSession(keys: SessionKeys, signal?: AbortSignal): Promise<void> {
    const { hostId, systemBuid } = keys.record;
    const reply = await this.request(
      'StartSession',
      { HostID: hostId, SystemBUID: systemBuid, ProtocolVersion: '2' },
      signal,
    );
    // Every system does TLS here; whoever does without proves no key, and could be anybody.
    if (reply.get('EnableSessionSSL') !== true) {
      throw new AppError('wrongDeviceKey', 'the device wants a session without TLS, which would prove nothing');
    }
    this.#stream = await startTlsClient(this.#stream, { ...keys.tls(), signal });
    this.#channel = new PlistChannel(this.#stream, 'lockdown');
  }

  async startService(service: string, escrowBag: Buffer | undefined, signal?: AbortSignal): Promise<StartedService> {
    const reply = await this.request('StartService', { Service: service, EscrowBag: escrowBag }, signal);
    const port = numberOf(reply.get('Port'));
    if (port === undefined || !Number.isInteger(port) || port < 1 || port > 65535) {
      throw new AppError('unexpectedReply', `lockdown started ${service} on no usable port`);
    }
    return { port, tls: reply.get('EnableServiceSSL') === true };
  }

  /**
   * Any request; the reply is checked to belong to it and to be no refusal.
   * @param verb For example `GetValue`.
   */
  async request(verb: string, fields: LockdownFields, signal?: AbortSignal): Promise<PlistDict> {
    this.#log.trace(`lockdown: ${verb} ${describe(fields)}`);
    await this.#channel.send(dict({ Label: LABEL, Request: verb, ...fields }));
    return readReply(verb, await this.#channel.receive({ signal, timeoutMs: REPLY_TIMEOUT_MS }));
  }

  close(): Promise<void> {
    return this.#stream.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #checkMode(signal: AbortSignal | undefined): Promise<void> {
    const reply = await this.request('QueryType', {}, signal);
    const type = reply.get('Type');
    if (type === NORMAL_MODE) return;
    if (typeof type === 'string' && type.includes('restore')) {
      throw new AppError('restoreMode', `the device is in restore mode (${type})`);
    }
    throw new AppError('unexpectedReply', `lockdown is of an unknown type: ${shown(type)}`);
  }
}

function readReply(verb: string, message: PlistValue): PlistDict {
  try {
    const reply = asDict(message, 'the reply');
    const answered = reply.get('Request');
    const error = reply.get('Error');
    if (typeof error === 'string') throw lockdownError(verb, error);
    // Some firmware answers Unpair under another name.
    if (answered !== verb && !(verb === 'Unpair' && answered === 'ValidatePair')) {
      throw new AppError('unexpectedReply', `lockdown answered ${shown(answered)} to ${verb}`);
    }
    // Only before iOS 5.
    if (reply.get('Result') === 'Failure') throw lockdownError(verb, 'Failure');
    return reply;
  } catch (error) {
    if (!isPlistError(error)) throw error;
    throw new AppError('unexpectedReply', `lockdown answered ${verb} wrongly: ${error.message}`, { cause: error });
  }
}

/** Which value or service is asked for; nothing else of a request belongs into a log. */
function describe(fields: LockdownFields): string {
  return [fields['Domain'], fields['Key'], fields['Service']].filter((field) => typeof field === 'string').join(' ');
}
