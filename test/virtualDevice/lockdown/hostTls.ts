import { createSecureContext, TLSSocket, type SecureContext } from 'node:tls';
import type { X509Certificate } from 'node:crypto';
import { AppError } from '../../../src/base/errors';
import type { DeviceState } from '../deviceState';
import { SocketStream } from '../io/socketStream';
import type { PairedHost } from './pairedHost';

const HANDSHAKE_MS = 30_000;

/**
 * TLS as a phone does it: the device is the server, shows the certificate that this host has made for it, and wants one
 * from the host. Built-in verification is off, since all names in these certificates are empty and OpenSSL takes every
 * one for self-signed.
 *
 * @throws AppError `tlsFailed` when the host shows no certificate or a foreign one. The connection is destroyed then.
 */
export async function startTls(stream: SocketStream, device: DeviceState, host: PairedHost): Promise<SocketStream> {
  const secureContext = await (host.tls ??= contextFor(device, host));
  const raw = stream.release();
  const socket = new TLSSocket(raw, { isServer: true, secureContext, requestCert: true, rejectUnauthorized: false });
  try {
    await handshake(socket, raw);
    const refusal = refusalOf(socket.getPeerX509Certificate(), host);
    if (refusal) throw new AppError('tlsFailed', `TLS refused: ${refusal}`);
  } catch (error) {
    socket.destroy();
    raw.destroy();
    throw error;
  }
  return new SocketStream(socket, raw);
}

async function contextFor(device: DeviceState, host: PairedHost): Promise<SecureContext> {
  const { privateKey } = await device.keys.get();
  // Before iOS 10 hosts expect TLS 1.0, which OpenSSL allows at security level 0 only.
  const old = !device.isAtLeast('10.0');
  return createSecureContext({
    key: privateKey,
    cert: host.deviceCertificate,
    minVersion: old ? 'TLSv1' : 'TLSv1.2',
    ...(old ? { ciphers: 'DEFAULT:@SECLEVEL=0' } : {}),
  });
}

function handshake(socket: TLSSocket, raw: { on(event: 'close', listener: () => void): unknown }): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => {
      clearTimeout(timer);
      reject(new AppError('tlsFailed', `TLS handshake failed: ${why}`));
    };
    const timer = setTimeout(() => fail('the host takes too long'), HANDSHAKE_MS);
    socket.once('secure', () => {
      clearTimeout(timer);
      resolve();
    });
    socket.on('error', (error: Error) => fail(error.message));
    socket.once('close', () => fail('the host has closed the connection'));
    raw.on('close', () => fail('the host has closed the connection'));
  });
}

function refusalOf(certificate: X509Certificate | undefined, host: PairedHost): string | undefined {
  if (!certificate) return 'the host shows no certificate';
  const { rootCertificate, hostCertificate } = host;
  if (certificate.raw.equals(rootCertificate.raw) || certificate.raw.equals(hostCertificate.raw)) return undefined;
  if (certificate.verify(rootCertificate.publicKey)) return undefined;
  return "the host's certificate is not of its pair record";
}
