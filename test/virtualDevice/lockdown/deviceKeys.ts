import { createHash, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

interface Keys {
  /** PEM. */
  readonly privateKey: string;
  readonly publicKey: KeyObject;
  /** `-----BEGIN RSA PUBLIC KEY-----`, as lockdown hands it out. */
  readonly publicKeyPem: string;
  readonly publicKeySha1: string;
}

/** By UDID: a device keeps its key when it is started again in the same process. Making one takes 100 ms and more. */
const made = new Map<string, Promise<Keys>>();

/** The device's own RSA key, made when it is first needed. */
export class DeviceKeys {
  readonly #udid: string;

  constructor(udid: string) {
    this.#udid = udid;
  }

  get(): Promise<Keys> {
    let keys = made.get(this.#udid);
    if (!keys) made.set(this.#udid, (keys = generate()));
    return keys;
  }
}

async function generate(): Promise<Keys> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  return {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey,
    publicKeyPem: publicKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
    publicKeySha1: createHash('sha1')
      .update(publicKey.export({ type: 'pkcs1', format: 'der' }))
      .digest('hex'),
  };
}
