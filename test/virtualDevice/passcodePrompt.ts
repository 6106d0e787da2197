import { cancelled } from '../../src/base/errors';
import type { DeviceState } from './deviceState';

export type PasscodeAnswer = 'entered' | 'refused' | 'timeout';

/** The passcode sheet. One at a time: who asks while it is open gets the same answer. */
export class PasscodePrompt {
  readonly #device: DeviceState;
  #current: Prompt | undefined;

  constructor(device: DeviceState) {
    this.#device = device;
  }

  get open(): boolean {
    return this.#current !== undefined;
  }

  answer(answer: 'entered' | 'refused'): void {
    if (!this.#current) throw new Error('the device does not ask for its passcode');
    this.#device.log(`passcode ${answer}`);
    this.#current.end(answer);
  }

  async ask(signal: AbortSignal): Promise<PasscodeAnswer> {
    if (signal.aborted) throw cancelled();
    if (!this.#device.passcodeSet) return 'entered';
    const prompt = (this.#current ??= this.#show());
    prompt.askers++;
    return new Promise<PasscodeAnswer>((resolve, reject) => {
      const onAbort = () => {
        reject(cancelled());
        if (--prompt.askers === 0) prompt.end('refused');
      };
      signal.addEventListener('abort', onAbort, { once: true });
      void prompt.answer.then((answer) => {
        signal.removeEventListener('abort', onAbort);
        resolve(answer);
      });
    });
  }

  #show(): Prompt {
    const device = this.#device;
    const { passcodePrompt, passcodeTimeoutMs } = device.switches;
    let end!: (answer: PasscodeAnswer) => void;
    const answer = new Promise<PasscodeAnswer>((resolve) => {
      let over = false;
      const timer = setTimeout(() => end('timeout'), passcodeTimeoutMs);
      end = (value) => {
        if (over) return;
        over = true;
        clearTimeout(timer);
        this.#current = undefined;
        // Who enters the passcode has unlocked the device.
        if (value === 'entered' && device.switches.locked) device.setSwitches({ locked: false });
        device.log(`passcode sheet gone: ${value}`);
        device.postNotification('com.apple.LocalAuthentication.ui.dismissed');
        resolve(value);
      };
    });
    device.log('passcode sheet shown');
    device.postNotification('com.apple.LocalAuthentication.ui.presented');
    if (passcodePrompt === 'enter') setImmediate(() => end('entered'));
    if (passcodePrompt === 'refuse') setImmediate(() => end('refused'));
    return { answer, end, askers: 0 };
  }
}

interface Prompt {
  readonly answer: Promise<PasscodeAnswer>;
  readonly end: (answer: PasscodeAnswer) => void;
  askers: number;
}
