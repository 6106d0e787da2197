export function testFiles(names: readonly string[]): string[];
export function bundleTests(
  files: readonly string[],
  outdir: string,
  external?: readonly string[],
): Promise<readonly string[]>;
