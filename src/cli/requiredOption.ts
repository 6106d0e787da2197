import { AppError } from '../base/errors';
import type { CommandContext } from './command';

/** @throws AppError `wrongUsage` if it was not given. */
export function requiredOption({ option }: CommandContext, name: string): string {
  const value = option(name);
  if (value) return value;
  throw new AppError('wrongUsage', `--${name} is needed`);
}
