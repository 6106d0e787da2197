import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'mocha';
import { zipEntries } from '../support/zipEntries';

const allowed = [
  /^\[Content_Types\]\.xml$/,
  /^extension\.vsixmanifest$/,
  /^extension\/(package|package\.nls(\.[\w-]+)?)\.json$/,
  /^extension\/(readme\.md|changelog\.md|LICENSE\.txt)$/i,
  /^extension\/dist\/[\w.-]+\.(js|css|ttf|wasm)$/,
  /^extension\/dist\/(THIRD_PARTY_NOTICES\.txt|sbom\.cdx\.json)$/,
  /^extension\/l10n\/bundle\.l10n(\.[\w-]+)?\.json$/,
  /^extension\/media\/[\w./-]+\.(svg|png|css|md|webp|gif)$/,
];

/** What has to be there for the extension to work at all. */
const needed = [
  'extension/package.json',
  'extension/package.nls.json',
  'extension/LICENSE.txt',
  'extension/readme.md',
  'extension/changelog.md',
  'extension/dist/extension.js',
  'extension/dist/engine.js',
  'extension/dist/verify.js',
  'extension/dist/hash.js',
  'extension/dist/extract.js',
  'extension/dist/cli.js',
  'extension/dist/page.js',
  'extension/dist/codicon.css',
  'extension/dist/codicon.ttf',
  'extension/dist/THIRD_PARTY_NOTICES.txt',
  'extension/dist/sbom.cdx.json',
];

describe('the packed extension', () => {
  let folder: string;
  let file: string;
  let bytes: Buffer;

  before(function () {
    this.timeout(120_000);
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vsix-'));
    file = pack('first.vsix');
    bytes = fs.readFileSync(file);
  });

  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  function pack(name: string): string {
    const target = path.join(folder, name);
    execFileSync(process.execPath, [path.join(PROJECT_ROOT, 'scripts', 'package.mjs'), target], { stdio: 'pipe' });
    return target;
  }

  it('holds what is needed and nothing else', () => {
    const names = zipEntries(bytes).map(({ name }) => name);
    assert.deepEqual(
      names.filter((name) => !allowed.some((pattern) => pattern.test(name))),
      [],
      'too much',
    );
    assert.deepEqual(
      needed.filter((name) => !names.includes(name)),
      [],
      'too little',
    );
    assert.ok(
      names.some((name) => /^extension\/dist\/sqlite3.*\.wasm$/.test(name)),
      'no SQLite',
    );
  });

  it('is at most 2 MB', () => {
    assert.ok(bytes.length <= 2 * 1024 * 1024, `${bytes.length} bytes`);
  });

  it('holds no source map, no path of the machine that packed it, no key', () => {
    for (const { name, content } of zipEntries(bytes)) {
      const text = content().toString('latin1');
      assert.ok(!text.includes('sourceMappingURL='), `${name} names a source map`);
      assert.ok(!text.includes(PROJECT_ROOT), `${name} names ${PROJECT_ROOT}`);
      assert.ok(!text.includes(os.homedir() + path.sep), `${name} names ${os.homedir()}`);
      assert.ok(
        !/-----BEGIN (RSA |EC )?PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}/.test(text),
        `${name} holds a private key`,
      );
    }
  });

  it('is the same file when it is packed again', function () {
    this.timeout(120_000);
    const hash = (content: Buffer) => createHash('sha256').update(content).digest('hex');
    assert.equal(hash(fs.readFileSync(pack('second.vsix'))), hash(bytes));
  });

  it('says whose code it contains', () => {
    const entry = (name: string) =>
      zipEntries(bytes)
        .find((one) => one.name === name)
        ?.content()
        .toString() ?? '';
    const notices = entry('extension/dist/THIRD_PARTY_NOTICES.txt');
    const bom = JSON.parse(entry('extension/dist/sbom.cdx.json')) as {
      components: { name: string; version: string }[];
    };
    for (const name of ['@sqlite.org/sqlite-wasm', '@vscode/codicons', 'node-forge', 'vscode-jsonrpc']) {
      const component = bom.components.find((one) => one.name === name);
      assert.ok(component, `${name} is not in the list`);
      assert.ok(notices.includes(`${name} ${component.version}\n`), `${name} is not in the notices`);
    }
  });
});
