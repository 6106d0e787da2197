import type { Runner } from 'mocha';

export interface MochaResult {
  passed: number;
  failed: number;
  skipped: number;
  failures: { title: string; error: string }[];
  /** False while it runs: a run that was cut off must not look like one that went well. */
  ended: boolean;
}

/** Watches a mocha run and counts. A hook that fails counts as one failed test. */
export function collectResult(runner: Runner): MochaResult;

/** Hands a result to whoever asked for it: TEST_RESULT names the file. */
export function writeResult(result: MochaResult, file?: string): void;
