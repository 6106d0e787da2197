import { MediaTree } from './afc/mediaTree';
import type { DeviceDescription } from './description';
import { Emitter } from './emitter';
import type { Fault, FaultWay } from './fault';
import { DeviceKeys } from './lockdown/deviceKeys';
import type { PairedHost } from './lockdown/pairedHost';
import { TrustDialog } from './lockdown/trustDialog';
import { fillMedia } from './afc/fillMedia';
import { PasscodePrompt, type PasscodeAnswer } from './passcodePrompt';
import type { SwitchChanges, Switches } from './switches';
import type { PlistValue } from '../../src/plist';

export type Connection = 'usb' | 'network';

/** One way in which the device is there now. The number is new at each attachment. */
export interface Attachment {
  readonly deviceId: number;
  readonly connection: Connection;
}

/** A connection to the device that ends when the cable comes out. */
export interface OpenConnection {
  readonly what: string;
  readonly connection: Connection;
  /** Ends it as a fault says. */
  abort(way: FaultWay): void;
}

export interface LogEntry {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly text: string;
}

export type AttachmentEvent = { readonly kind: 'attached' | 'detached'; readonly attachment: Attachment };

/** A device while it runs: everything that can change. Built from its description; the description stays as it was. */
export class DeviceState {
  readonly udid: string;
  readonly media = new MediaTree();
  readonly keys: DeviceKeys;
  readonly trustDialog: TrustDialog;
  /** By HostID: the computers that it trusts. */
  readonly pairedHosts = new Map<string, PairedHost>();
  /** What hosts have set through lockdown, by domain (global: '') and key; undefined: removed. Wins over what is computed. */
  readonly settings = new Map<string, Map<string, PlistValue | undefined>>();
  /** Names that hosts have posted through notification_proxy, oldest first. */
  readonly postedByHosts: string[] = [];
  /** Names that the device itself has posted, oldest first. */
  readonly postedByDevice: string[] = [];
  readonly connections = new Set<OpenConnection>();
  /** Bytes and messages sent on service connections since the start. */
  readonly sent = { bytes: 0, messages: 0 };

  readonly onSwitches = new Emitter<SwitchChanges>();
  readonly onLog = new Emitter<LogEntry>();
  readonly onNotification = new Emitter<string>();
  readonly onAttachment = new Emitter<AttachmentEvent>();
  /** The device is about to restart: what does not survive that is dropped by whoever keeps it. */
  readonly onRestart = new Emitter<void>();
  readonly onErase = new Emitter<void>();

  name: string;
  readonly #switches: Switches;
  readonly #passcode: PasscodePrompt;
  readonly #entries: LogEntry[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #newDeviceId: () => number;
  #attachments: readonly Attachment[] = [];
  #silent = false;
  #fault: { readonly plan: Fault; bytes: number; messages: number } | undefined;

  /** @param newDeviceId gives a number that no attachment of this daemon has had. */
  constructor(
    readonly description: DeviceDescription,
    newDeviceId: () => number,
  ) {
    this.udid = description.udid;
    this.keys = new DeviceKeys(description.udid);
    this.name = description.name;
    this.#switches = { ...description.state };
    this.#newDeviceId = newDeviceId;
    this.#passcode = new PasscodePrompt(this);
    this.trustDialog = new TrustDialog(this);
    fillMedia(this.media, description);
    this.#applySyncLock();
  }

  /** True from `version` on, for example `isAtLeast('16.1')`. */
  isAtLeast(version: string): boolean {
    return compareVersions(this.description.productVersion, version) >= 0;
  }

  get passcodeSet(): boolean {
    return this.description.passcode !== undefined;
  }

  /** Locked now, which only a device with a passcode can be. */
  get locked(): boolean {
    return this.passcodeSet && this.#switches.locked;
  }

  get switches(): Readonly<Switches> {
    return this.#switches;
  }

  setSwitches(changes: SwitchChanges): void {
    const before = this.#switches.backupPassword;
    Object.assign(this.#switches, changes);
    for (const [name, value] of Object.entries(changes)) {
      const shown = name === 'backupPassword' ? (value === undefined ? 'none' : 'set') : JSON.stringify(value);
      this.log(`switch ${name}: ${shown}`);
    }
    if ('locked' in changes && !changes.locked) this.#switches.escrowLocked = false;
    if ('syncLockHeld' in changes) this.#applySyncLock();
    this.onSwitches.fire(changes);
    if (before !== this.#switches.backupPassword) this.postNotification('com.apple.mobile.backup.domain_changed');
  }

  /** The password that backups are encrypted with; undefined: they are not. A change is announced as iOS announces it. */
  get backupPassword(): string | undefined {
    return this.#switches.backupPassword;
  }

  set backupPassword(password: string | undefined) {
    this.setSwitches({ backupPassword: password });
  }

  /** Tells every observer on the device's notification_proxy connections. */
  postNotification(name: string): void {
    this.postedByDevice.push(name);
    this.onNotification.fire(name);
  }

  /** A host has posted through notification_proxy: observers get to know it too. */
  receiveNotification(name: string): void {
    this.postedByHosts.push(name);
    this.log(`a host posts ${name}`);
    this.onNotification.fire(name);
  }

  /**
   * Shows the passcode sheet and waits for its end. A device without a passcode says `entered` at once.
   * @throws AppError `cancelled` when the signal aborts; the sheet is gone then too.
   */
  askPasscode(signal: AbortSignal): Promise<PasscodeAnswer> {
    return this.#passcode.ask(signal);
  }

  /** The sheet is on the screen. */
  get passcodeAsked(): boolean {
    return this.#passcode.open;
  }

  /** A person enters the passcode or cancels the sheet. @throws Error when there is no sheet. */
  answerPasscode(answer: 'entered' | 'refused'): void {
    this.#passcode.answer(answer);
  }

  rename(name: string): void {
    this.name = name;
    this.log(`is now called ${name}`);
    this.postNotification('com.apple.mobile.lockdown.device_name_changed');
  }

  log(text: string): void {
    const entry = { time: Date.now(), text };
    this.#entries.push(entry);
    if (this.#entries.length > 10_000) this.#entries.splice(0, 1_000);
    this.onLog.fire(entry);
  }

  get logEntries(): readonly LogEntry[] {
    return this.#entries;
  }

  // Attachment

  get attachments(): readonly Attachment[] {
    return this.#attachments;
  }

  get plugged(): boolean {
    return this.#attachments.length > 0;
  }

  /** Plugs it in, each way of the description that is not there yet with a new DeviceID. */
  plug(only?: Connection): void {
    const missing = this.description.connections.filter(
      (connection) => (only ?? connection) === connection && !this.attachedBy(connection),
    );
    if (missing.includes('usb')) this.trustDialog.forgetDenial();
    for (const connection of missing) {
      const attachment = { deviceId: this.#newDeviceId(), connection };
      this.#attachments = [...this.#attachments, attachment];
      this.onAttachment.fire({ kind: 'attached', attachment });
    }
  }

  /** Ends connections, and says Detached unless the way is `silence`. `only`: the cable, or the network. */
  unplug(way: FaultWay = 'close', only?: Connection): void {
    this.log(`unplugged (${[way, ...(only ? [only] : [])].join(', ')})`);
    this.#silent = way === 'silence';
    const meant = ({ connection }: { readonly connection: Connection }) => (only ?? connection) === connection;
    for (const connection of [...this.connections]) if (meant(connection)) connection.abort(way);
    if (only !== 'network') this.trustDialog.close();
    if (way === 'silence') return;
    const gone = this.#attachments.filter(meant);
    this.#attachments = this.#attachments.filter((attachment) => !meant(attachment));
    for (const attachment of gone) this.onAttachment.fire({ kind: 'detached', attachment });
  }

  /** It has left without a word: it is still listed, and answers nobody. */
  get silent(): boolean {
    return this.#silent;
  }

  attachedBy(connection: Connection): boolean {
    return this.#attachments.some((attachment) => attachment.connection === connection);
  }

  replug(): void {
    this.unplug();
    this.plug();
  }

  /** Goes away and comes back after `pauseMs`, locked as a phone is then if it has a passcode. */
  restart(pauseMs: number): void {
    this.log('restarts');
    this.unplug();
    this.onRestart.fire();
    if (this.passcodeSet) this.setSwitches({ locked: true, escrowLocked: true });
    this.later(pauseMs, () => this.plug());
  }

  /** Forgets every computer, all settings and the backup password. Who keeps content listens to `onErase`. */
  erase(): void {
    this.log('erased');
    this.pairedHosts.clear();
    this.settings.clear();
    this.trustDialog.close();
    this.setSwitches({ backupPassword: undefined });
    this.onErase.fire();
  }

  /** Runs something after `ms` unless the device has ended by then. */
  later(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, ms);
    this.#timers.add(timer);
  }

  end(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.unplug();
  }

  // Faults

  get fault(): Fault | undefined {
    return this.#fault?.plan;
  }

  armFault(fault: Fault): void {
    this.#fault = { plan: fault, bytes: 0, messages: 0 };
    this.log(`fault armed: ${JSON.stringify(fault)}`);
  }

  disarmFault(): void {
    this.#fault = undefined;
  }

  /** How the armed fault stands for a connection of `service`; undefined: nothing to fear. */
  faultFor(service: string): { readonly plan: Fault; bytes: number; messages: number } | undefined {
    const fault = this.#fault;
    return fault && (fault.plan.service ?? service) === service ? fault : undefined;
  }

  /** The moment of the armed fault has come. */
  fireFault(): void {
    const fault = this.#fault?.plan;
    if (!fault) return;
    this.#fault = undefined;
    // Half a message has been written by now; what follows is an ordinary end.
    this.unplug(fault.way === 'halfLength' || fault.way === 'halfBody' ? 'close' : fault.way);
    if (fault.replugAfterMs !== undefined) this.later(fault.replugAfterMs, () => this.replug());
  }

  #applySyncLock(): void {
    const file = this.media.syncLockFile();
    if (this.#switches.syncLockHeld) file.lock = { exclusive: true, holders: new Set([this]) };
    else if (file.lock?.holders.has(this)) delete file.lock;
  }
}

/** Below zero, zero or above, as for sort(). `16.10` is later than `16.9`. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number)) as [number[], number[]];
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
