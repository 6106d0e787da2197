import { isArray, isDict, type PlistArray, type PlistDict, type PlistValue } from './value';

/** A value written out in full. */
export interface ExpandedSize {
  /** Values and keys, itself included. */
  readonly objects: number;
  /** Of strings and data; two for a character. */
  readonly bytes: number;
  /** Containers inside each other: 0 for a scalar. */
  readonly levels: number;
}

const SCALAR: ExpandedSize = { objects: 1, bytes: 0, levels: 0 };

/**
 * Sizes of values that are used more than once. Each container is added up once, from the sizes of what it holds:
 * twenty nested arrays of ten references each stand for 10^20 objects, and take two hundred steps here.
 *
 * Recursion goes as deep as the values; the decoder, who asks at every second use, has bounded that before.
 */
export class SharedSizes {
  private readonly containers = new Map<PlistArray | PlistDict, ExpandedSize>();

  of(value: PlistValue): ExpandedSize {
    if (typeof value === 'string') return { objects: 1, bytes: 2 * value.length, levels: 0 };
    if (value instanceof Uint8Array) return { objects: 1, bytes: value.length, levels: 0 };
    if (!isDict(value) && !isArray(value)) return SCALAR;
    let size = this.containers.get(value);
    if (size === undefined) {
      size = this.addUp(value);
      this.containers.set(value, size);
    }
    return size;
  }

  private addUp(container: PlistArray | PlistDict): ExpandedSize {
    let objects = 1;
    let bytes = 0;
    let levels = 0;
    const add = (value: PlistValue): void => {
      const size = this.of(value);
      objects += size.objects;
      bytes += size.bytes;
      levels = Math.max(levels, size.levels);
    };
    for (const value of container.values()) add(value);
    if (isDict(container)) for (const key of container.keys()) add(key);
    return { objects, bytes, levels: levels + 1 };
  }
}
