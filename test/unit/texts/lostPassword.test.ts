import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { lostPasswordHelp } from '../../../src/texts/lostPassword';

describe('lostPasswordHelp', () => {
  it('tries what is remembered first, and resets settings last', () => {
    const help = lostPasswordHelp('some', 'darwin');
    assert.equal(help[0]?.actions[0]?.act, 'tryRemembered');
    assert.match(help.at(-1)?.title ?? '', /Reset All Settings/);
    assert.match(help.at(-1)?.text ?? '', /Photos, messages, apps and accounts stay/);
    assert.ok(help.at(-1)?.steps.some((step) => /never Erase/.test(step)));
  });

  it('goes on with a password only when there is one to go on with', () => {
    const acts = (state: Parameters<typeof lostPasswordHelp>[0]) =>
      lostPasswordHelp(state, 'linux').flatMap(({ actions }) => actions.map(({ act }) => act));
    assert.deepEqual(acts('none'), []);
    assert.deepEqual(acts('noneFits'), []);
    assert.deepEqual(acts('found'), ['change', 'off']);
    assert.deepEqual(acts('untried'), ['change', 'off']);
  });

  it('explains the keychain where there is one', () => {
    assert.ok(lostPasswordHelp('none', 'darwin')[2]?.steps.length);
    assert.match(lostPasswordHelp('none', 'win32')[2]?.text ?? '', /Mac/);
  });
});
