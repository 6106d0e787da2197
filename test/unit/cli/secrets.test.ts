import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, it } from 'mocha';
import { isAppError } from '../../../src/base/errors';
import { standardInputSecrets } from '../../../src/cli/secrets';

/** Standard input as a pipe, or as a terminal whose raw mode and echo can be seen. */
function input({ terminal = false } = {}) {
  const stream = new PassThrough();
  const raw: boolean[] = [];
  const fake = Object.assign(stream, {
    isTTY: terminal,
    setRawMode: (mode: boolean) => {
      raw.push(mode);
      return fake;
    },
  }) as unknown as NodeJS.ReadStream;
  const abort = new AbortController();
  let shown = '';
  const secrets = standardInputSecrets({
    input: fake,
    showPrompt: (text) => (shown += text),
    signal: abort.signal,
    interrupt: () => abort.abort(),
  });
  return { stream, raw, abort, secrets, shown: () => shown };
}

describe('secrets from standard input', () => {
  it('are lines, in order, without their ends', async () => {
    const { stream, secrets, shown } = input();
    stream.write('  first Ä');
    setTimeout(() => stream.end(Buffer.from('\r\nsecond\n\nlast')), 5);
    assert.equal(await secrets.read('Old'), '  first Ä');
    assert.equal(await secrets.readNew('New'), 'second');
    assert.equal(await secrets.read('Empty'), '');
    assert.equal(await secrets.read('Last'), 'last');
    await assert.rejects(secrets.read('None'), (error) => isAppError(error, 'passwordNeeded'));
    assert.equal(shown(), '', 'nothing is asked without a terminal');
  });

  it('survive a character that comes in two pieces', async () => {
    const { stream, secrets } = input();
    const [one, other] = [Buffer.from('pä').subarray(0, 2), Buffer.from('pä').subarray(2)];
    stream.write(one);
    setTimeout(() => stream.end(other), 5);
    assert.equal(await secrets.read(''), 'pä');
  });

  it('can be given up', async () => {
    const { secrets, abort } = input();
    const reading = secrets.read('');
    abort.abort();
    await assert.rejects(reading, (error) => isAppError(error, 'cancelled'));
  });

  it('are left out at the end of input', async () => {
    const { stream, secrets } = input();
    stream.end();
    assert.equal(await secrets.readIfGiven(''), undefined);
  });

  it('refuse a file that was piped in by mistake', async () => {
    const { stream, secrets } = input();
    stream.write('x'.repeat(100_000));
    await assert.rejects(secrets.read(''), (error) => isAppError(error, 'wrongUsage'));
  });
});

describe('secrets typed on a terminal', () => {
  it('are asked for, not shown, and can be corrected', async () => {
    const { stream, secrets, raw, shown } = input({ terminal: true });
    const reading = secrets.read('Backup password');
    stream.write('wrong\x15secrez\x7ft\r');
    assert.equal(await reading, 'secret');
    assert.equal(shown(), 'Backup password: \n');
    assert.deepEqual(raw, [true, false]);
  });

  it('are typed twice when new', async () => {
    const { stream, secrets } = input({ terminal: true });
    const type = (text: string) => setTimeout(() => stream.write(text), 5);
    let reading = secrets.readNew('New');
    type('one\r');
    setTimeout(() => type('one\r'), 15);
    assert.equal(await reading, 'one');
    reading = secrets.readNew('New');
    type('one\r');
    setTimeout(() => type('two\r'), 15);
    await assert.rejects(reading, (error) => isAppError(error, 'wrongUsage'));
  });

  it('end with Ctrl-C, and leave the terminal as it was', async () => {
    const { stream, secrets, raw } = input({ terminal: true });
    const reading = secrets.read('');
    stream.write('sec\x03');
    await assert.rejects(reading, (error) => isAppError(error, 'cancelled'));
    assert.deepEqual(raw, [true, false]);
    const none = input({ terminal: true });
    const ended = none.secrets.read('');
    none.stream.write('\x04');
    await assert.rejects(ended, (error) => isAppError(error, 'passwordNeeded'));
  });
});
