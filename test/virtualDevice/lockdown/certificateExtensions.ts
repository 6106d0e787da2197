import type { X509Certificate } from 'node:crypto';
import { readDer } from './derReader';

const OID = { basicConstraints: '551d13', keyUsage: '551d0f' };

export interface CertificateExtensions {
  readonly version: 1 | 2 | 3;
  readonly basicConstraints?: { readonly critical: boolean; readonly ca: boolean };
  readonly keyUsage?: {
    readonly critical: boolean;
    readonly digitalSignature: boolean;
    readonly keyEncipherment: boolean;
  };
}

/** What node:crypto does not tell about a certificate. @throws Error when its DER cannot be read. */
export function certificateExtensions(certificate: X509Certificate): CertificateExtensions {
  const tbs = readDer(readDer(readDer(certificate.raw)[0]?.content ?? Buffer.alloc(0))[0]?.content ?? Buffer.alloc(0));
  const version = tbs[0]?.tag === 0xa0 ? (readDer(tbs[0].content)[0]?.content[0] ?? 0) + 1 : 1;
  const list = tbs.find((node) => node.tag === 0xa3);
  const extensions = list ? readDer(readDer(list.content)[0]?.content ?? Buffer.alloc(0)) : [];
  let found: CertificateExtensions = { version: version === 3 ? 3 : version === 2 ? 2 : 1 };
  for (const extension of extensions) {
    const [oid, ...rest] = readDer(extension.content);
    const critical = rest[0]?.tag === 0x01 && rest[0].content[0] !== 0;
    const value = readDer(rest.at(-1)?.content ?? Buffer.alloc(0))[0]?.content ?? Buffer.alloc(0);
    if (oid?.content.toString('hex') === OID.basicConstraints) {
      const first = value.length > 0 ? readDer(value)[0] : undefined;
      found = { ...found, basicConstraints: { critical, ca: first?.tag === 0x01 && first.content[0] !== 0 } };
    }
    if (oid?.content.toString('hex') === OID.keyUsage) {
      const bits = value[1] ?? 0; // value[0] says how many bits at the end are unused.
      found = {
        ...found,
        keyUsage: { critical, digitalSignature: (bits & 0x80) !== 0, keyEncipherment: (bits & 0x20) !== 0 },
      };
    }
  }
  return found;
}
