import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'mocha';

declare const PROJECT_ROOT: string;

interface Locked {
  readonly version?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
}

const read = (name: string): unknown => JSON.parse(fs.readFileSync(path.join(PROJECT_ROOT, name), 'utf8'));

describe('packages of others', () => {
  const { dependencies, devDependencies } = read('package.json') as Record<string, Record<string, string>>;
  const { packages } = read('package-lock.json') as { readonly packages: Readonly<Record<string, Locked>> };
  const locked = Object.entries(packages).filter(([name]) => name !== '');

  it('are pinned to one version', () => {
    const all = Object.entries({ ...dependencies, ...devDependencies });
    assert.ok(all.length > 5);
    assert.deepEqual(
      all.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)),
      [],
    );
    for (const [name, version] of all) assert.equal(packages[`node_modules/${name}`]?.version, version, name);
  });

  it('are checked against a hash when they are installed', () => {
    assert.deepEqual(
      locked.filter(([, one]) => !one.link && !/^sha512-/.test(one.integrity ?? '')).map(([name]) => name),
      [],
    );
  });

  it('run nothing of their own at installation, as far as they are in the product', () => {
    assert.deepEqual(
      locked.filter(([, one]) => !one.dev && one.hasInstallScript).map(([name]) => name),
      [],
    );
  });
});
