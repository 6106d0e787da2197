import js from '@eslint/js';
import globals from 'globals';
import tseslint from 'typescript-eslint';

/*
 * The layers. An import points downwards in this list, never upwards:
 *
 *   extension.ts            composes
 *   commands, views         draw and ask
 *   app                     what they share: the engine's session, settings, passwords, reminders; all three reach devices
 *                           and backups only through engine/client and engine/protocol
 *   engine/main, cli        own the work
 *   device | backups        know each other only by a type
 *   plist
 *   base
 *
 * texts (sentences, no vscode) stands beside; cli, views and commands use it. Circles are found by scripts/findCycles.mjs.
 */
const notVscode = {
  group: ['vscode'],
  message: 'This also runs in the engine and on the command line, where there is no VS Code.',
};
const above = (layer, ...names) => ({
  group: names.flatMap((name) => [`**/${name}`, `**/${name}/**`]),
  message: `src/${layer} stands below ${names.join(', ')}: an import never points upwards.`,
});
const doors = (...names) => ({
  group: names.flatMap((name) => [`**/${name}/**`, `!**/${name}/index`, `!**/${name}/index.js`]),
  message: `Import from the door: ${names.map((name) => `src/${name}/index.ts`).join(', ')}.`,
});
const upper = ['views', 'commands', 'extension', 'app', 'cli'];

/** @param patterns who may not be imported there; the reason is part of the message */
const layer = (files, ...patterns) => ({
  files,
  rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns }] },
});

export default tseslint.config(
  { ignores: ['dist', 'out', 'logs', 'shots', '.vscode-test', 'test/host'] },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/no-floating-promises': ['error', { checkThenables: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-explicit-any': 'error',
      // Numbers in messages are wanted; what prints as [object Object] is not.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // A method that answers a promise without awaiting is how an interface is kept by something that is quick.
      '@typescript-eslint/require-await': 'off',
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Export by name: a thing has one name everywhere.' },
      ],
      'no-console': 'error',
      eqeqeq: 'error',
    },
  },

  layer(['src/base/**'], notVscode, above('base', 'plist', 'device', 'backups', 'engine', 'texts', ...upper)),
  layer(['src/plist/**'], notVscode, above('plist', 'device', 'backups', 'engine', 'texts', ...upper)),
  layer(['src/texts/**'], notVscode, above('texts', 'engine/main', ...upper), doors('device', 'backups', 'plist')),
  layer(
    ['src/device/**'],
    notVscode,
    above('device', 'engine', 'texts', ...upper),
    { group: ['**/backups', '**/backups/**'], message: 'A device hands its files to a BackupStore, whoever that is.' },
    doors('plist'),
  ),
  layer(
    ['src/backups/**'],
    notVscode,
    above('backups', 'engine', 'texts', ...upper),
    {
      group: ['**/device', '**/device/**'],
      allowTypeImports: true,
      message: 'A store keeps the interface that the device module declares: its types, and nothing that runs.',
    },
    doors('plist'),
  ),
  layer(
    ['src/engine/**', 'src/reader/**', 'src/cli.ts', 'src/cli/**'],
    notVscode,
    above('engine', 'views', 'commands', 'extension', 'app'),
    doors('device', 'backups', 'plist'),
  ),
  layer(
    ['src/views/**', 'src/commands/**', 'src/app/**', 'src/extension.ts'],
    {
      group: ['**/device', '**/device/**', '**/backups', '**/backups/**'],
      allowTypeImports: true,
      message: 'The extension host never waits for the disk or the device: ask the engine (src/engine/client.ts).',
    },
    doors('plist'),
    { group: ['**/engine/main', '**/engine/jobs'], message: 'That runs in the engine: use src/engine/client.ts.' },
  ),
  // The engine's two files that every window loads: types and a connection.
  layer(
    ['src/engine/protocol.ts', 'src/engine/client.ts', 'src/reader/protocol.ts', 'src/reader/client.ts'],
    notVscode,
    {
      group: ['**/device', '**/device/**', '**/backups', '**/backups/**'],
      allowTypeImports: true,
      message: 'Loaded by every window: types only.',
    },
    above('engine', ...upper),
  ),
  // The virtual device is the other side: what it shares with the clients, it cannot test.
  layer(['test/virtualDevice/**'], {
    regex: '/src/(?!base|plist|device/io)',
    message:
      'The virtual device must not share the mistakes of the clients: only src/base, src/plist and src/device/io.',
  }),

  {
    files: ['src/cli.ts', 'src/cli/**', 'test/**', 'scripts/**', 'esbuild.js'],
    rules: { 'no-console': 'off' },
  },
  {
    // mocha awaits what describe() and test() return.
    files: ['test/**'],
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          checkThenables: true,
          allowForKnownSafeCalls: [
            {
              from: 'package',
              package: 'mocha',
              name: ['describe', 'it', 'test', 'suite', 'before', 'after', 'beforeEach', 'afterEach'],
            },
          ],
        },
      ],
    },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { globals: globals.node },
    rules: { '@typescript-eslint/no-require-imports': 'off', 'no-restricted-syntax': 'off' },
  },
  {
    // They describe what others export.
    files: ['**/*.d.mts', '**/*.d.ts'],
    extends: [tseslint.configs.disableTypeChecked],
    rules: { 'no-restricted-syntax': 'off' },
  },
);
