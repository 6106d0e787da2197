import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import type { App } from '../../src/app/app';
import { AppError, isAppError } from '../../src/base/errors';
import { changeEncryption } from '../../src/app/changeEncryption';
import { RememberedPasswords } from '../../src/app/rememberedPasswords';
import { fakeMemento, FakeSession, fakeSecrets } from './fakes';

const A = '00008101-000A1B2C3D4E001E';
const B = '00008130-001C35D20E92001C';

describe('remembered passwords', () => {
  let secrets: ReturnType<typeof fakeSecrets>;
  let passwords: RememberedPasswords;

  beforeEach(() => {
    secrets = fakeSecrets();
    passwords = new RememberedPasswords(secrets, fakeMemento());
  });

  it('are offered until the device refuses them, and then again when it takes them', async () => {
    assert.equal(await passwords.get(A), undefined);
    await passwords.set(A, 'one');
    assert.equal(await passwords.get(A), 'one');
    passwords.refuse(A, 'one');
    assert.equal(await passwords.has(A), false);
    assert.ok((await passwords.candidates(A)).includes('one'), 'it may open an earlier backup');
    passwords.offer(A, 'one');
    assert.equal(await passwords.get(A), 'one');
  });

  it('keep what opens earlier backups, newest first, of all devices', async () => {
    for (const password of ['one', 'two', 'one', 'three']) await passwords.set(A, password);
    await passwords.set(B, 'other');
    assert.deepEqual(await passwords.candidates(A), ['three', 'one', 'two', 'other']);
    assert.deepEqual(await passwords.candidates(B), ['other', 'three', 'one', 'two']);
    await passwords.retire(A);
    assert.equal(await passwords.get(A), undefined);
    assert.deepEqual(await passwords.candidates(A), ['three', 'one', 'two', 'other']);
  });

  it('that opened a backup open the next one as well, and are not taken for the present one', async () => {
    await passwords.addEarlier(A, 'of a backup');
    assert.equal(await passwords.get(A), undefined);
    assert.deepEqual(await passwords.candidates(A), ['of a backup']);
    assert.deepEqual(passwords.devices(), [A]);
    await passwords.set(A, 'present');
    for (const known of ['present', 'of a backup']) await passwords.addEarlier(A, known);
    assert.equal(await passwords.get(A), 'present');
    assert.deepEqual(await passwords.candidates(A), ['present', 'of a backup']);
  });

  it('are gone when forgotten', async () => {
    await passwords.set(A, 'one');
    await passwords.set(B, 'other');
    await passwords.forget(A);
    assert.deepEqual(passwords.devices(), [B]);
    assert.deepEqual(await passwords.candidates(A), ['other']);
    assert.equal([...secrets.kept.values()].join().includes('one'), false);
  });

  describe('when encryption changes', () => {
    const app = (session: FakeSession) => ({ engine: session.asSession, passwords }) as unknown as App;
    const answer = { change: 'change', oldPassword: '', newPassword: 'new', remember: true } as const;

    it('are replaced only after the device has confirmed', async () => {
      await passwords.set(A, 'old');
      const during: (string | undefined)[] = [];
      const session = new FakeSession(async () => {
        during.push(await passwords.get(A));
        return null;
      });
      await changeEncryption(app(session), A, answer);
      assert.deepEqual(during, ['old']);
      assert.equal(await passwords.get(A), 'new');
      const change = { kind: 'change', oldPassword: 'old', newPassword: 'new' };
      assert.deepEqual(session.calls, [{ method: 'changeEncryption', params: { udid: A, change } }]);
    });

    for (const code of ['wrongPassword', 'passcodeNotEntered', 'deviceLocked', 'encryptionForced'] as const) {
      it(`stay as they are when it fails: ${code}`, async () => {
        await passwords.set(A, 'old');
        const session = new FakeSession(() => Promise.reject(new AppError(code, 'no')));
        await assert.rejects(changeEncryption(app(session), A, answer), (error) => isAppError(error, code));
        assert.ok([...secrets.kept.values()].join().includes('old'));
        assert.equal([...secrets.kept.values()].join().includes('new'), false);
        assert.equal(await passwords.has(A), code !== 'wrongPassword', 'a refused one is not offered again');
      });
    }

    for (const code of ['deviceGone', 'engineGone', 'timedOut'] as const) {
      it(`are both kept, and none is taken for the present one, when nobody knows: ${code}`, async () => {
        await passwords.set(A, 'old');
        const session = new FakeSession(() => Promise.reject(new AppError(code, 'no')));
        await assert.rejects(changeEncryption(app(session), A, answer), (error) => isAppError(error, code));
        assert.equal(await passwords.has(A), false);
        assert.deepEqual(await passwords.candidates(A), ['new', 'old']);
      });
    }

    it('stay as they are when the device shows that nothing was changed', async () => {
      await passwords.set(A, 'old');
      const gone = new AppError('deviceGone', 'no', { details: { encrypted: true } });
      const session = new FakeSession(() => Promise.reject(gone));
      await assert.rejects(changeEncryption(app(session), A, { ...answer, change: 'off' }));
      assert.equal(await passwords.get(A), 'old');
    });

    it('are not kept without being asked to, and a backup follows only after turning on', async () => {
      const session = new FakeSession((method) =>
        Promise.resolve(method === 'backUp' ? { passwordOpens: true } : null),
      );
      await changeEncryption(app(session), A, { ...answer, change: 'on', remember: false });
      assert.equal(await passwords.has(A), false);
      assert.deepEqual(
        session.calls.map(({ method }) => method),
        ['changeEncryption', 'backUp'],
      );
      const { password } = session.calls[1]?.params as { readonly password?: string };
      assert.equal(password, 'new', 'the backup is checked with it');
      session.calls.length = 0;
      await changeEncryption(app(session), A, { ...answer, change: 'off', oldPassword: 'new' });
      assert.deepEqual(
        session.calls.map(({ method }) => method),
        ['changeEncryption'],
      );
    });

    it('are asked for where none is remembered, and an empty one is refused', async () => {
      const session = new FakeSession();
      await assert.rejects(changeEncryption(app(session), A, answer), (error) => isAppError(error, 'passwordNeeded'));
      await assert.rejects(changeEncryption(app(session), A, { ...answer, change: 'on', newPassword: '' }), (error) =>
        isAppError(error, 'passwordEmpty'),
      );
      assert.deepEqual(session.calls, []);
    });
  });
});
