/**
 * SVG path data as polylines: for the lengths and boxes that a browser would answer.
 * @module
 */

/** A point, x to the right and y down. */
export type Point = readonly [x: number, y: number];

/** A path as points, with the length of the way to each. */
export interface Polyline {
  /** The points, curves cut into short pieces. */
  readonly points: readonly Point[];
  /** The length of the path from its start to each point. */
  readonly lengths: readonly number[];
}

const CURVE_PIECES = 8;
const ARC_PIECES = 12;

/** The point of a Bezier curve at t, by de Casteljau's scheme. */
function bezier(control: readonly Point[], t: number): Point {
  let row = control;
  while (row.length > 1) {
    row = row.slice(1).map((
      [x, y],
      i,
    ): Point => [row[i][0] + (x - row[i][0]) * t, row[i][1] + (y - row[i][1]) * t]);
  }
  return row[0];
}

/** Points along an elliptic arc, its start left out (SVG 1.1, appendix F.6.5, without the axis rotation). */
function arc(from: Point, to: Point, radii: Point, large: boolean, sweep: boolean): Point[] {
  let [rx, ry] = [Math.abs(radii[0]), Math.abs(radii[1])];
  if (rx === 0 || ry === 0) return [to];
  const dx = (from[0] - to[0]) / 2;
  const dy = (from[1] - to[1]) / 2;
  const reach = Math.hypot(dx / rx, dy / ry);
  if (reach === 0) return [to];
  if (reach > 1) [rx, ry] = [rx * reach, ry * reach];
  const unit = Math.min(1, reach);
  const k = (large === sweep ? -1 : 1) * Math.sqrt(1 / (unit * unit) - 1);
  const cx = k * rx * dy / ry + (from[0] + to[0]) / 2;
  const cy = -k * ry * dx / rx + (from[1] + to[1]) / 2;
  const start = Math.atan2((from[1] - cy) / ry, (from[0] - cx) / rx);
  let turn = Math.atan2((to[1] - cy) / ry, (to[0] - cx) / rx) - start;
  if (sweep && turn < 0) turn += 2 * Math.PI;
  if (!sweep && turn > 0) turn -= 2 * Math.PI;
  return Array.from({ length: ARC_PIECES }, (_, i): Point => {
    const angle = start + turn * (i + 1) / ARC_PIECES;
    return [cx + rx * Math.cos(angle), cy + ry * Math.sin(angle)];
  });
}

/**
 * The points of a path.
 *
 * @param d The path data of an SVG `d` attribute.
 * @returns Its points in order; the pieces of a path with several are simply joined.
 */
export function flatten(d: string): Point[] {
  const tokens = d.match(/[a-z]|[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?/gi) ?? [];
  const points: Point[] = [];
  let next = 0;
  let command = "M";
  let at: Point = [0, 0];
  let start: Point = at;
  let control: Point = at;
  const number = (): number => Number(tokens[next++] ?? 0);
  while (next < tokens.length) {
    if (/[a-z]/i.test(tokens[next])) command = tokens[next++];
    const kind = command.toUpperCase();
    const relative = command !== kind;
    const base: Point = relative ? at : [0, 0];
    const point = (): Point => [base[0] + number(), base[1] + number()];
    const mirrored: Point = [2 * at[0] - control[0], 2 * at[1] - control[1]];
    const curve = (...more: Point[]): void => {
      for (let i = 1; i <= CURVE_PIECES; i++) points.push(bezier([at, ...more], i / CURVE_PIECES));
      at = more[more.length - 1];
      control = more[more.length - 2];
    };
    const line = (to: Point): void => {
      points.push(at = control = to);
    };
    if (kind === "M") {
      line(point());
      start = at;
      command = relative ? "l" : "L";
    } else if (kind === "L") line(point());
    else if (kind === "H") line([base[0] + number(), at[1]]);
    else if (kind === "V") line([at[0], base[1] + number()]);
    else if (kind === "C") curve(point(), point(), point());
    else if (kind === "S") curve(mirrored, point(), point());
    else if (kind === "Q") curve(point(), point());
    else if (kind === "T") curve(mirrored, point());
    else if (kind === "A") {
      const radii: Point = [number(), number()];
      number();
      const [large, sweep] = [number() !== 0, number() !== 0];
      const to = point();
      points.push(...arc(at, to, radii, large, sweep));
      at = control = to;
    } else if (kind === "Z") line(start);
    else throw new RangeError(`unknown command ${command} in SVG path data`);
    if (kind === "Z" && /^[^a-z]/i.test(tokens[next] ?? "a")) next++;
  }
  return points;
}

/**
 * A path as a polyline with lengths.
 *
 * @param d The path data.
 * @returns The polyline.
 */
export function polyline(d: string): Polyline {
  const points = flatten(d);
  const lengths: number[] = [];
  points.forEach(([x, y], i) => {
    lengths.push(i === 0 ? 0 : lengths[i - 1] + Math.hypot(x - points[i - 1][0], y - points[i - 1][1]));
  });
  return { points, lengths };
}

/**
 * The point a given way along a polyline.
 *
 * @param line The polyline.
 * @param length The way from its start; held between 0 and the whole length.
 * @returns The point.
 */
export function pointAt(line: Polyline, length: number): Point {
  const { points, lengths } = line;
  if (points.length === 0) return [0, 0];
  const i = lengths.findIndex((way) => way >= length);
  if (i === 0) return points[0];
  if (i < 0) return points[points.length - 1];
  const t = (length - lengths[i - 1]) / (lengths[i] - lengths[i - 1]);
  return bezier([points[i - 1], points[i]], t);
}
