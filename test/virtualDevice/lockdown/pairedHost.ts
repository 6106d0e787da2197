import type { X509Certificate } from 'node:crypto';
import type { SecureContext } from 'node:tls';

/** A computer that the device trusts: the public half of its pair record. */
export interface PairedHost {
  readonly hostId: string;
  readonly systemBuid: string;
  readonly hostName?: string;
  readonly rootCertificate: X509Certificate;
  readonly hostCertificate: X509Certificate;
  /** PEM. What the device presents to this host. */
  readonly deviceCertificate: string;
  readonly escrowBag: Buffer;
  tls?: Promise<SecureContext>;
}
