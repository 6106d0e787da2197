import { randomUUID } from 'node:crypto';
import { AppError } from '../../../src/base/errors';
import {
  dict,
  getOptionalData,
  getOptionalString,
  getString,
  isPlistError,
  type PlistDict,
  type PlistValue,
} from '../../../src/plist';
import type { DeviceConnection } from '../io/deviceConnection';
import { readPlistMessage, writeFramed, xmlBytes } from '../io/plistMessages';
import { services } from '../services/serviceTable';
import type { VirtualDevice } from '../virtualDevice';
import { startTls } from './hostTls';
import type { PairedHost } from './pairedHost';
import { pair, unpair, validatePair } from './pairing';
import { getValue, removeValue, setValue, type ValueResult } from './valueStore';

const IDLE_MS = 10_000;
const MAX_REQUEST = 1024 * 1024;

interface Session {
  readonly id: string;
  readonly host: PairedHost;
}

type Reply = Readonly<Record<string, PlistValue | undefined>>;

/** One lockdown connection, from QueryType to its end. */
export async function serveLockdown(virtual: VirtualDevice, connection: DeviceConnection): Promise<void> {
  await new LockdownConnection(virtual, connection).serve();
}

class LockdownConnection {
  readonly #virtual: VirtualDevice;
  readonly #connection: DeviceConnection;
  #session: Session | undefined;
  #over = false;
  /** What follows the reply in the making. */
  #then: (() => Promise<void>) | undefined;

  constructor(virtual: VirtualDevice, connection: DeviceConnection) {
    this.#virtual = virtual;
    this.#connection = connection;
  }

  async serve(): Promise<void> {
    while (!this.#over) {
      const request = await this.#nextRequest();
      if (!request) return;
      const verb = getOptionalString(request, 'Request');
      if (verb === undefined) throw new AppError('unexpectedReply', 'lockdown: a message without Request');
      const reply = await this.#answer(verb, request);
      if (typeof reply['Error'] === 'string') this.#log(`${verb}: ${reply['Error']}`);
      const { stream } = this.#connection;
      await writeFramed(stream, xmlBytes(dict({ Request: verb, ...this.#result(reply), ...reply })));
      stream.flush();
      const then = this.#then;
      this.#then = undefined;
      await then?.();
    }
  }

  /** Undefined when the host takes too long. */
  async #nextRequest(): Promise<PlistDict | undefined> {
    const { stream } = this.#connection;
    const idle = this.#virtual.state.switches.lockdownIdleMs ?? IDLE_MS;
    let idled = false;
    const timer = setTimeout(() => {
      idled = true;
      void stream.close();
    }, idle || 0x7fff_ffff);
    try {
      return await readPlistMessage(stream, MAX_REQUEST);
    } catch (error) {
      if (!idled) throw error;
      this.#log(`closed after ${idle} ms without a request`);
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Old firmware says how it went; newer firmware leaves out what the rest tells. */
  #result(reply: Reply): Reply {
    if (this.#virtual.state.isAtLeast('5.0')) return {};
    return { Result: reply['Error'] === undefined ? 'Success' : 'Failure' };
  }

  async #answer(verb: string, request: PlistDict): Promise<Reply> {
    try {
      return await this.#dispatch(verb, request);
    } catch (error) {
      if (!isPlistError(error)) throw error;
      this.#log(`${verb}: ${error.message}`);
      return { Error: 'InvalidResponse' };
    }
  }

  async #dispatch(verb: string, request: PlistDict): Promise<Reply> {
    const device = this.#virtual.state;
    switch (verb) {
      case 'QueryType':
        return { Type: 'com.apple.mobile.lockdown' };
      case 'GetValue':
      case 'SetValue':
      case 'RemoveValue':
        return this.#value(verb, request);
      case 'Pair': {
        const host = await pair(device, request, this.#connection.connection);
        return typeof host === 'string' ? { Error: host } : { EscrowBag: host.escrowBag };
      }
      case 'ValidatePair':
        return { Error: await validatePair(device, request) };
      case 'Unpair': {
        if (this.#connection.connection === 'network' && !this.#validSession()) return { Error: 'SessionInactive' };
        return { Error: unpair(device, request) };
      }
      case 'StartSession':
        return this.#startSession(request);
      case 'StopSession':
        return this.#stopSession(request);
      case 'StartService':
        return this.#startService(request);
      case 'ResetPairing':
        if (!this.#validSession()) return { Error: 'SessionInactive' };
        device.pairedHosts.clear();
        device.log('forgot all hosts');
        return {};
      case 'EnterRecovery':
        if (!this.#validSession()) return { Error: 'SessionInactive' };
        this.#then = () => Promise.resolve(device.unplug());
        return {};
      case 'Goodbye':
        return this.#andClose({});
      default:
        this.#log(`unknown request ${verb}`);
        return { Error: 'InvalidResponse' };
    }
  }

  async #value(verb: 'GetValue' | 'SetValue' | 'RemoveValue', request: PlistDict): Promise<Reply> {
    const device = this.#virtual.state;
    const inSession = this.#validSession() !== undefined;
    const Domain = getOptionalString(request, 'Domain');
    const Key = getOptionalString(request, 'Key');
    const domain = Domain ?? '';
    let result: ValueResult;
    if (verb === 'GetValue') {
      result = await getValue(device, domain, Key, inSession);
    } else {
      if (Key === undefined) return { Error: 'MissingKey' };
      if (verb === 'RemoveValue') {
        result = removeValue(device, domain, Key, inSession);
      } else {
        const value = request.get('Value');
        if (value === undefined) return { Error: 'MissingValue' };
        result = await setValue(device, domain, Key, value, inSession);
      }
    }
    if ('error' in result) {
      if (verb !== 'GetValue') this.#log(`${verb} ${domain} ${Key ?? ''}: ${result.error}`);
      return { Domain, Key, Error: result.error };
    }
    return { Domain, Key, Value: result.value };
  }

  /** The session, as long as the device has not forgotten its host. */
  #validSession(): Session | undefined {
    const session = this.#session;
    if (!session) return undefined;
    return this.#virtual.state.pairedHosts.get(session.host.hostId) === session.host ? session : undefined;
  }

  #startSession(request: PlistDict): Reply {
    const device = this.#virtual.state;
    if (this.#session) return { Error: 'SessionActive' };
    const hostId = getOptionalString(request, 'HostID');
    if (hostId === undefined) return { Error: 'MissingHostID' };
    const host = device.pairedHosts.get(hostId);
    if (!host) {
      this.#log(`StartSession: host ${hostId} is not known`);
      return { Error: 'InvalidHostID' };
    }
    const systemBuid = getOptionalString(request, 'SystemBUID');
    if (systemBuid !== host.systemBuid) {
      this.#log(`StartSession: SystemBUID ${systemBuid ?? '(none)'} is not that of the pair record`);
      return { Error: 'InvalidHostID' };
    }
    const id = randomUUID().toUpperCase();
    this.#then = async () => {
      this.#connection.stream = await startTls(this.#connection.stream, device, host);
      this.#session = { id, host };
    };
    return { SessionID: id, EnableSessionSSL: true };
  }

  /** The other side may go on in plain text on a phone; Node cannot leave TLS, and every client closes here anyway. */
  #stopSession(request: PlistDict): Reply {
    if (!this.#session) return { Error: 'SessionInactive' };
    const id = getOptionalString(request, 'SessionID');
    if (id === undefined) return { Error: 'MissingSessionID' };
    if (id !== this.#session.id) return { Error: 'InvalidSessionID' };
    this.#session = undefined;
    return this.#andClose({});
  }

  async #startService(request: PlistDict): Promise<Reply> {
    const device = this.#virtual.state;
    const name = getOptionalString(request, 'Service');
    if (name === undefined) return { Error: 'MissingService' };
    const service = services.get(name);
    const session = this.#validSession();
    if (!session && !service?.withoutSession) {
      this.#log(`StartService ${name}: no session`);
      return { Error: this.#session ? 'InvalidHostID' : 'SessionInactive' };
    }
    if (!service) {
      this.#log(`StartService ${name}: no such service`);
      return { Error: 'InvalidService' };
    }
    const bag = getOptionalData(request, 'EscrowBag');
    const escrow = bag !== undefined && session?.host.escrowBag.equals(bag) === true;
    if (bag && !escrow) this.#log(`StartService ${name}: the EscrowBag is not the one of this host`);
    if (bag && device.locked) {
      if (device.switches.escrowLocked) return { Error: 'EscrowLocked' };
      if (!escrow) return { Error: 'PasswordProtected' };
    }
    const { port, tls } = await this.#virtual.openPort(
      { service: name, escrow, tlsHost: session?.host },
      this.#connection.connection,
    );
    return { Service: getString(request, 'Service'), Port: port, EnableServiceSSL: tls ? true : undefined };
  }

  #andClose(reply: Reply): Reply {
    this.#over = true;
    return reply;
  }

  #log(text: string): void {
    this.#virtual.state.log(`lockdown: ${text}`);
  }
}
