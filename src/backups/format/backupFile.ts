/** One entry of a backup's index, whatever the index's format. */
export interface BackupFile {
  /** SHA-1 of `domain-relativePath`, 40 lower-case hex digits: the name of its content on disk. */
  readonly fileID: string;
  readonly domain: string;
  /** `/`-separated, without a leading slash; empty for a domain's own root. Comes from the device: hostile. */
  readonly relativePath: string;
  readonly kind: 'file' | 'directory' | 'link';
  /** Bytes as the device saw the file; the content's own length can differ (databases). */
  readonly size: number;
  /** POSIX mode with its type bits. */
  readonly mode: number;
  /** Unix seconds. */
  readonly modified: number;
  readonly changed: number;
  readonly born: number;
  readonly userID: number;
  readonly groupID: number;
  /** Up to 64 bits. */
  readonly inode: bigint;
  readonly protectionClass: number;
  readonly flags: number;
  /** 4 bytes little-endian protection class, 40 bytes wrapped key; encrypted backups only. */
  readonly encryptionKey?: Buffer;
  /** SHA-1 of the stored bytes; only files of system domains have one. */
  readonly digest?: Buffer;
  readonly linkTarget?: string;
}

/** What it takes to read or write an entry's content. */
export type FileContent = Pick<
  BackupFile,
  'fileID' | 'domain' | 'relativePath' | 'kind' | 'size' | 'modified' | 'encryptionKey' | 'digest' | 'linkTarget'
>;

const TYPE_MASK = 0xf000;

/** The type that a POSIX mode tells; undefined for sockets, devices and a mode without a type. */
export function kindOfMode(mode: number): BackupFile['kind'] | undefined {
  switch (mode & TYPE_MASK) {
    case 0x8000:
      return 'file';
    case 0x4000:
      return 'directory';
    case 0xa000:
      return 'link';
    default:
      return undefined;
  }
}

/** What a row's flags tell; higher bits are the device's own marks. */
export function kindOfFlags(flags: number): BackupFile['kind'] | undefined {
  switch (flags & 7) {
    case 1:
      return 'file';
    case 2:
      return 'directory';
    case 4:
      return 'link';
    default:
      return undefined;
  }
}
