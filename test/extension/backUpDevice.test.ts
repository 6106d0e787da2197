import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import * as vscode from 'vscode';
import { backUpDevice, type BackUpServices } from '../../src/app/backUpDevice';
import { RememberedPasswords } from '../../src/app/rememberedPasswords';
import { backup, device, engine, UDID } from '../unit/views/generalTab/facts';
import { fakeMemento, FakeSession, fakeSecrets } from './fakes';

describe('a backup', () => {
  const { showWarningMessage, showInputBox } = vscode.window;
  let secrets: ReturnType<typeof fakeSecrets>;
  let passwords: RememberedPasswords;
  let session: FakeSession;
  let services: BackUpServices;
  /** The present password of the device. */
  let right: string;
  /** What the person clicks and types, in order; undefined closes the question. */
  let answers: (string | undefined)[];
  let questions: string[];

  const answering = (text: string) => {
    questions.push(text);
    return Promise.resolve(answers.shift());
  };
  const params = (method: string) =>
    session.calls.filter((call) => call.method === method).map((call) => call.params as Record<string, unknown>);
  /** Everything that follows the end of the backup has happened. */
  const settled = async () => {
    for (let turn = 0; turn < 200 && answers.length > 0; turn++) await new Promise((go) => setTimeout(go, 10));
    await new Promise((go) => setTimeout(go, 50));
  };
  const encrypting = (willEncrypt: boolean) => {
    const details = { ...device.details, backup: { willEncrypt, requiresEncryption: false } };
    session.state = engine({ devices: [{ ...device, details }] });
  };

  beforeEach(() => {
    secrets = fakeSecrets();
    passwords = new RememberedPasswords(secrets, fakeMemento());
    [right, answers, questions] = ['right', [], []];
    session = new FakeSession((method, given) => {
      const { password } = given as { readonly password?: string };
      if (method === 'checkRestore') return Promise.resolve(password === right ? [] : [{ id: 'wrongPassword' }]);
      return Promise.resolve({ ...backup, ...(password !== undefined && { passwordOpens: password === right }) });
    });
    encrypting(true);
    const log = { warn: () => {}, error: () => {} } as unknown as vscode.LogOutputChannel;
    services = { engine: session.asSession, passwords, log };
    Object.assign(vscode.window, {
      showWarningMessage: answering,
      showInputBox: ({ prompt }: vscode.InputBoxOptions) => answering(prompt ?? ''),
    });
  });
  afterEach(() => void Object.assign(vscode.window, { showWarningMessage, showInputBox }));

  it('of a device that encrypts is checked with the remembered password, and nothing is asked', async () => {
    await passwords.set(UDID, 'right');
    await backUpDevice(services, UDID, { full: true });
    const [request] = params('backUp');
    assert.deepEqual([request?.['password'], request?.['full']], ['right', true]);
    assert.deepEqual(questions, []);
  });

  it('is asked for without a password where none is remembered or none is needed', async () => {
    await backUpDevice(services, UDID);
    await passwords.set(UDID, 'right');
    encrypting(false);
    await backUpDevice(services, UDID);
    session.state = undefined;
    await backUpDevice(services, UDID);
    assert.deepEqual(
      params('backUp').map((request) => 'password' in request),
      [false, false, false],
    );
  });

  it('is made although the keychain cannot be read', async () => {
    secrets.get = () => Promise.reject(new Error('the keyring is locked'));
    await backUpDevice(services, UDID);
    assert.equal('password' in (params('backUp')[0] ?? {}), false);
  });

  it('is checked with the new password after encryption was turned on, whatever is remembered', async () => {
    await passwords.set(UDID, 'old');
    await backUpDevice(services, UDID, { password: 'right' });
    assert.equal(params('backUp')[0]?.['password'], 'right');
  });

  it('stands when the remembered password does not open it: it is said, and not offered again', async () => {
    await passwords.set(UDID, 'old');
    answers = [undefined];
    assert.equal((await backUpDevice(services, UDID)).path, backup.path);
    await settled();
    assert.match(questions.join(), /does not open its new backup.*is complete/);
    assert.equal(await passwords.has(UDID), false);
    assert.deepEqual(await passwords.candidates(UDID), ['old'], 'but it is still kept');
    await backUpDevice(services, UDID);
    assert.equal('password' in (params('backUp')[1] ?? {}), false);
  });

  it('lets the person replace the password, once the backup has confirmed the new one', async () => {
    await passwords.set(UDID, 'old');
    answers = ['Enter the Right One', 'guess', 'right'];
    await backUpDevice(services, UDID);
    await settled();
    assert.deepEqual(
      params('checkRestore').map(({ password }) => password),
      ['guess', 'right'],
    );
    assert.equal(await passwords.get(UDID), 'right');
    assert.deepEqual(await passwords.candidates(UDID), ['right', 'old']);
    assert.equal([...secrets.kept.values()].join().includes('guess'), false);
  });

  it('lets the person forget it; earlier backups may still open with it', async () => {
    await passwords.set(UDID, 'old');
    answers = ['Forget It'];
    await backUpDevice(services, UDID);
    await settled();
    assert.equal(await passwords.has(UDID), false);
    const kept = JSON.parse([...secrets.kept.values()].join()) as Record<string, unknown>;
    assert.deepEqual(kept, { earlier: ['old'] });
  });

  it('forgets nothing that was remembered while the question was open', async () => {
    await passwords.set(UDID, 'old');
    let answer: (text: string) => void = () => {};
    Object.assign(vscode.window, { showWarningMessage: () => new Promise((resolve) => (answer = resolve)) });
    await backUpDevice(services, UDID);
    await passwords.set(UDID, 'right');
    answer('Forget It');
    await settled();
    assert.equal(await passwords.get(UDID), 'right');
  });
});
