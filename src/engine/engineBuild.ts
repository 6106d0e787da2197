import crypto from 'node:crypto';
import fs from 'node:fs/promises';
import { version } from '../../package.json';

/**
 * `0.1.0+1f2e3d4c5b6a`: the version, and which build of it. Windows and the command line may come from different
 * installations; they share an engine only if theirs is the same to the byte.
 */
export async function engineBuild(enginePath: string): Promise<string> {
  const content = await fs.readFile(enginePath);
  return `${version}+${crypto.createHash('sha256').update(content).digest('hex').slice(0, 12)}`;
}
