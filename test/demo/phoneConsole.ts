import { createInterface, type Interface } from 'node:readline';
import type { DeviceHandle, DeviceSummary } from '../virtualDevice';

interface Key {
  readonly does: string;
  readonly act: (phone: DeviceHandle) => Promise<unknown>;
}

/** What a person could do with a phone in the hand, by the letter to type. */
const keys: Readonly<Record<string, Key>> = {
  t: { does: 'tap Trust (and enter the passcode for it)', act: (phone) => phone.trust() },
  d: { does: "tap Don't Trust", act: (phone) => phone.dontTrust() },
  p: { does: 'enter the passcode', act: (phone) => phone.enterPasscode() },
  r: { does: 'refuse the passcode', act: (phone) => phone.refusePasscode() },
  l: { does: 'lock it', act: (phone) => phone.lock() },
  u: { does: 'unlock it', act: (phone) => phone.unlock() },
  x: { does: 'pull the cable', act: (phone) => phone.unplug() },
  c: { does: 'plug the cable in', act: (phone) => phone.plug() },
  n: { does: 'use it for a while: 40 files change', act: (phone) => phone.changeFiles(40, Date.now()) },
};

const POLL_MS = 250;

/** Lets a person at the terminal use the virtual iPhone, and says what its screen shows. */
export class PhoneConsole {
  readonly #phone: DeviceHandle;
  readonly #quit: () => void;
  #lines: Interface | undefined;
  #timer: NodeJS.Timeout | undefined;
  #shown = '';

  constructor(phone: DeviceHandle, quit: () => void) {
    this.#phone = phone;
    this.#quit = quit;
  }

  open(): void {
    console.log('No device is plugged in, so a virtual iPhone is. Type a letter and Enter:');
    this.#help();
    this.#lines = createInterface({ input: process.stdin });
    this.#lines.on('line', (line) => void this.#take(line.trim()));
    this.#timer = setInterval(() => void this.#look(), POLL_MS);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#lines?.close();
  }

  #help(): void {
    for (const [letter, { does }] of Object.entries(keys)) console.log(`  ${letter}  ${does}`);
    console.log('  q  end everything (as Ctrl-C does)');
  }

  async #take(letter: string): Promise<void> {
    if (letter === 'q') return this.#quit();
    const key = Object.hasOwn(keys, letter) ? keys[letter] : undefined;
    if (!key) return this.#help();
    try {
      await key.act(this.#phone);
      console.log(`  ✓ ${key.does}`);
    } catch (error) {
      console.log(`  ✗ ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** The phone's screen, when it has changed. */
  async #look(): Promise<void> {
    const screen = screenOf(await this.#phone.summary());
    if (screen !== this.#shown) console.log(`  [iPhone] ${screen}`);
    this.#shown = screen;
  }
}

function screenOf({ name, switches, trustDialog, passcodeAsked, attachments }: DeviceSummary): string {
  if (attachments.length === 0) return `${name}: not connected`;
  if (trustDialog) return 'Trust This Computer?   (t: Trust, d: Don’t Trust)';
  if (passcodeAsked) return 'Enter Passcode to Start Backup   (p: enter it, r: refuse)';
  return `${name}: connected, ${switches.locked ? 'locked' : 'unlocked'}`;
}
