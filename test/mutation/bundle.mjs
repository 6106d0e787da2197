// node test/mutation/bundle.mjs FILE|FOLDER …: bundles the named tests into out/mutation of this copy of the project.
import { bundleTests, testFiles } from '../support/bundleTests.mjs';

await bundleTests(testFiles(process.argv.slice(2)), 'out/mutation');
