/** A file in the media folder. `content` grows by doubling; `size` says how much of it counts. */
export interface MediaFile {
  readonly kind: 'file';
  content: Buffer;
  size: number;
  /** Milliseconds since 1970. */
  modified: number;
  readonly created: number;
  /** Who holds its lock; shared locks have several holders. */
  lock?: { readonly exclusive: boolean; readonly holders: Set<object> };
}

export interface MediaFolder {
  readonly kind: 'folder';
  readonly entries: Map<string, MediaNode>;
  modified: number;
  readonly created: number;
}

export interface MediaLink {
  readonly kind: 'link';
  readonly target: string;
  modified: number;
  readonly created: number;
}

export type MediaNode = MediaFile | MediaFolder | MediaLink;

/** Where both the device and its hosts agree to take turns. */
export const SYNC_LOCK_PATH = '/com.apple.itunes.lock_sync';

/** Path components; `.` and empty ones are dropped. Undefined when `..` leads out of the tree. */
export function splitMediaPath(path: string): string[] | undefined {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      if (parts.pop() === undefined) return undefined;
    } else {
      parts.push(part);
    }
  }
  return parts;
}

/** `/var/mobile/Media` in memory. */
export class MediaTree {
  readonly root: MediaFolder = newFolder();

  /** Undefined when there is none. Links on the way are followed, the last component is not. */
  find(path: string, depth = 0): MediaNode | undefined {
    const parts = splitMediaPath(path);
    if (!parts || depth > 16) return undefined;
    let node: MediaNode = this.root;
    for (const [index, part] of parts.entries()) {
      if (node.kind === 'link') {
        const followed = this.find(resolveLink(parts.slice(0, index), node.target), depth + 1);
        if (!followed) return undefined;
        node = followed;
      }
      if (node.kind !== 'folder') return undefined;
      const next: MediaNode | undefined = node.entries.get(part);
      if (!next) return undefined;
      node = next;
    }
    return node;
  }

  /** Like find, and follows a link at the end too. */
  resolve(path: string, depth = 0): MediaNode | undefined {
    const node = this.find(path);
    if (node?.kind !== 'link' || depth > 16) return node?.kind === 'link' ? undefined : node;
    return this.resolve(resolveLink((splitMediaPath(path) ?? []).slice(0, -1), node.target), depth + 1);
  }

  /** The folder that holds a path's last component, and that component; undefined when there is no such folder. */
  parent(path: string): { readonly folder: MediaFolder; readonly name: string } | undefined {
    const parts = splitMediaPath(path);
    const name = parts?.pop();
    if (!parts || name === undefined) return undefined;
    const folder = this.resolve('/' + parts.join('/'));
    return folder?.kind === 'folder' ? { folder, name } : undefined;
  }

  /** Creates missing folders on the way. @returns undefined when a file is in the way. */
  makeFolder(path: string): MediaFolder | undefined {
    const parts = splitMediaPath(path);
    if (!parts) return undefined;
    let folder = this.root;
    for (const part of parts) {
      let next = folder.entries.get(part);
      if (!next) {
        next = newFolder();
        folder.entries.set(part, next);
      }
      if (next.kind !== 'folder') return undefined;
      folder = next;
    }
    return folder;
  }

  /** Writes a whole file, with the folders above it. */
  putFile(path: string, content: Uint8Array): void {
    const parts = splitMediaPath(path) ?? [];
    const name = parts.pop();
    const folder = name === undefined ? undefined : this.makeFolder('/' + parts.join('/'));
    if (!folder || name === undefined) throw new Error(`cannot put a file at ${path}`);
    folder.entries.set(name, newFile(Buffer.from(content)));
  }

  /** Undefined when there is no file. */
  fileContent(path: string): Buffer | undefined {
    const node = this.resolve(path);
    return node?.kind === 'file' ? node.content.subarray(0, node.size) : undefined;
  }

  /** The file that hosts lock; it is always there. */
  syncLockFile(): MediaFile {
    const node = this.root.entries.get(SYNC_LOCK_PATH.slice(1));
    if (node?.kind === 'file') return node;
    const file = newFile(Buffer.alloc(0));
    this.root.entries.set(SYNC_LOCK_PATH.slice(1), file);
    return file;
  }
}

export function newFile(content: Buffer): MediaFile {
  return { kind: 'file', content, size: content.length, modified: Date.now(), created: Date.now() };
}

export function newFolder(): MediaFolder {
  return { kind: 'folder', entries: new Map(), modified: Date.now(), created: Date.now() };
}

function resolveLink(folder: readonly string[], target: string): string {
  return target.startsWith('/') ? target : `/${folder.join('/')}/${target}`;
}
