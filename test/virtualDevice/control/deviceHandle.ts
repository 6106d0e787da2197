import type { FileDescription } from '../description';
import type { Connection, LogEntry } from '../deviceState';
import type { Fault, FaultWay } from '../fault';
import type { ControlCall, DeviceMethod, DeviceMethods, DeviceSummary } from './controlMethods';

/** A person's hands on a device, the same whether it runs in this process or in another. */
export class DeviceHandle {
  readonly #call: ControlCall;

  constructor(
    readonly udid: string,
    call: ControlCall,
  ) {
    this.#call = call;
  }

  async call<M extends DeviceMethod>(
    method: M,
    params: DeviceMethods[M]['params'],
  ): Promise<DeviceMethods[M]['result']> {
    return (await this.#call(method, { udid: this.udid, ...params })) as DeviceMethods[M]['result'];
  }

  summary(): Promise<DeviceSummary> {
    return this.call('device', {});
  }

  set(switches: DeviceMethods['set']['params']['switches']): Promise<DeviceSummary> {
    return this.call('set', { switches });
  }

  lock(): Promise<DeviceSummary> {
    return this.set({ locked: true });
  }

  unlock(): Promise<DeviceSummary> {
    return this.set({ locked: false });
  }

  trust(): Promise<void> {
    return this.call('tapTrust', { button: 'trust' });
  }

  dontTrust(): Promise<void> {
    return this.call('tapTrust', { button: 'deny' });
  }

  enterPasscode(): Promise<void> {
    return this.call('answerPasscode', { answer: 'entered' });
  }

  refusePasscode(): Promise<void> {
    return this.call('answerPasscode', { answer: 'refused' });
  }

  unplug(way?: FaultWay, only?: Connection): Promise<void> {
    return this.call('unplug', { ...(way ? { way } : {}), ...(only ? { only } : {}) });
  }

  plug(only?: Connection): Promise<DeviceSummary> {
    return this.call('plug', only ? { only } : {});
  }

  replug(): Promise<DeviceSummary> {
    return this.call('replug', {});
  }

  restart(pauseMs?: number): Promise<void> {
    return this.call('restart', pauseMs === undefined ? {} : { pauseMs });
  }

  forgetHosts(): Promise<void> {
    return this.call('forgetHosts', {});
  }

  erase(): Promise<void> {
    return this.call('erase', {});
  }

  cancelSync(): Promise<void> {
    return this.call('cancelSync', {});
  }

  armFault(fault: Fault): Promise<void> {
    return this.call('armFault', { fault });
  }

  disarmFault(): Promise<void> {
    return this.call('disarmFault', {});
  }

  notifications(): Promise<DeviceMethods['notifications']['result']> {
    return this.call('notifications', {});
  }

  log(last?: number): Promise<readonly LogEntry[]> {
    return this.call('log', last === undefined ? {} : { last });
  }

  changeFiles(count: number, seed: number): Promise<readonly string[]> {
    return this.call('changeFiles', { count, seed });
  }

  putFile(file: FileDescription): Promise<void> {
    return this.call('putFile', { file });
  }

  removeFile(domain: string, relativePath: string): Promise<void> {
    return this.call('removeFile', { domain, relativePath });
  }

  /** @returns the differences between `<folder>/<UDID>` and the device, a line each; none: equal. */
  compareFolder(folder: string, password?: string): Promise<readonly string[]> {
    return this.call('compareFolder', { folder, ...(password === undefined ? {} : { password }) });
  }

  /** One text for all that it holds: equal states, equal texts. */
  stateDigest(): Promise<string> {
    return this.call('stateDigest', {});
  }
}
