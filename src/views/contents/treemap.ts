export interface TreemapCell<T> {
  readonly item: T;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

interface Area {
  x: number;
  y: number;
  width: number;
  height: number;
}

/**
 * Lays items out as rectangles in proportion to their weights, as square as it gets (Bruls, Huizing, van Wijk, 2000).
 * @param items Largest first; those without weight are left out.
 */
export function treemap<T>(
  items: readonly T[],
  weightOf: (item: T) => number,
  width: number,
  height: number,
): readonly TreemapCell<T>[] {
  const weighed = items.map((item) => ({ item, weight: weightOf(item) })).filter(({ weight }) => weight > 0);
  const total = weighed.reduce((sum, { weight }) => sum + weight, 0);
  const scale = (width * height) / total;
  const rest: Area = { x: 0, y: 0, width, height };
  const cells: TreemapCell<T>[] = [];
  for (let start = 0; start < weighed.length;) {
    const side = Math.min(rest.width, rest.height);
    let end = start + 1;
    let sum = (weighed[start]?.weight ?? 0) * scale;
    const least = (count: number) => (weighed[count - 1]?.weight ?? 0) * scale;
    const most = (weighed[start]?.weight ?? 0) * scale;
    while (end < weighed.length) {
      const next = sum + (weighed[end]?.weight ?? 0) * scale;
      if (worst(next, most, least(end + 1), side) > worst(sum, most, least(end), side)) break;
      sum = next;
      end++;
    }
    place(weighed.slice(start, end), sum, scale, rest, cells);
    start = end;
  }
  return cells;
}

/** The worst ratio of sides in a row of this area, whose largest and smallest items are given. */
function worst(area: number, most: number, least: number, side: number): number {
  const squared = side * side;
  return Math.max((squared * most) / (area * area), (area * area) / (squared * least));
}

/** Fills the shorter side of what is left. */
function place<T>(
  row: readonly { readonly item: T; readonly weight: number }[],
  area: number,
  scale: number,
  rest: Area,
  cells: TreemapCell<T>[],
): void {
  const across = rest.width >= rest.height;
  const depth = Math.min(area / (across ? rest.height : rest.width), across ? rest.width : rest.height);
  let along = across ? rest.y : rest.x;
  for (const { item, weight } of row) {
    const length = depth === 0 ? 0 : (weight * scale) / depth;
    if (across) cells.push({ item, x: rest.x, y: along, width: depth, height: length });
    else cells.push({ item, x: along, y: rest.y, width: length, height: depth });
    along += length;
  }
  if (across) {
    rest.x += depth;
    rest.width -= depth;
  } else {
    rest.y += depth;
    rest.height -= depth;
  }
}
