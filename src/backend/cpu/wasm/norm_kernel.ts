/**
 * Writes the kernels of normalisation: lines in memory one behind the other, each less its mean and divided by its deviation, then
 * a factor and a summand for each place; and the gradients of that. Sums are added in doubles.
 * @module
 */
import { FunctionWriter, Op, Simd, Type } from "./emit.ts";
import { type Features, Kernel, Lanes, type Value } from "./lanes.ts";
import { ARRAYS } from "./memory.ts";

/** Element types. */
export type Floats = "float32" | "float64";

/** Elements of an array in memory, and bytes from one to the next: no multiple of the size of a page. */
export const ROOM = 8192, SLOT = 8 * ROOM + 192;

/** Where the arrays are: lines and their gradients, factors, summands; each line's mean and factor; gradients of factors and summands. */
export const places = {
  x: ARRAYS,
  g: ARRAYS + SLOT,
  weight: ARRAYS + 2 * SLOT,
  bias: ARRAYS + 3 * SLOT,
  /** A line's mean and the number that it is multiplied by, {@linkcode STATISTICS} bytes a line. */
  statistics: ARRAYS + 4 * SLOT,
  /** In doubles. */
  byWeight: ARRAYS + 5 * SLOT,
  /** In doubles. */
  byBias: ARRAYS + 6 * SLOT,
} as const;

/** Bytes of a line's statistics. */
export const STATISTICS = 16;

/** Where the number is by which sums become means, and what is added to variances: doubles. */
export const INVERSE = 0, EPS = 8;

/** Vectors side by side: their sums in doubles have to stay in registers. */
const VECTORS = 2;

/** Bytes of a step in a line; what is behind its elements up to the next step is computed with. */
export const STEP = 16 * VECTORS;

const HALF_TURN = [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7];

/** What the two kernels share. Their functions take how many lines there are and the bytes of a line. */
class Lines {
  readonly code: FunctionWriter = new FunctionWriter([Type.I32, Type.I32], Type.I32);
  readonly count = 0;
  readonly bytes = 1;
  readonly own: Lanes;
  readonly wide: Lanes;
  /** Bytes of the lines before this one, of the places before these, and of the statistics before. */
  readonly line: number = this.code.local(Type.I32);
  readonly column: number = this.code.local(Type.I32);
  readonly statistics: number = this.code.local(Type.I32);
  /** Lines that are left. */
  readonly left: number = this.code.local(Type.I32);
  readonly inverse: Value;

  constructor(dtype: Floats, features: Features) {
    this.own = new Lanes(new Kernel(this.code, features), dtype === "float64");
    this.wide = this.own.wider();
    this.inverse = this.number(INVERSE);
  }

  locals(count: number): Value {
    return Array.from({ length: count }, () => this.code.local(Type.V128));
  }

  /** A double that is in memory. */
  number(address: number): Value {
    const [local] = this.locals(1);
    this.code.first(() => {
      this.code.i32(0);
      this.code.memory(Simd.Load64Splat, address);
      this.code.set(local);
    });
    return [local];
  }

  copy(from: Value, to: Value): void {
    to.forEach((local, k) => {
      this.code.get(from.length === 1 ? from[0] : from[k]);
      this.code.set(local);
    });
  }

  add(to: number, by: () => void): void {
    this.code.get(to);
    by();
    this.code.op(Op.I32Add);
    this.code.set(to);
  }

  widened(v: Value): Value {
    return this.own.doubles ? v : this.own.widen(v);
  }

  narrowed(v: Value): Value {
    return this.own.doubles ? v : this.own.narrow(v);
  }

  /** Pushes where the elements at the place are. */
  private push(ofLine: boolean, shift = 0): void {
    const { code } = this;
    code.get(this.column);
    if (shift > 0) {
      code.i32(shift);
      code.op(Op.I32Shl);
    }
    if (!ofLine) return;
    code.get(this.line);
    code.op(Op.I32Add);
  }

  /** Elements of the line, or numbers for each place. */
  load(address: number, ofLine: boolean): Value {
    const v = this.locals(VECTORS);
    v.forEach((local, k) => {
      this.push(ofLine);
      this.code.memory(Simd.Load, address + 16 * k);
      this.code.set(local);
    });
    return v;
  }

  store(address: number, v: Value): void {
    v.forEach((local, k) => {
      this.push(true);
      this.code.get(local);
      this.code.memory(Simd.Store, address + 16 * k);
    });
  }

  /** The doubles of each place, to be added to; or their new values. */
  doubles(address: number, values?: Value): Value {
    const { code } = this, v = values ?? this.sums(), shift = this.own.doubles ? 0 : 1;
    v.forEach((local, k) => {
      this.push(false, shift);
      if (values !== undefined) code.get(local);
      code.memory(values === undefined ? Simd.Load : Simd.Store, address + 16 * k);
      if (values === undefined) code.set(local);
    });
    return v;
  }

  /** Does something for every line, from the first on. */
  each(body: () => void): void {
    const { code } = this;
    for (const local of [this.line, this.statistics]) {
      code.i32(0);
      code.set(local);
    }
    code.get(this.count);
    code.set(this.left);
    code.loop();
    body();
    this.add(this.line, () => code.get(this.bytes));
    this.add(this.statistics, () => code.i32(STATISTICS));
    this.add(this.left, () => code.i32(-1));
    code.get(this.left);
    code.again();
    code.op(Op.End);
  }

  /** Goes over the places of a line. */
  walk(body: () => void): void {
    const { code } = this;
    code.i32(0);
    code.set(this.column);
    code.loop();
    body();
    this.add(this.column, () => code.i32(STEP));
    code.get(this.column);
    code.get(this.bytes);
    code.op(Op.I32LtS);
    code.again();
    code.op(Op.End);
  }

  /** The line's first element. */
  first(): Value {
    const v = this.locals(1), { code } = this;
    code.get(this.line);
    code.memory(this.own.doubles ? Simd.Load64Splat : Simd.Load32Splat, places.x);
    code.set(v[0]);
    return v;
  }

  /** Doubles for as many elements as are side by side. */
  sums(): Value {
    return this.locals((this.own.doubles ? 1 : 2) * VECTORS);
  }

  /** The mean in every lane, from sums. */
  mean(sums: Value): Value {
    let one: Value = [sums[0]];
    for (const local of sums.slice(1)) one = this.wide.add(one, [local]);
    one = this.wide.add(one, this.wide.shuffle(one, one, HALF_TURN));
    return this.wide.mul(one, this.inverse);
  }

  /** A line's mean, or the number that it is multiplied by. */
  statistic(which: 0 | 1): Value {
    const v = this.locals(1), { code } = this;
    code.get(this.statistics);
    code.memory(
      this.own.doubles ? Simd.Load64Splat : Simd.Load32Splat,
      places.statistics + which * STATISTICS / 2,
    );
    code.set(v[0]);
    return v;
  }

  storeStatistic(which: 0 | 1, [local]: Value): void {
    this.code.get(this.statistics);
    this.code.get(local);
    const op = this.own.doubles ? Simd.StoreLane64 : Simd.StoreLane32;
    this.code.memory(op, places.statistics + which * STATISTICS / 2, 0);
  }

  /** The whole. */
  module(): Uint8Array<ArrayBuffer> {
    this.code.i32(0);
    return this.code.module();
  }
}

/**
 * Normalises lines in their place, and writes their statistics. Behind the elements of a line its first one has to stand again.
 *
 * Means and variances are those of the distances from the first element, of which the squares are at most as many times as large
 * as the variance as there are elements: in doubles nothing is lost.
 */
export function lowerNorm(
  dtype: Floats,
  weight: boolean,
  bias: boolean,
  features: Features,
): Uint8Array<ArrayBuffer> {
  const lines = new Lines(dtype, features), { own, wide } = lines, nothing = wide.number(0);
  const eps = lines.number(EPS), total = lines.sums(), squares = lines.sums();
  lines.each(() => {
    const first = lines.widened(lines.first());
    lines.copy(nothing, total);
    lines.copy(nothing, squares);
    lines.walk(() => {
      const distance = wide.sub(lines.widened(lines.load(places.x, true)), first);
      lines.copy(wide.add(total, distance), total);
      lines.copy(wide.fma(distance, distance, squares), squares);
    });
    const off = lines.mean(total), m = lines.narrowed(wide.add(first, off));
    const variance = wide.atLeast(wide.sub(lines.mean(squares), wide.mul(off, off)), 0);
    const r = lines.narrowed(wide.div(1, wide.sqrt(wide.add(variance, eps))));
    lines.storeStatistic(0, m);
    lines.storeStatistic(1, r);
    lines.walk(() => {
      let y = own.mul(own.sub(lines.load(places.x, true), m), r);
      if (weight) y = own.mul(y, lines.load(places.weight, false));
      if (bias) y = own.add(y, lines.load(places.bias, false));
      lines.store(places.x, y);
    });
  });
  return lines.module();
}

/** Which gradients are wanted. */
export interface Wanted {
  /** Whether there are factors. */
  readonly weight: boolean;
  /** By the lines. */
  readonly byInput: boolean;
  /** By the factors. */
  readonly byWeight: boolean;
  /** By the summands. */
  readonly byBias: boolean;
}

/**
 * The gradients: by the lines in the place of the results' gradients, behind the elements of which there have to be zeros; those by
 * factors and summands are added to what is there.
 */
export function lowerNormBackward(
  dtype: Floats,
  { weight, byInput, byWeight, byBias }: Wanted,
  features: Features,
): Uint8Array<ArrayBuffer> {
  const lines = new Lines(dtype, features), { own, wide } = lines, nothing = wide.number(0);
  const ofGradients = lines.sums(), ofProducts = lines.sums();
  const normal = (m: Value, r: Value) => own.mul(own.sub(lines.load(places.x, true), m), r);
  const weighted = (g: Value) => weight ? own.mul(g, lines.load(places.weight, false)) : g;
  const add = (to: Value, v: Value) => lines.copy(wide.add(to, lines.widened(v)), to);
  if (byWeight || byBias) {
    lines.walk(() => {
      const weights = byWeight ? lines.doubles(places.byWeight) : [];
      const biases = byBias ? lines.doubles(places.byBias) : [];
      lines.each(() => {
        const g = lines.load(places.g, true);
        if (byWeight) add(weights, own.mul(g, normal(lines.statistic(0), lines.statistic(1))));
        if (byBias) add(biases, g);
      });
      lines.doubles(places.byWeight, weights);
      lines.doubles(places.byBias, biases);
    });
  }
  if (byInput) {
    lines.each(() => {
      const m = lines.statistic(0), r = lines.statistic(1);
      lines.copy(nothing, ofGradients);
      lines.copy(nothing, ofProducts);
      lines.walk(() => {
        const g = weighted(lines.load(places.g, true));
        add(ofGradients, g);
        add(ofProducts, own.mul(g, normal(m, r)));
      });
      const a = lines.narrowed(lines.mean(ofGradients)), c = lines.narrowed(lines.mean(ofProducts));
      lines.walk(() => {
        const g = weighted(lines.load(places.g, true));
        lines.store(places.g, own.mul(own.sub(own.sub(g, a), own.mul(normal(m, r), c)), r));
      });
    });
  }
  return lines.module();
}
