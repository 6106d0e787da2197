import { connectEngine } from '../../src/engine/client';

/** `connectMany.js ENGINE COUNT`: connects COUNT clients at once and prints the engine's process of each. */
async function main(): Promise<void> {
  const [, , enginePath = '', count = '1'] = process.argv;
  const client = { name: 'test', version: '0', pid: process.pid };
  const clients = await Promise.all(Array.from({ length: Number(count) }, () => connectEngine({ enginePath, client })));
  process.stdout.write(`${clients.map(({ info }) => info.pid).join('\n')}\n`);
  for (const connected of clients) connected.dispose();
}

void main();
