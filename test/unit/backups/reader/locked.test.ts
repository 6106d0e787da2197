import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { describe, test } from 'mocha';
import { deriveKey } from '../../../../src/backups/format/deriveKey';
import { parseKeybag } from '../../../../src/backups/format/keybag';
import { hex, vectors } from '../../../support/backupVectors';
import { bundleProgram } from '../../../support/engineProcess';
import { vectorPassword, writeVectorBackup } from '../../../support/vectorBackup';

describe('a locked backup', function () {
  this.timeout(60_000);

  test('leaves none of its keys in the memory of its process', async function () {
    if (process.platform !== 'linux') return this.skip();
    const program = await bundleProgram('test/support/lockProgram.ts');
    const folder = writeVectorBackup();
    const child = spawn(process.execPath, [program, folder], { stdio: ['pipe', 'pipe', 'inherit'] });
    const said = async () => String((await once(child.stdout, 'data'))[0]).trimEnd();
    try {
      const keys = new Map<string, Buffer>([
        ['the key of the password', await deriveKey(vectorPassword, parseKeybag(hex(vectors.keybag.blob)).derivation)],
        ['the key of the Manifest', hex(vectors.manifestKey.key)],
        ...vectors.keybag.classes.map(({ CLAS, classKey }) => [`the key of class ${CLAS}`, hex(classKey)] as const),
        ...vectors.files.map(({ relativePath, fileKey }) => [`the key of ${relativePath}`, hex(fileKey)] as const),
      ]);
      child.stdin.write(`${vectorPassword}\n`);
      assert.equal(await said(), String(vectors.files.length));
      const open = found(child.pid ?? 0, keys);
      const kinds = [
        'of the password',
        'of the Manifest',
        'of class',
        ...vectors.files.map((file) => file.relativePath),
      ];
      const seen = kinds.filter((kind) => open.some((name) => name.includes(kind)));
      assert.ok(seen.length > 1, `what is looked for would be found: ${seen.join()}`);
      child.stdin.write('lock\n');
      assert.equal(await said(), 'locked');
      assert.deepEqual(found(child.pid ?? 0, keys), []);
    } finally {
      child.kill('SIGKILL');
      fs.rmSync(folder, { recursive: true });
    }
  });
});

/** Which of them are somewhere in the memory that the process may write. */
function found(pid: number, keys: ReadonlyMap<string, Buffer>): string[] {
  const names = new Set<string>();
  const memory = fs.openSync(`/proc/${pid}/mem`, 'r');
  try {
    for (const line of fs.readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
      const match = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line);
      if (!match) continue;
      const [from, to] = [Number.parseInt(match[1] ?? '', 16), Number.parseInt(match[2] ?? '', 16)];
      for (const bytes of pieces(memory, from, to))
        for (const [name, key] of keys) if (bytes.includes(key)) names.add(name);
    }
  } finally {
    fs.closeSync(memory);
  }
  return [...names];
}

const PIECE = 1 << 22;
const PAGE = 4096;
/** So that no key is cut in two. */
const OVERLAP = 64;

/** What can be read of a range; pages that the process has just given back are passed over. */
function* pieces(memory: number, from: number, to: number): Generator<Buffer> {
  const bytes = Buffer.alloc(PIECE);
  for (let at = from; at < to;) {
    let count = 0;
    try {
      count = fs.readSync(memory, bytes, 0, Math.min(PIECE, to - at), at);
    } catch {
      // Not there any more.
    }
    if (count > 0) yield bytes.subarray(0, count);
    at += count === 0 ? PAGE : count > OVERLAP && at + count < to ? count - OVERLAP : count;
  }
}
