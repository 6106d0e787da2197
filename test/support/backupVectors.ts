import fs from 'node:fs';
import path from 'node:path';

declare const PROJECT_ROOT: string;

/** Published test vectors of the backup format; byte strings are lower-case hex unless a key says base64. */
export interface BackupVectors {
  readonly fileID: readonly { readonly domain: string; readonly relativePath: string; readonly fileID: string }[];
  readonly rfc3394: readonly { readonly kek: string; readonly key: string; readonly wrapped: string }[];
  readonly kdf: readonly {
    readonly name: string;
    readonly password: string;
    readonly SALT: string;
    readonly ITER: number;
    readonly DPSL?: string | null;
    readonly DPIC?: number | null;
    readonly kek: string;
  }[];
  readonly keybag: {
    readonly blob: string;
    readonly classes: readonly { readonly CLAS: number; readonly WRAP: number; readonly classKey: string }[];
  };
  readonly manifestKey: { readonly value: string; readonly key: string };
  readonly files: readonly {
    readonly domain: string;
    readonly relativePath: string;
    readonly fileID: string;
    readonly protectionClass: number;
    readonly size: number;
    readonly fileKey: string;
    readonly EncryptionKey: string;
    readonly plain: string;
    readonly stored: string;
    readonly Digest: string | null;
    readonly mbfile: string;
  }[];
  readonly symlink: {
    readonly domain: string;
    readonly relativePath: string;
    readonly Target: string;
    readonly mbfile: string;
  };
  readonly manifestDb: { readonly plainLength: number; readonly plainSha256: string; readonly storedBase64: string };
  readonly plists: Readonly<Record<`${'Info' | 'Manifest' | 'Status'}.plist base64`, string>>;
  readonly mbdb: { readonly records: readonly string[]; readonly file: string };
  readonly ios10_0: {
    readonly password: string;
    readonly salt: string;
    readonly passwordHash: string;
    readonly key: string;
    readonly plain: string;
    readonly fileColumn: string;
  };
}

export const vectors = JSON.parse(
  fs.readFileSync(path.join(PROJECT_ROOT, 'test/vectors/backup.json'), 'utf8'),
) as BackupVectors;

export const hex = (text: string): Buffer => Buffer.from(text, 'hex');
