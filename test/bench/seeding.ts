import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { silentLog } from '../../src/base/log';
import { nodeFileSystem } from '../../src/backups/store/nodeFileSystem';
import { seedBackup } from '../../src/backups/store/seed';
import { median } from './measure';
import type { BenchLine } from './table';

const FILES = 50_000;
const AIM = 50_000;

/** The next backup begins with links to the files of the last one: how many a second, beside the bare system call. */
export async function benchSeeding(scratch: string, rounds: number): Promise<BenchLine[]> {
  const folder = path.join(scratch, 'seeding');
  const from = path.join(folder, 'from');
  const names = makeFiles(from);
  const times: { ours: number; bare: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    const ours = path.join(folder, `ours-${round}`);
    let start = performance.now();
    const seeded = await seedBackup({ fileSystem: nodeFileSystem(), from, to: ours, by: 'links', log: silentLog });
    const time = performance.now() - start;
    if (seeded !== FILES) throw new Error(`${seeded} files were seeded of ${FILES}`);
    const bare = path.join(folder, `bare-${round}`);
    start = performance.now();
    fs.mkdirSync(bare);
    for (const shard of fs.readdirSync(from)) fs.mkdirSync(path.join(bare, shard));
    for (const name of names) fs.linkSync(`${from}/${name}`, `${bare}/${name}`);
    times.push({ ours: time, bare: performance.now() - start });
  }
  fs.rmSync(folder, { recursive: true });
  const [ours, bare] = [median(times.map((time) => time.ours)), median(times.map((time) => time.bare))];
  const rate = (ms: number) => FILES / (ms / 1000);
  const text = (ms: number) => `${Math.round(rate(ms)).toLocaleString('en')} files/s`;
  return [
    {
      what: `Seeding ${FILES.toLocaleString('en')} files by links`,
      ours: text(ours),
      peer: text(bare),
      peerName: 'link(2) alone',
      ratio: bare / ours,
      aim: { text: `≥ ${AIM.toLocaleString('en')} files/s`, reached: rate(ours) >= AIM },
      why: 'Each link is one system call, made directly; what the bare calls take beside it is the disk and the kernel.',
    },
  ];
}

function makeFiles(folder: string): readonly string[] {
  const names: string[] = [];
  for (let shard = 0; shard < 256; shard++)
    fs.mkdirSync(path.join(folder, shard.toString(16).padStart(2, '0')), { recursive: true });
  for (let number = 0; number < FILES; number++) {
    const id = createHash('sha1').update(String(number)).digest('hex');
    const name = `${id.slice(0, 2)}/${id}`;
    fs.writeFileSync(path.join(folder, name), '');
    names.push(name);
  }
  return names;
}
