// node esbuild.js [--watch] [--production]: bundles src into dist.
// Development: source maps, readable code. --production: minified, no source maps, with the notices of what is bundled.
const esbuild = require('esbuild');
const fs = require('node:fs');
const path = require('node:path');
const { writeNotices } = require('./scripts/notices.js');

const root = __dirname;
const dist = path.join(root, 'dist');
const production = process.argv.includes('--production');
const watch = process.argv.includes('--watch');

/** What is bundled: dist/<name>.js from an entry point. */
const bundles = [
  { name: 'extension', entry: 'src/extension.ts', external: ['vscode'] },
  { name: 'engine', entry: 'src/engine/main.ts' },
  { name: 'verify', entry: 'src/backups/verify/verifyWorker.ts' },
  { name: 'hash', entry: 'src/backups/verify/hashWorker.ts' },
  { name: 'reader', entry: 'src/reader/main.ts' },
  { name: 'extract', entry: 'src/backups/reader/extractWorker.ts' },
  { name: 'cli', entry: 'src/cli.ts', executable: true },
  { name: 'page', entry: 'src/views/generalTab/webview/main.ts', browser: true },
  { name: 'database', entry: 'src/views/sqliteEditor/webview/main.ts', browser: true },
];

/** Files that a bundle reads when it runs. */
const copies = [
  ['node_modules/@vscode/codicons/dist/codicon.css', 'codicon.css'],
  ['node_modules/@vscode/codicons/dist/codicon.ttf', 'codicon.ttf'],
];

const common = {
  bundle: true,
  minify: production,
  sourcemap: production ? false : 'linked',
  // Function and class names stay: they are in error logs that people send.
  keepNames: true,
  legalComments: production ? 'external' : 'none',
  metafile: true,
  // Imported .wasm files are copied beside the bundle.
  loader: { '.wasm': 'file' },
  assetNames: '[name]',
  absWorkingDir: root,
  logLevel: 'warning',
};

// Packages that are ES modules ask for their own address, which a CommonJS bundle has to be told.
const node = {
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  define: { 'import.meta.url': 'importMetaUrl' },
};
const importMetaUrl = 'const importMetaUrl = require("node:url").pathToFileURL(__filename).href;';
const browser = { platform: 'browser', format: 'iife', target: 'es2022' };

function options({ name, entry, external = [], executable = false, browser: isPage = false }) {
  return {
    ...common,
    ...(isPage ? browser : { ...node, banner: { js: (executable ? '#!/usr/bin/env node\n' : '') + importMetaUrl } }),
    entryPoints: [entry],
    outfile: path.join(dist, `${name}.js`),
    external,
    plugins: executable ? [makeExecutable] : [],
  };
}

const makeExecutable = {
  name: 'make-executable',
  setup(build) {
    build.onEnd(({ errors }) => {
      if (errors.length === 0) fs.chmodSync(build.initialOptions.outfile, 0o755);
    });
  },
};

async function main() {
  fs.mkdirSync(dist, { recursive: true });
  for (const [from, to] of copies) fs.copyFileSync(path.join(root, from), path.join(dist, to));

  if (watch) {
    const watching = {
      name: 'say-when-built',
      setup(build) {
        build.onStart(() => console.log('[watch] build started'));
        build.onEnd(() => console.log('[watch] build finished'));
      },
    };
    for (const bundle of bundles) {
      const settings = options(bundle);
      const context = await esbuild.context({ ...settings, plugins: [...settings.plugins, watching] });
      await context.watch();
    }
    return;
  }
  const results = await Promise.all(bundles.map((bundle) => esbuild.build(options(bundle))));
  if (production) {
    const copied = copies.map(([from]) => from);
    const inputs = results.flatMap(({ metafile }) => Object.keys(metafile.inputs));
    const notices = writeNotices({ root, dist, inputs: [...copied, ...inputs] });
    const outputs = results.flatMap(({ metafile }) => Object.keys(metafile.outputs).map((file) => path.basename(file)));
    const made = [...outputs, ...copies.map(([, to]) => to), ...notices];
    // Nothing of an earlier build may end up in a package.
    for (const name of fs.readdirSync(dist)) {
      if (!made.includes(name)) fs.rmSync(path.join(dist, name), { recursive: true });
    }
  }
}

main().catch((error) => {
  if (!error.errors) console.error(error); // esbuild has printed its own
  process.exitCode = 1;
});
