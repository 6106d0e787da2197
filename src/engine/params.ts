import path from 'node:path';
import { isUdid } from '../backups';
import { AppError } from '../base/errors';

/** Reads what a client has sent: it is this user's program, but perhaps another version. */
export class Params {
  readonly #values: Readonly<Record<string, unknown>>;

  /** @throws AppError `notAllowed` here and below, naming the field. */
  constructor(value: unknown) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed('params');
    this.#values = value as Record<string, unknown>;
  }

  has(name: string): boolean {
    return this.#values[name] !== undefined;
  }

  text(name: string): string {
    const value = this.#values[name];
    if (typeof value !== 'string') throw malformed(name);
    return value;
  }

  optionalText(name: string): string | undefined {
    return this.#values[name] === undefined ? undefined : this.text(name);
  }

  udid(): string {
    const udid = this.text('udid');
    if (!isUdid(udid)) throw malformed('udid');
    return udid;
  }

  /** An absolute path. */
  path(name: string): string {
    return absolute(this.text(name), name);
  }

  paths(name: string): readonly string[] {
    const value = this.#values[name];
    if (!Array.isArray(value)) throw malformed(name);
    return value.map((item: unknown) => absolute(item, name));
  }

  flag(name: string): boolean {
    const value = this.#values[name];
    if (typeof value !== 'boolean') throw malformed(name);
    return value;
  }

  optionalFlag(name: string): boolean {
    return this.#values[name] === undefined ? false : this.flag(name);
  }

  number(name: string): number {
    const value = this.#values[name];
    if (typeof value !== 'number') throw malformed(name);
    return value;
  }

  /** A whole number from 0 on. */
  count(name: string): number {
    const value = this.number(name);
    if (!Number.isSafeInteger(value) || value < 0) throw malformed(name);
    return value;
  }

  oneOf<T extends string>(name: string, allowed: readonly T[]): T {
    const value = this.text(name);
    const found = allowed.find((item) => item === value);
    if (found === undefined) throw malformed(name);
    return found;
  }

  inner(name: string): Params {
    try {
      return new Params(this.#values[name]);
    } catch {
      throw malformed(name);
    }
  }
}

function absolute(value: unknown, name: string): string {
  if (typeof value !== 'string' || !path.isAbsolute(value) || value.includes('\0')) throw malformed(name);
  return path.normalize(value);
}

function malformed(name: string): AppError {
  return new AppError('notAllowed', `${name} is missing or malformed`, { details: { field: name } });
}
