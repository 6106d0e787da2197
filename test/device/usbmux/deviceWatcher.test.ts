import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { silentLog } from '../../../src/base/log';
import { DeviceWatcher } from '../../../src/device/usbmux/deviceWatcher';
import { attached, ScriptedMux, type ScriptedRequest } from './scriptedMux';

const UDID = '00008030-001C2D223A82802E';

describe('DeviceWatcher', () => {
  let mux: ScriptedMux;
  let watcher: DeviceWatcher;
  let heard: string[];
  let listener: ScriptedRequest | undefined;

  beforeEach(() => {
    mux = new ScriptedMux();
    heard = [];
    watcher = new DeviceWatcher(mux.address, silentLog, {
      attached: ({ udid, deviceId, connection }) => heard.push(`attached ${udid} ${deviceId} ${connection}`),
      detached: ({ udid, deviceId }) => heard.push(`detached ${udid} ${deviceId}`),
      paired: ({ udid }) => heard.push(`paired ${udid}`),
      state: ({ kind }) => heard.push(kind),
    });
  });

  afterEach(async () => {
    watcher.dispose();
    await mux.dispose();
  });

  const until = async (text: string) => {
    for (const end = Date.now() + 3000; !heard.includes(text); await sleep(2)) {
      if (Date.now() > end) assert.fail(`never heard "${text}", only ${JSON.stringify(heard)}`);
    }
  };

  const listen = (request: ScriptedRequest) => {
    assert.equal(request.type, 'Listen');
    listener = request;
    request.reply({ MessageType: 'Result', Number: 0 });
    request.event(Object.fromEntries(attached(3, UDID)));
  };

  it('tells what is attached, what comes, is paired and goes', async () => {
    await mux.start(listen);
    watcher.start();
    await until(`attached ${UDID} 3 usb`);
    listener?.event(Object.fromEntries(attached(4, 'a'.repeat(40), 'Network')));
    listener?.event({ MessageType: 'Paired', DeviceID: 3 });
    listener?.event({ MessageType: 'Detached', DeviceID: 99 });
    listener?.event({ MessageType: 'SomethingNew' });
    listener?.event({ MessageType: 'Attached', DeviceID: 5 });
    listener?.event({ MessageType: 'Detached', DeviceID: 3 });
    await until(`detached ${UDID} 3`);
    assert.deepEqual(heard, [
      'ready',
      `attached ${UDID} 3 usb`,
      `attached ${'a'.repeat(40)} 4 network`,
      `paired ${UDID}`,
      `detached ${UDID} 3`,
    ]);
    assert.deepEqual(
      watcher.devices.map(({ deviceId }) => deviceId),
      [4],
    );
  });

  it('reports devices as detached when the daemon goes, and finds them again when it is back', async () => {
    await mux.start(listen);
    watcher.start();
    await until(`attached ${UDID} 3 usb`);
    await mux.stop();
    await until('absent');
    await until(`detached ${UDID} 3`);
    assert.deepEqual(watcher.devices, []);
    heard.length = 0;
    const restarted = Date.now();
    await mux.start(listen);
    await until(`attached ${UDID} 3 usb`);
    assert.equal(watcher.state.kind, 'ready');
    assert.ok(Date.now() - restarted < 900, 'the socket is noticed before the next attempt is due');
  });

  it('waits for a daemon that is not there yet', async () => {
    watcher.start();
    await until('absent');
    await mux.start(listen);
    await until(`attached ${UDID} 3 usb`);
  });

  it('survives a daemon that refuses to tell', async () => {
    let refusals = 0;
    await mux.start((request) => {
      if (++refusals > 1) return listen(request);
      request.reply({ MessageType: 'Result', Number: 1 });
    });
    watcher.start();
    await until('absent');
    await until(`attached ${UDID} 3 usb`);
  });

  it('survives events that cannot be read', async () => {
    let attempts = 0;
    await mux.start((request) => {
      if (++attempts > 1) return listen(request);
      request.reply({ MessageType: 'Result', Number: 0 });
      request.socket.write(Buffer.alloc(64, 0xff));
    });
    watcher.start();
    await until('absent');
    await until(`attached ${UDID} 3 usb`);
  });

  it('says nothing any more once it is disposed, and leaves no connection', async () => {
    await mux.start(listen);
    watcher.start();
    await until(`attached ${UDID} 3 usb`);
    heard.length = 0;
    watcher.dispose();
    while (mux.connections > 0) await sleep(1);
    await mux.stop();
    await sleep(20);
    assert.deepEqual(heard, []);
  });
});
