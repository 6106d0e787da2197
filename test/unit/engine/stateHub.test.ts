import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { StateHub, type StatePart } from '../../../src/engine/stateHub';

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('StateHub', () => {
  it('tells at most ten times a second, and always the last state', async () => {
    const hub = new StateHub();
    const told: number[] = [];
    let last = '';
    hub.onChange(() => {
      told.push(performance.now());
      last = hub.state.mux.kind === 'ready' ? hub.state.mux.address : '';
    });
    let number = 0;
    const end = performance.now() + 550;
    while (performance.now() < end) {
      hub.set('mux', { kind: 'ready', address: String((number += 1)) });
      await wait(2);
    }
    await wait(150);
    hub.dispose();
    assert.equal(last, String(number));
    assert.ok(told.length >= 4 && told.length <= 8, `${told.length} times for ${number} changes`);
    for (let index = 1; index < told.length; index += 1) {
      const gap = (told[index] ?? 0) - (told[index - 1] ?? 0);
      assert.ok(gap >= 95, `${gap} ms apart`);
    }
  });

  it('tells only what changed, and nothing when nothing did', async () => {
    const hub = new StateHub();
    const told: (readonly StatePart[])[] = [];
    hub.onChange((changed) => told.push(changed));
    hub.set('mux', { kind: 'connecting' });
    hub.set('devices', []);
    await wait(120);
    assert.deepEqual(told, []);
    hub.set('mux', { kind: 'absent', address: 'x' });
    hub.set('mux', { kind: 'absent', address: 'x' });
    await wait(120);
    assert.deepEqual(told, [['mux']]);
    const { catalogue } = hub.state;
    hub.set('catalogue', { folders: [], backups: [] });
    assert.equal(hub.state.catalogue, catalogue, 'an equal part stays the same object');
    hub.dispose();
  });
});
