/**
 * Eigenvalues and eigenvectors of square matrices that are not symmetric, in JavaScript, where all of them are real: the real
 * Schur form by Francis's double shifts, then the eigenvectors of a triangle. Matrices are row-major, in doubles.
 * @module
 */

/** Eigenvalues in ascending order, and eigenvectors of length 1 as columns; or the first pair that is not real. */
export type General =
  | { readonly values: Float64Array; readonly vectors: Float64Array }
  | { readonly complex: { readonly re: number; readonly im: number } };

/** Steps without progress after which there is no hope. */
const PATIENCE = 300;

/** Eigenvalues and eigenvectors of an n by n matrix of finite elements; null if the steps do not converge. */
export function generalEigen(a: Float64Array, n: number): General | null {
  let scale = 0;
  for (const x of a) scale = Math.max(scale, Math.abs(x));
  if (scale === 0) scale = 1;
  const h = a.map((x) => x / scale), v = new Float64Array(n * n);
  for (let i = 0; i < n; i++) v[i * n + i] = 1;
  hessenberg(h, v, n);
  const end = schur(h, v, n);
  if (end === null) return null;
  if (end !== "real") return { complex: { re: end.re * scale, im: end.im * scale } };
  const found = Float64Array.from({ length: n }, (_, i) => h[i * n + i] * scale);
  const order = Array.from(found.keys()).sort((i, j) => found[i] - found[j]);
  const columns = triangleVectors(h, v, n), vectors = new Float64Array(n * n);
  order.forEach((from, to) => {
    for (let row = 0; row < n; row++) vectors[row * n + to] = columns[row * n + from];
  });
  return { values: found.sort(), vectors };
}

/** A reflection `1 - beta w w'` of two or three elements that turns (x, y, z) into a multiple of (1, 0, 0). */
class Reflection {
  readonly w: readonly number[];
  readonly beta: number;

  constructor(x: readonly number[]) {
    const length = Math.hypot(...x);
    const head = x[0] + (x[0] >= 0 ? length : -length);
    this.w = [head, ...x.slice(1)];
    this.beta = length === 0 ? 0 : 2 / this.w.reduce((sum, e) => sum + e * e, 0);
  }

  /** Reflects elements that lie `step` apart, `count` times, `next` apart. */
  apply(a: Float64Array, start: number, step: number, count: number, next: number): void {
    const { w, beta } = this, [w0, w1, w2] = w;
    for (let j = 0, at = start; j < count; j++, at += next) {
      if (w.length === 3) {
        const sum = beta * (w0 * a[at] + w1 * a[at + step] + w2 * a[at + 2 * step]);
        a[at] -= sum * w0;
        a[at + step] -= sum * w1;
        a[at + 2 * step] -= sum * w2;
      } else {
        const sum = beta * (w0 * a[at] + w1 * a[at + step]);
        a[at] -= sum * w0;
        a[at + step] -= sum * w1;
      }
    }
  }
}

/** Zeros below the first subdiagonal by similarity; v collects the transformations. */
function hessenberg(h: Float64Array, v: Float64Array, n: number): void {
  const w = new Float64Array(n);
  for (let k = 0; k + 2 < n; k++) {
    let length = 0;
    for (let i = k + 1; i < n; i++) length = Math.hypot(length, w[i] = h[i * n + k]);
    if (Math.hypot(...w.subarray(k + 2)) === 0) continue;
    w[k + 1] += w[k + 1] >= 0 ? length : -length;
    let square = 0;
    for (let i = k + 1; i < n; i++) square += w[i] * w[i];
    const beta = 2 / square;
    for (let j = k; j < n; j++) {
      let sum = 0;
      for (let i = k + 1; i < n; i++) sum += w[i] * h[i * n + j];
      for (let i = k + 1; i < n; i++) h[i * n + j] -= beta * sum * w[i];
    }
    for (const m of [h, v]) {
      for (let i = 0; i < n; i++) {
        let sum = 0;
        for (let j = k + 1; j < n; j++) sum += w[j] * m[i * n + j];
        for (let j = k + 1; j < n; j++) m[i * n + j] -= beta * sum * w[j];
      }
    }
    for (let i = k + 2; i < n; i++) h[i * n + k] = 0;
  }
}

/** Turns a Hessenberg matrix into a triangle with the eigenvalues on its diagonal, if all are real. */
function schur(
  h: Float64Array,
  v: Float64Array,
  n: number,
): "real" | { readonly re: number; readonly im: number } | null {
  let last = n - 1, steps = 0;
  while (last > 0) {
    const first = blockStart(h, n, last);
    if (first === last) {
      last--;
      steps = 0;
    } else if (first === last - 1) {
      const pair = splitPair(h, v, n, first);
      if (pair !== null) return pair;
      last -= 2;
      steps = 0;
    } else {
      if (++steps > PATIENCE) return null;
      francis(h, v, n, first, last, steps);
    }
  }
  return "real";
}

/** Where the block that ends at `last` begins: after a subdiagonal element that is as good as zero, which is made zero. */
function blockStart(h: Float64Array, n: number, last: number): number {
  for (let k = last; k > 0; k--) {
    const sizes = Math.abs(h[(k - 1) * n + k - 1]) + Math.abs(h[k * n + k]);
    if (Math.abs(h[k * n + k - 1]) <= Number.EPSILON * (sizes === 0 ? 1 : sizes)) {
      h[k * n + k - 1] = 0;
      return k;
    }
  }
  return 0;
}

/** Makes a block of two triangular by a rotation; its eigenvalues if they are not real. */
function splitPair(
  h: Float64Array,
  v: Float64Array,
  n: number,
  k: number,
): { readonly re: number; readonly im: number } | null {
  const a = h[k * n + k], b = h[k * n + k + 1], c = h[(k + 1) * n + k], d = h[(k + 1) * n + k + 1];
  const half = (a - d) / 2, square = half * half + b * c;
  if (square < 0) return { re: (a + d) / 2, im: Math.sqrt(-square) };
  const root = half + (half >= 0 ? Math.sqrt(square) : -Math.sqrt(square));
  // (root, c) is an eigenvector of the block: the rotation turns it into the first axis.
  const length = Math.hypot(root, c), cos = root / length, sin = c / length;
  for (let j = k; j < n; j++) {
    const x = h[k * n + j], y = h[(k + 1) * n + j];
    h[k * n + j] = cos * x + sin * y;
    h[(k + 1) * n + j] = cos * y - sin * x;
  }
  for (const [m, rows] of [[h, k + 2], [v, n]] as const) {
    for (let i = 0; i < rows; i++) {
      const x = m[i * n + k], y = m[i * n + k + 1];
      m[i * n + k] = cos * x + sin * y;
      m[i * n + k + 1] = cos * y - sin * x;
    }
  }
  h[(k + 1) * n + k] = 0;
  return null;
}

/** One double step on the block from `first` to `last`, with both eigenvalues of its last two rows as shifts. */
function francis(
  h: Float64Array,
  v: Float64Array,
  n: number,
  first: number,
  last: number,
  step: number,
): void {
  const e = (i: number, j: number) => h[i * n + j];
  let sum = e(last - 1, last - 1) + e(last, last);
  let product = e(last - 1, last - 1) * e(last, last) - e(last - 1, last) * e(last, last - 1);
  if (step % 10 === 0) {
    // a shift of no meaning, which breaks a circle
    const size = Math.abs(e(last, last - 1)) + Math.abs(e(last - 1, last - 2));
    sum = 1.5 * size;
    product = size * size;
  }
  const f = first, below = e(f + 1, f);
  let x = [
    e(f, f) * e(f, f) + e(f, f + 1) * below - sum * e(f, f) + product,
    below * (e(f, f) + e(f + 1, f + 1) - sum),
    below * e(f + 2, f + 1),
  ];
  for (let k = first; k < last; k++) {
    const turn = new Reflection(x);
    const left = Math.max(k - 1, first), rows = Math.min(k + 3, last) + 1;
    turn.apply(h, k * n + left, n, n - left, 1);
    turn.apply(h, k, 1, rows, n);
    turn.apply(v, k, 1, n, n);
    if (k > first) { for (let i = 1; i < x.length; i++) h[(k + i) * n + k - 1] = 0; }
    x = k + 3 <= last ? [e(k + 1, k), e(k + 2, k), e(k + 3, k)] : [e(k + 1, k), e(Math.min(k + 2, last), k)];
  }
}

/** Eigenvectors of v t v' for a triangle t, as columns of length 1. */
function triangleVectors(t: Float64Array, v: Float64Array, n: number): Float64Array {
  const out = new Float64Array(n * n), x = new Float64Array(n);
  let norm = 0;
  for (const e of t) norm = Math.max(norm, Math.abs(e));
  const least = Math.max(Number.EPSILON * norm, Number.MIN_VALUE * 2 ** 60);
  for (let k = 0; k < n; k++) {
    const value = t[k * n + k];
    x[k] = 1;
    for (let i = k - 1; i >= 0; i--) {
      let sum = 0;
      for (let j = i + 1; j <= k; j++) sum += t[i * n + j] * x[j];
      const gap = t[i * n + i] - value;
      x[i] = -sum / (Math.abs(gap) < least ? least : gap);
      // equal eigenvalues in a row make the elements grow without bound
      if (Math.abs(x[i]) > 1e100) { for (let j = i; j <= k; j++) x[j] /= 1e100; }
    }
    let square = 0;
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let j = 0; j <= k; j++) sum += v[i * n + j] * x[j];
      out[i * n + k] = sum;
      square = Math.hypot(square, sum);
    }
    for (let i = 0; i < n; i++) out[i * n + k] /= square;
  }
  return out;
}
