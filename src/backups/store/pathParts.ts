/** @returns whether both are the same names in the same order */
export function isSamePath(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((part, index) => part === other[index]);
}

/** @returns whether `inner` lies below `outer` */
export function isWithin(inner: readonly string[], outer: readonly string[]): boolean {
  return inner.length > outer.length && outer.every((part, index) => part === inner[index]);
}
