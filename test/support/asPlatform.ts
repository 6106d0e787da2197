/** Runs `work` as if on another system: for branches that only ask which one it is. */
export async function asPlatform<T>(platform: NodeJS.Platform, work: () => T | Promise<T>): Promise<T> {
  const real = Object.getOwnPropertyDescriptor(process, 'platform')!;
  Object.defineProperty(process, 'platform', { ...real, value: platform });
  try {
    return await work();
  } finally {
    Object.defineProperty(process, 'platform', real);
  }
}
