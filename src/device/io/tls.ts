import { X509Certificate } from 'node:crypto';
import tls from 'node:tls';
import { AppError, cancelled } from '../../base/errors';
import { SocketStream } from './socketStream';

const HANDSHAKE_TIMEOUT_MS = 20_000;

/** Both as PEM; the key in PKCS#8 or PKCS#1. */
export interface TlsIdentity {
  readonly certificate: Buffer;
  readonly privateKey: Buffer;
}

export type TlsGeneration =
  | 'modern' // TLS 1.2 and 1.3
  | 'legacy'; // down to TLS 1.0, for systems before iOS 10 that can do no better

export interface TlsClientOptions {
  readonly context: tls.SecureContext;
  /** DER of the SubjectPublicKeyInfo that the server has to prove to hold. */
  readonly serverPublicKey: Buffer;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
}

/**
 * What we present as TLS client.
 * @throws AppError `tlsFailed` if the certificate or key cannot be used.
 */
export function tlsClientContext(identity: TlsIdentity, generation: TlsGeneration): tls.SecureContext {
  const options: tls.SecureContextOptions = { cert: identity.certificate, key: identity.privateKey };
  // Level 0 allows what old systems and old pair records need (SHA-1, TLS 1.0). BoringSSL knows no levels and allows it
  // anyway, but refuses the word.
  const lowLevel: tls.SecureContextOptions = { ...options, ciphers: 'DEFAULT:@SECLEVEL=0' };
  const attempts: readonly tls.SecureContextOptions[] =
    generation === 'modern'
      ? [
          { ...options, minVersion: 'TLSv1.2' },
          { ...lowLevel, minVersion: 'TLSv1.2' },
        ]
      : [
          { ...lowLevel, minVersion: 'TLSv1', maxVersion: 'TLSv1.2' },
          { ...options, minVersion: 'TLSv1', maxVersion: 'TLSv1.2' },
        ];
  let failure: unknown;
  for (const attempt of attempts) {
    try {
      return tls.createSecureContext(attempt);
    } catch (error) {
      failure ??= error;
    }
  }
  throw new AppError('tlsFailed', 'the host certificate or key of the pair record cannot be used', { cause: failure });
}

/**
 * DER of a certificate's SubjectPublicKeyInfo.
 * @param certificate PEM or DER.
 * @throws Error if it is no certificate.
 */
export function publicKeyOfCertificate(certificate: Buffer): Buffer {
  return new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
}

/**
 * Starts TLS as client on a connection, and checks that the server holds the expected key before a byte is sent to it.
 * The plain stream is used up, also on failure.
 *
 * The certificate's names, dates and issuer say nothing: the certificate is one that a host has made for the device when
 * they were paired. Only its key counts.
 * @throws AppError `tlsFailed`, `wrongDeviceKey`, `timedOut`, `cancelled`.
 */
export function startTlsClient(stream: SocketStream, options: TlsClientOptions): Promise<SocketStream> {
  const { signal, timeoutMs = HANDSHAKE_TIMEOUT_MS } = options;
  return new Promise((resolve, reject) => {
    const bare = stream.release();
    // An error of the connection reaches us through the TLS socket; without a listener it would end the process.
    bare.on('error', () => {});
    if (signal?.aborted) {
      bare.destroy();
      return reject(cancelled());
    }
    const socket = tls.connect({ socket: bare, secureContext: options.context, rejectUnauthorized: false });
    const settle = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.off('secureConnect', onSecure);
      socket.off('error', onError);
      socket.off('close', onClose);
    };
    const fail = (error: AppError) => {
      settle();
      socket.on('error', () => {});
      socket.destroy();
      bare.destroy();
      reject(error);
    };
    const onAbort = () => fail(cancelled());
    const onError = (error: Error) => fail(new AppError('tlsFailed', 'the TLS handshake failed', { cause: error }));
    const onClose = () => fail(new AppError('tlsFailed', 'the device closed the connection during the TLS handshake'));
    const onSecure = () => {
      const problem = keyProblem(socket, options.serverPublicKey);
      if (problem) return fail(new AppError('wrongDeviceKey', problem));
      settle();
      resolve(new SocketStream(socket, { mayBeBulk: true }));
    };
    const timer = setTimeout(
      () => fail(new AppError('timedOut', `no TLS handshake within ${timeoutMs} ms`)),
      timeoutMs,
    );
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('secureConnect', onSecure);
    socket.once('error', onError);
    socket.once('close', onClose);
  });
}

function keyProblem(socket: tls.TLSSocket, expected: Buffer): string | undefined {
  const { raw } = socket.getPeerCertificate();
  if (!raw) return 'the device showed no certificate';
  try {
    if (publicKeyOfCertificate(raw).equals(expected)) return undefined;
  } catch {
    return 'the certificate that the device showed cannot be read';
  }
  return 'the device showed a certificate with another key than the one it was paired with';
}
