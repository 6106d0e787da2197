import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { isAppError, type ErrorCode } from '../../../../src/base/errors';
import { connectSocket } from '../../../../src/device/io/connectSocket';
import { SocketStream } from '../../../../src/device/io/socketStream';
import {
  publicKeyOfCertificate,
  startTlsClient,
  tlsClientContext,
  type TlsGeneration,
} from '../../../../src/device/io/tls';
import { makePairCertificates, type PairCertificates } from '../../../../src/device/lockdown/certificates';

const has = (code: ErrorCode) => (error: unknown) => isAppError(error, code);

describe('startTlsClient', () => {
  const device = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const devicePem = Buffer.from(device.publicKey.export({ type: 'pkcs1', format: 'pem' }));
  const deviceKey = device.privateKey.export({ type: 'pkcs1', format: 'pem' });
  let made: PairCertificates;
  let server: net.Server;
  let peer: net.Socket;
  let stream: SocketStream;

  before(async () => {
    made = await makePairCertificates(devicePem);
  });

  beforeEach(async () => {
    server = net.createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'connection') as Promise<[net.Socket]>;
    const { port } = server.address() as net.AddressInfo;
    stream = await connectSocket({ kind: 'tcp', host: '127.0.0.1', port }, { timeoutMs: 1000 });
    [peer] = await accepted;
    peer.on('error', () => {});
  });

  afterEach(async () => {
    await stream.close();
    peer.destroy();
    server.close();
  });

  const start = (generation: TlsGeneration = 'modern', more: { signal?: AbortSignal; timeoutMs?: number } = {}) =>
    startTlsClient(stream, {
      context: tlsClientContext({ certificate: made.hostCertificate, privateKey: made.hostPrivateKey }, generation),
      serverPublicKey: publicKeyOfCertificate(made.deviceCertificate),
      ...more,
    });

  /** Answers as a device does: with the certificate that the host made for it, asking for the host's. */
  function serve(options: tls.SecureContextOptions = {}): tls.TLSSocket {
    const secureContext = tls.createSecureContext({ key: deviceKey, cert: made.deviceCertificate, ...options });
    const socket = new tls.TLSSocket(peer, {
      isServer: true,
      secureContext,
      requestCert: true,
      rejectUnauthorized: false,
    });
    socket.on('error', () => {});
    return socket;
  }

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`speaks ${version}, shows the host certificate and carries bytes both ways`, async () => {
      const socket = serve({ minVersion: version, maxVersion: version });
      const secured = once(socket, 'secure');
      const secure = await start();
      await secured;
      assert.equal(socket.getProtocol(), version);
      assert.deepEqual(socket.getPeerX509Certificate()?.raw, new X509Certificate(made.hostCertificate).raw);
      await secure.write(Buffer.from('to the device'));
      assert.equal(String((await once(socket, 'data'))[0]), 'to the device');
      socket.write('to the host');
      assert.equal((await secure.read(11)).toString(), 'to the host');
      await secure.close();
      assert.ok(stream.closed);
    });
  }

  it('carries megabytes to readers of every kind, into their own memory too', async () => {
    const socket = serve();
    const sent = randomBytes(6 << 20);
    socket.once('secure', () => {
      for (let at = 0; at < sent.length; at += 70_001) socket.write(sent.subarray(at, at + 70_001));
      socket.end();
    });
    const secure = await start();
    const parts: Buffer[] = [];
    let length = 0;
    for (let turn = 0; length < sent.length; turn++) {
      const left = sent.length - length;
      let part: Buffer;
      if (turn % 4 === 0) part = await secure.read(Math.min(5, left));
      else if (turn % 4 === 1) part = await secure.readSome(100_000);
      else {
        part = Buffer.alloc(Math.min(turn % 4 === 2 ? 131_072 : 30_000, left));
        await secure.readInto(part);
      }
      // A reader that is slower than the device at times.
      if (turn % 16 === 3) await sleep(2);
      // What was given stays as it is, whatever comes later.
      parts.push(part);
      length += part.length;
    }
    assert.ok(Buffer.concat(parts).equals(sent));
    await assert.rejects(secure.read(1), has('deviceGone'));
    await secure.close();
  });

  it('leaves the memory of a reader alone that was given up', async () => {
    const socket = serve();
    socket.once('secure', () => socket.write(Buffer.alloc(1 << 20, 1)));
    const secure = await start();
    await secure.readInto(Buffer.alloc(1 << 20));
    const target = Buffer.alloc(100_000);
    const filled = secure.readInto(target);
    socket.write(Buffer.alloc(1000, 2));
    await sleep(20);
    const closed = secure.close();
    await assert.rejects(filled, has('deviceGone'));
    const before = Buffer.from(target);
    socket.write(Buffer.alloc(50_000, 3));
    await closed;
    assert.ok(target.equals(before));
  });

  it('loses nothing of what the device sends right behind the handshake', async () => {
    const socket = serve();
    socket.once('secure', () => socket.end(Buffer.alloc(3 << 20, 5)));
    const secure = await start();
    await sleep(50);
    assert.ok((await secure.read(3 << 20)).equals(Buffer.alloc(3 << 20, 5)));
    await assert.rejects(secure.read(1), has('deviceGone'));
    await secure.close();
  });

  it('takes a connection that ends without close_notify for an end', async () => {
    const socket = serve();
    const secured = once(socket, 'secure');
    const secure = await start();
    await secured;
    const read = secure.read(1);
    peer.resetAndDestroy();
    await assert.rejects(read, has('deviceGone'));
    await secure.close();
  });

  it('refuses a device that holds another key', async () => {
    const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const forStranger = await makePairCertificates(
      Buffer.from(stranger.publicKey.export({ type: 'pkcs1', format: 'pem' })),
    );
    const key = stranger.privateKey.export({ type: 'pkcs8', format: 'pem' });
    const socket = serve({ key, cert: forStranger.deviceCertificate });
    let heard = false;
    socket.on('data', () => (heard = true));
    await assert.rejects(start(), has('wrongDeviceKey'));
    await once(peer, 'close');
    assert.equal(heard, false);
  });

  it('trusts the key, whatever certificate it is shown in', async () => {
    const again = await makePairCertificates(devicePem);
    serve({ cert: again.deviceCertificate });
    await (await start()).close();
  });

  it('fails when the device breaks off the handshake', async () => {
    peer.once('data', () => peer.end());
    await assert.rejects(start(), has('tlsFailed'));
  });

  it('fails when the device answers what is no TLS', async () => {
    peer.once('data', () => peer.write('no TLS at all'));
    await assert.rejects(start(), has('tlsFailed'));
  });

  it('does not wait for ever', async () => {
    await assert.rejects(start('modern', { timeoutMs: 30 }), has('timedOut'));
    await once(peer.resume(), 'close');
  });

  it('can be cancelled', async () => {
    const abort = new AbortController();
    const started = start('modern', { signal: abort.signal });
    setTimeout(() => abort.abort(), 10);
    await assert.rejects(started, has('cancelled'));
    await once(peer.resume(), 'close');
  });

  it('speaks TLS 1.0 only with old devices', async () => {
    const old: tls.SecureContextOptions = { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT:@SECLEVEL=0' };
    const socket = serve(old);
    const secure = await start('legacy');
    assert.equal(socket.getProtocol(), 'TLSv1');
    await secure.close();
  });

  it('does not fall back by itself', async () => {
    serve({ minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT:@SECLEVEL=0' });
    await assert.rejects(start('modern'), has('tlsFailed'));
  });

  it('does not begin when it is cancelled already, and closes', async () => {
    await assert.rejects(start('modern', { signal: AbortSignal.abort() }), has('cancelled'));
    await once(peer.resume(), 'close');
  });

  it('fails when the connection is reset during the handshake', async () => {
    peer.once('data', () => peer.resetAndDestroy());
    await assert.rejects(start(), has('tlsFailed'));
  });

  it('fails when the connection is closed under it', async () => {
    const { port } = server.address() as net.AddressInfo;
    const socket = net.connect({ port, host: '127.0.0.1' });
    await once(socket, 'connect');
    const starting = startTlsClient(new SocketStream(socket), {
      context: tlsClientContext({ certificate: made.hostCertificate, privateKey: made.hostPrivateKey }, 'modern'),
      serverPublicKey: publicKeyOfCertificate(made.deviceCertificate),
    });
    socket.destroy(new Error('the cable'));
    await assert.rejects(starting, has('tlsFailed'));
  });

  it('refuses a device that shows no certificate', async function () {
    // BoringSSL has no ciphers without certificates.
    if (!process.versions.openssl.startsWith('3')) return this.skip();
    const anonymous: tls.SecureContextOptions = {
      ciphers: 'ADH-AES256-GCM-SHA384:@SECLEVEL=0',
      maxVersion: 'TLSv1.2',
      dhparam: 'auto',
    };
    const server = new tls.TLSSocket(peer, { isServer: true, secureContext: tls.createSecureContext(anonymous) });
    server.on('error', () => {});
    const starting = startTlsClient(stream, {
      context: tls.createSecureContext(anonymous),
      serverPublicKey: publicKeyOfCertificate(made.deviceCertificate),
    });
    await assert.rejects(starting, has('wrongDeviceKey'));
  });

  it('refuses a key that belongs to another certificate', () => {
    const identity = { certificate: made.hostCertificate, privateKey: made.rootPrivateKey };
    assert.throws(() => tlsClientContext(identity, 'modern'), has('tlsFailed'));
  });
});
