import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { isAppError } from '../../../../src/base/errors';
import { RESULT_COMMANDS, type FromPage } from '../../../../src/views/generalTab/protocol';
import { readMessage } from '../../../../src/views/generalTab/readMessage';

const plain = [
  'ready',
  'trust',
  'cancelTrust',
  'showMuxHelp',
  'reconnect',
  'backUpNow',
  'dismissReminder',
  'manageBackups',
  'restore',
  'openBackup',
  'chooseFolder',
  'forgotPassword',
  'tryRemembered',
  'showLog',
] as const;
const text = fc.string({ maxLength: 200 });
const change = fc.constantFrom('on' as const, 'change' as const, 'off' as const);

const wellFormed: fc.Arbitrary<FromPage> = fc.oneof(
  fc.record({ type: fc.constantFrom(...plain) }),
  fc.record({ type: fc.constantFrom('cancelJob' as const, 'dismissJob' as const), jobId: text }),
  fc.record({
    type: fc.constantFrom('setCloud' as const, 'setWifi' as const, 'setAutomatic' as const),
    on: fc.boolean(),
  }),
  fc.record({ type: fc.constant('setAutomaticHours' as const), hours: fc.integer({ min: 1, max: 744 }) }),
  fc.record({ type: fc.constant('copy' as const), text }),
  fc.record({ type: fc.constant('askPassword' as const), change }),
  fc.record({ type: fc.constant('takeStep' as const), command: fc.constantFrom(...RESULT_COMMANDS) }),
  fc.record({
    type: fc.constant('password' as const),
    change,
    oldPassword: text,
    newPassword: text,
    remember: fc.boolean(),
  }),
);

const refused = (error: unknown) => isAppError(error, 'notAllowed');

describe('readMessage', () => {
  it('passes what is well formed, and nothing besides its own fields', () => {
    fc.assert(
      fc.property(wellFormed, fc.dictionary(fc.string(), fc.anything()), (message, more) => {
        const noise = Object.fromEntries(Object.entries(more).filter(([name]) => !(name in message)));
        assert.deepEqual(readMessage({ ...noise, ...message }), { ...message });
      }),
    );
  });

  it('refuses a message whose fields are not what they should be', () => {
    fc.assert(
      fc.property(wellFormed, fc.nat(), fc.anything(), (message, which, wrong) => {
        const names = Object.keys(message);
        const name = names[which % names.length] ?? 'type';
        const right = (message as unknown as Record<string, unknown>)[name];
        fc.pre(typeof wrong !== typeof right);
        assert.throws(() => readMessage({ ...message, [name]: wrong }), refused);
      }),
    );
  });

  it('refuses anything else with a typed error, and never with another', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true }), (message) => {
        try {
          readMessage(message);
        } catch (error) {
          assert.ok(refused(error));
        }
      }),
    );
  });

  it('runs no command that the page was not given', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.constant('workbench.action.terminal.new')), (command) => {
        fc.pre(!(RESULT_COMMANDS as readonly string[]).includes(command));
        assert.throws(() => readMessage({ type: 'takeStep', command }), refused);
      }),
    );
  });

  it('refuses texts of a length that nobody types, and hours outside a month', () => {
    assert.throws(() => readMessage({ type: 'copy', text: 'x'.repeat(5000) }), refused);
    for (const hours of [0, -1, 1.5, 745, NaN, Infinity]) {
      assert.throws(() => readMessage({ type: 'setAutomaticHours', hours }), refused);
    }
  });

  it('does not repeat a password in its error', () => {
    const message = { type: 'password', change: 'on', oldPassword: '', newPassword: 'hunter2hunter2', remember: 'yes' };
    assert.throws(
      () => readMessage(message),
      (error) => error instanceof Error && !JSON.stringify([error.message, error]).includes('hunter2'),
    );
  });
});
