import fs from 'node:fs';
import path from 'node:path';
import Mocha from 'mocha';
import { collectResult, writeResult } from '../mochaResult.mjs';

/** Called by VS Code inside the extension host (extensionTestsPath), on the desktop and on the server alike. */
export async function run(): Promise<void> {
  const mocha = new Mocha({
    ui: 'bdd',
    color: false,
    timeout: 20_000,
    forbidOnly: Boolean(process.env.CI),
    ...(process.env.MOCHA_GREP ? { grep: process.env.MOCHA_GREP } : {}),
  });
  // This file is bundled to <out>/support/vscodeHost, the tests are bundled to <out>/extension.
  const folder = path.join(__dirname, '..', '..', 'extension');
  for (const file of (fs.readdirSync(folder, { recursive: true }) as string[]).sort()) {
    if (file.endsWith('.test.js')) mocha.addFile(path.join(folder, file));
  }
  await new Promise<void>((resolve, reject) => {
    const runner = mocha.run((failures) => {
      writeResult(result);
      if (failures > 0) reject(new Error(`${failures} tests failed`));
      else resolve();
    });
    const result = collectResult(runner);
  });
}
