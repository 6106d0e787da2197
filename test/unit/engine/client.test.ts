import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { isAppError } from '../../../src/base/errors';
import type { EngineClient } from '../../../src/engine/client';
import { EngineConnection } from '../../../src/engine/engineConnection';
import type { Endpoint } from '../../../src/engine/endpoint';
import { bundleProgram, makeEngineHome, type EngineHome } from '../../support/engineProcess';

const me = { name: 'test', version: '0', pid: process.pid };

describe('connectEngine', () => {
  let home: EngineHome;
  const clients: EngineClient[] = [];
  const connect = async (...options: Parameters<EngineHome['connect']>) => {
    const client = await home.connect(...options);
    clients.push(client);
    return client;
  };

  beforeEach(async () => {
    home = await makeEngineHome();
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.dispose();
    await home[Symbol.asyncDispose]();
  });

  it('starts an engine, and finds it again', async () => {
    const first = await connect();
    const second = await connect();
    assert.equal(first.info.pid, second.info.pid);
    assert.notEqual(first.info.pid, process.pid);
    assert.equal(first.info.idle, true);
    assert.deepEqual(first.state.jobs, []);
  });

  it('gives fifty simultaneous clients in ten processes one engine', async () => {
    const [program, engine] = await Promise.all([
      bundleProgram('test/support/connectMany.ts'),
      bundleProgram('src/engine/main.ts'),
    ]);
    const run = promisify(execFile);
    const runs = Array.from({ length: 10 }, () => run(process.execPath, [program, engine, '5'], { env: home.env }));
    const pids = (await Promise.all(runs)).flatMap(({ stdout }) => stdout.trim().split('\n'));
    assert.equal(pids.length, 50);
    assert.equal(new Set(pids).size, 1, `engines: ${[...new Set(pids)].join(', ')}`);
    // Whoever came too late ends by itself.
    while (home.enginePids().length > 1) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(home.enginePids().map(String), [...new Set(pids)]);
  });

  it('keeps one engine when many are started without the help of the start lock', async () => {
    const engine = await bundleProgram('src/engine/main.ts');
    const run = promisify(execFile);
    const address = `--mux=${home.env['USBMUXD_SOCKET_ADDRESS']}`;
    const starts = Array.from({ length: 8 }, () => run(process.execPath, [engine, address], { env: home.env }));
    for (const start of starts) start.catch(() => {}); // The winner is ended by a signal, later.
    const client = await connect();
    // The losers end by themselves.
    while (home.enginePids().length > 1) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(home.enginePids(), [client.info.pid]);
  });

  it('recovers from a killed engine: a stale socket, claim and start lock', async () => {
    const first = await connect();
    const runtime = path.join(home.env['XDG_RUNTIME_DIR'] ?? '', 'ios-backup');
    first.dispose();
    process.kill(first.info.pid, 'SIGKILL');
    while (home.enginePids().length > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    const [claim] = fs.readdirSync(runtime).filter((name) => name.endsWith('.json'));
    assert.ok(claim, 'the killed engine leaves its claim');
    assert.ok(
      fs.readdirSync(runtime).some((name) => name.endsWith('.s')),
      'and its socket',
    );
    // Of a process that is dead: the number is above any that Linux gives.
    fs.writeFileSync(path.join(runtime, `${claim.split('.')[0]}.start`), '4194304999');
    const second = await connect();
    assert.notEqual(second.info.pid, first.info.pid);
    assert.equal(fs.readdirSync(runtime).filter((name) => name.endsWith('.s')).length, 1);
  });

  it('finds the engine again by itself when it is lost, and tells its state', async () => {
    const client = await connect();
    const { pid } = client.info;
    const seen: string[] = [];
    const back = new Promise<void>((resolve) => {
      client.onConnection((connection) => {
        seen.push(connection);
        if (connection === 'connected') resolve();
      });
    });
    const states: unknown[] = [];
    client.onState((state) => states.push(state));
    process.kill(pid, 'SIGKILL');
    await back;
    assert.deepEqual(seen, ['lost', 'connected']);
    assert.notEqual(client.info.pid, pid);
    assert.ok(states.length > 0);
    assert.deepEqual(await client.call('rescan', {}), { folders: [], backups: [] });
  });

  it('gives up when the engine is lost again and again', async () => {
    const client = await connect();
    const closed = new Promise<unknown>((resolve) => client.onClosed(resolve));
    client.onConnection((connection) => {
      if (connection === 'connected') process.kill(client.info.pid, 'SIGKILL');
    });
    process.kill(client.info.pid, 'SIGKILL');
    assert.ok(isAppError(await closed, 'engineGone'));
    await assert.rejects(client.call('rescan', {}), (error) => isAppError(error, 'engineGone'));
  });

  it('refuses a wrong token, and requests before hello', async () => {
    const client = await connect();
    const endpoint = readEndpoint(home);
    const wrong = { ...endpoint, token: endpoint.token.replace(/./g, '0') };
    await assert.rejects(EngineConnection.open(wrong, me, undefined), (error) => isAppError(error, 'notAllowed'));
    assert.equal(client.connection, 'connected');

    const answer = await rawExchange(endpoint.socket, { jsonrpc: '2.0', id: 1, method: 'subscribe', params: {} });
    assert.match(answer, /hello comes first/);
  });

  it('drops a stranger that sends more than a hello', async () => {
    await connect();
    const socket = net.connect(readEndpoint(home).socket);
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => {});
    socket.write(`Content-Length: 100000000\r\n\r\n${'x'.repeat(200_000)}`);
    await closed;
  });

  it('keeps its files private', async function () {
    if (process.platform === 'win32') return this.skip();
    await connect();
    const runtime = path.join(home.env['XDG_RUNTIME_DIR'] ?? '', 'ios-backup');
    assert.equal(fs.statSync(runtime).mode & 0o777, 0o700);
    for (const name of fs.readdirSync(runtime)) {
      assert.equal(fs.statSync(path.join(runtime, name)).mode & 0o077, 0, name);
    }
  });

  it('replaces an idle engine of another build, once', async () => {
    const engine = await bundleProgram('src/engine/main.ts');
    const other = path.join(path.dirname(engine), 'other', 'programs', 'engine.js');
    fs.mkdirSync(path.dirname(other), { recursive: true });
    fs.writeFileSync(other, `${fs.readFileSync(engine, 'utf8')}\n// another build\n`);
    const old = await connect({ enginePath: other });
    const oldClosed = new Promise<unknown>((resolve) => old.onClosed(resolve));
    const fresh = await connect();
    assert.notEqual(old.info.version, fresh.info.version);
    assert.ok(isAppError(await oldClosed, 'engineVersion'), 'the old client does not replace it back');
    assert.equal(fresh.connection, 'connected');
  });

  it('ends a start that is cancelled', async () => {
    const abort = new AbortController();
    const start = connect({ signal: abort.signal });
    abort.abort();
    await assert.rejects(start, (error) => isAppError(error, 'cancelled'));
  });

  it('says that an engine which cannot start is unavailable', async () => {
    const broken = path.join(home.folder, 'broken.js');
    fs.writeFileSync(broken, 'process.exit(7)');
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 600);
    await assert.rejects(connect({ enginePath: broken, signal: abort.signal }), (error) => isAppError(error));
    await assert.rejects(connect({ enginePath: `${broken}.missing` }), (e) => isAppError(e, 'engineUnavailable'));
  });

  it('says so at once if there is no place for its log', async () => {
    const logs = path.join(home.folder, 'state', 'ios-backup', 'logs');
    fs.mkdirSync(path.dirname(logs), { recursive: true });
    fs.writeFileSync(logs, 'a file stands in its way');
    await assert.rejects(connect(), (error) => isAppError(error, 'engineUnavailable'));
    fs.rmSync(logs);
    assert.equal((await connect()).connection, 'connected');
  });
});

describe('an engine without clients', () => {
  it('ends by itself and removes its files', async () => {
    await using home = await makeEngineHome({ idleMs: 100 });
    const client = await home.connect();
    client.dispose();
    while (home.enginePids().length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(fs.readdirSync(path.join(home.env['XDG_RUNTIME_DIR'] ?? '', 'ios-backup')), []);
  });

  it('ends at SIGTERM', async () => {
    await using home = await makeEngineHome();
    const client = await home.connect();
    client.dispose();
    process.kill(client.info.pid, 'SIGTERM');
    while (home.enginePids().length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  });
});

function readEndpoint(home: EngineHome): Endpoint {
  const runtime = path.join(home.env['XDG_RUNTIME_DIR'] ?? '', 'ios-backup');
  const [name = ''] = fs.readdirSync(runtime).filter((file) => file.endsWith('.json'));
  return JSON.parse(fs.readFileSync(path.join(runtime, name), 'utf8')) as Endpoint;
}

/** Sends one message and returns everything that comes until the end. */
function rawExchange(socketPath: string, message: object): Promise<string> {
  const body = JSON.stringify(message);
  return new Promise((resolve, reject) => {
    const socket = net.connect(socketPath, () => socket.write(`Content-Length: ${body.length}\r\n\r\n${body}`));
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.once('error', reject);
    socket.once('close', () => resolve(text));
  });
}
