/**
 * A line search for the strong Wolfe conditions.
 * @module
 */

/** Loss and gradient at a point of the line. */
export interface Evaluation {
  /** The loss. */
  readonly loss: number;
  /** The gradient in all parameters. */
  readonly gradient: Float64Array;
}

/** Where the search begins. */
export interface LineStart extends Evaluation {
  /** The first step to try. */
  readonly t: number;
  /** The direction of the line. */
  readonly direction: Float64Array;
  /** The derivative along the direction. */
  readonly slope: number;
}

/** What the search found. */
export interface LineResult extends Evaluation {
  /** The step. */
  readonly t: number;
  /** How often the loss was computed. */
  readonly evaluations: number;
}

interface Point extends Evaluation {
  readonly t: number;
  readonly slope: number;
}

const C1 = 1e-4, C2 = 0.9, LEAST_CHANGE = 1e-9, MOST_TRIES = 25;

/** The minimum of the cubic through two points with their slopes, kept between bounds. */
function cubicMinimum(a: Point, b: Point, bounds?: readonly [number, number]): number {
  const [low, high] = bounds ?? (a.t <= b.t ? [a.t, b.t] : [b.t, a.t]);
  const d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t);
  const square = d1 * d1 - a.slope * b.slope;
  if (!(square >= 0)) return (low + high) / 2;
  const d2 = Math.sqrt(square);
  const minimum = a.t <= b.t
    ? b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
    : a.t - (a.t - b.t) * ((a.slope + d2 - d1) / (a.slope - b.slope + 2 * d2));
  return Math.min(Math.max(minimum, low), high);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** Finds a step that lowers the loss enough and where the slope has become flat enough. */
export function strongWolfe(at: (t: number) => Evaluation, start: LineStart): LineResult {
  const { direction, slope } = start;
  const size = direction.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const first: Point = { t: 0, loss: start.loss, gradient: start.gradient, slope };
  let evaluations = 0;
  const visit = (t: number): Point => {
    const { loss, gradient } = at(t);
    evaluations++;
    return { t, loss, gradient, slope: dot(gradient, direction) };
  };
  const tooHigh = (p: Point) => p.loss > start.loss + C1 * p.t * slope;
  const flat = (p: Point) => Math.abs(p.slope) <= -C2 * slope;

  // Go on until two points have a minimum between them.
  let previous = first, current = visit(start.t), tries = 0;
  let bracket: Point[] | null = null, done = false;
  while (tries < MOST_TRIES) {
    if (tooHigh(current) || (tries > 1 && current.loss >= previous.loss)) {
      bracket = [previous, current];
      break;
    }
    if (flat(current)) {
      bracket = [current];
      done = true;
      break;
    }
    if (current.slope >= 0) {
      bracket = [previous, current];
      break;
    }
    const least = current.t + 0.01 * (current.t - previous.t), most = current.t * 10;
    const next = cubicMinimum(previous, current, [least, most]);
    previous = current;
    current = visit(next);
    tries++;
  }
  bracket ??= [first, current];

  // Narrow the bracket down.
  let stuck = false;
  let [low, high] = bracket.length === 1 || bracket[0].loss <= bracket[1].loss ? [0, 1] : [1, 0];
  while (!done && tries < MOST_TRIES) {
    const [a, b] = bracket;
    if (Math.abs(b.t - a.t) * size < LEAST_CHANGE) break;
    let t = cubicMinimum(a, b);
    const top = Math.max(a.t, b.t), bottom = Math.min(a.t, b.t), margin = 0.1 * (top - bottom);
    if (Math.min(top - t, t - bottom) < margin) {
      if (stuck || t >= top || t <= bottom) {
        t = Math.abs(t - top) < Math.abs(t - bottom) ? top - margin : bottom + margin;
        stuck = false;
      } else stuck = true;
    } else stuck = false;
    const point = visit(t);
    tries++;
    if (tooHigh(point) || point.loss >= bracket[low].loss) {
      bracket[high] = point;
      [low, high] = bracket[0].loss <= bracket[1].loss ? [0, 1] : [1, 0];
    } else {
      if (flat(point)) done = true;
      else if (point.slope * (bracket[high].t - bracket[low].t) >= 0) bracket[high] = bracket[low];
      bracket[low] = point;
    }
  }
  const found = bracket[bracket.length === 1 ? 0 : low];
  return { t: found.t, loss: found.loss, gradient: found.gradient, evaluations };
}
