import type { DomainFolder } from './domainFolders';

/** What a path of a backup shown as a folder stands for. */
export type PathTarget =
  { readonly kind: 'group' } | { readonly kind: 'entry'; readonly domain: string; readonly relativePath: string };

/** Translates between shown paths (`Apps/Notes/Documents/a.txt`) and a domain with a path in it. */
export class BackupPaths {
  readonly #groups = new Map<string, Map<string, 'group' | 'domain'>>([['', new Map()]]);
  readonly #domains = new Map<string, string>();
  readonly #paths = new Map<string, string>();

  constructor(folders: readonly DomainFolder[]) {
    for (const { domain, path } of folders) {
      this.#domains.set(path, domain);
      this.#paths.set(domain, path);
      const parts = path.split('/');
      for (let depth = 0; depth < parts.length; depth++) {
        const parent = parts.slice(0, depth).join('/');
        const siblings = this.#groups.get(parent) ?? new Map<string, 'group' | 'domain'>();
        this.#groups.set(parent, siblings);
        siblings.set(parts[depth] ?? '', depth === parts.length - 1 ? 'domain' : 'group');
      }
    }
  }

  /** The names in a group, `''` being the backup's root; undefined if it is none. */
  children(group: string): readonly string[] | undefined {
    const names = this.#groups.get(group);
    return names && [...names.keys()];
  }

  /** @param path `/`-separated, with or without a slash at its ends. */
  resolve(path: string): PathTarget | undefined {
    const parts = path.split('/').filter((part) => part !== '');
    let at = '';
    for (let depth = 0; depth < parts.length; depth++) {
      at = depth === 0 ? (parts[0] ?? '') : `${at}/${parts[depth] ?? ''}`;
      const domain = this.#domains.get(at);
      if (domain !== undefined) return { kind: 'entry', domain, relativePath: parts.slice(depth + 1).join('/') };
    }
    return this.#groups.has(at) ? { kind: 'group' } : undefined;
  }

  /** The shown path; undefined for a domain that is not shown. */
  pathOf(domain: string, relativePath: string): string | undefined {
    const path = this.#paths.get(domain);
    if (path === undefined) return undefined;
    return relativePath === '' ? path : `${path}/${relativePath}`;
  }

  /** Every shown domain. */
  get folders(): readonly DomainFolder[] {
    return [...this.#domains].map(([path, domain]) => ({ path, domain }));
  }
}
