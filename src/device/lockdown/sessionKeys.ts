import type { SecureContext } from 'node:tls';
import { tlsClientContext, type TlsGeneration } from '../io/tls';
import { devicePublicKeyOf, tlsIdentityOf, type PairRecord } from './pairRecord';

/** A pair record, made ready for TLS once and used for every connection to its device. */
export class SessionKeys {
  readonly record: PairRecord;
  readonly #serverPublicKey: Buffer;
  #context: SecureContext;
  #generation: TlsGeneration = 'modern';

  /** @throws AppError `tlsFailed` if the record's certificates or keys cannot be used. */
  constructor(record: PairRecord) {
    this.record = record;
    this.#serverPublicKey = devicePublicKeyOf(record);
    this.#context = tlsClientContext(tlsIdentityOf(record), this.#generation);
  }

  get generation(): TlsGeneration {
    return this.#generation;
  }

  /** From now on also what systems before iOS 10 speak. */
  allowLegacyTls(): void {
    this.#generation = 'legacy';
    this.#context = tlsClientContext(tlsIdentityOf(this.record), 'legacy');
  }

  tls(): { readonly context: SecureContext; readonly serverPublicKey: Buffer } {
    return { context: this.#context, serverPublicKey: this.#serverPublicKey };
  }
}
