import { build } from 'esbuild';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ReaderProcess } from '../../src/reader/client';

declare const PROJECT_ROOT: string;

let bundled: Promise<string> | undefined;

/** Bundles the reader and its threads' program as the product does, once per run; removed when the run ends. */
export function bundledReader(): Promise<string> {
  return (bundled ??= bundle());
}

async function bundle(): Promise<string> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'reader-bundle-'));
  process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }));
  await build({
    entryPoints: {
      reader: path.join(PROJECT_ROOT, 'src/reader/main.ts'),
      extract: path.join(PROJECT_ROOT, 'src/backups/reader/extractWorker.ts'),
    },
    outdir: folder,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    logLevel: 'warning',
    loader: { '.wasm': 'file' },
    assetNames: '[name]',
    define: { 'import.meta.url': 'importMetaUrl' },
    banner: { js: 'const importMetaUrl = require("node:url").pathToFileURL(__filename).href;' },
  });
  return path.join(folder, 'reader.js');
}

/** A reader whose words on standard error are kept. */
export async function startReader(): Promise<{ readonly reader: ReaderProcess; readonly output: () => string }> {
  let text = '';
  const reader = ReaderProcess.start({ readerPath: await bundledReader(), onOutput: (more) => (text += more) });
  return { reader, output: () => text };
}
