// Read by scripts/mutation.mjs, which says what is changed and which tests should notice.
const { MUTATE = '', MUTATION_TESTS = '', MUTATION_REPORT = '' } = process.env;

export default {
  mutate: MUTATE.split(','),
  testRunner: 'mocha',
  plugins: [import.meta.resolve('@stryker-mutator/mocha-runner')],
  // The tests are bundled with the changed sources, all changes in one bundle, each behind a switch.
  buildCommand: `node test/mutation/bundle.mjs ${MUTATION_TESTS.split(',').join(' ')}`,
  // Ten million rounds take ten seconds for every change that any test might notice.
  mochaOptions: { spec: ['out/mutation/**/*.test.js'], grep: '^(?!.*real-cost)' },
  coverageAnalysis: 'perTest',
  concurrency: 1,
  timeoutMS: Number(process.env.MUTATION_TIMEOUT ?? 4_000),
  ignorePatterns: ['/dist', '/out', '/logs', '/shots', '/test/host', '/test/runtimes', '/media', '/docs', '*.vsix'],
  // What runs when a file is loaded (constants): every test would have to run for each of them.
  ignoreStatic: true,
  tempDirName: 'out/stryker',
  checkers: [],
  disableTypeChecks: false,
  allowConsoleColors: false,
  reporters: ['clear-text', 'json'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false, reportScoreTable: false },
  jsonReporter: { fileName: MUTATION_REPORT },
};
