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

/**
 * Where the number is by which sums become means, what is added to variances, and how many numbers are behind a line's elements:
 * doubles.
 */
export const INVERSE = 0, EPS = 8, BEHIND = 16;

/** Bytes of a step in a line; what is behind its elements up to the next step is computed with. */
export const STEP = 64;

const HALF_TURN = [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7];

/** What the two kernels share. Their functions take how many lines there are, the bytes of a line, and those of its elements. */
class Lines {
  readonly code: FunctionWriter = new FunctionWriter([Type.I32, Type.I32, Type.I32], Type.I32);
  readonly count = 0;
  readonly bytes = 1;
  readonly used = 2;
  readonly own: Lanes;
  readonly wide: Lanes;
  /** Bytes of the lines before this one, of the places before these, and of the statistics before. */
  readonly line: number = this.code.local(Type.I32);
  readonly column: number = this.code.local(Type.I32);
  readonly statistics: number = this.code.local(Type.I32);
  /** A count of vectors side by side. */
  readonly vectors: number;
  readonly inverse: Value;

  constructor(dtype: Floats, features: Features, vectors: number) {
    this.own = new Lanes(new Kernel(this.code, features), dtype === "float64");
    this.wide = this.own.wider();
    this.vectors = vectors;
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
    const v = this.locals(this.vectors);
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

  /** Adds to the doubles of each place. */
  addTo(address: number, v: Value): void {
    const { code } = this, shift = this.own.doubles ? 0 : 1, wide = this.widened(v);
    wide.forEach((local, k) => {
      this.push(false, shift);
      this.push(false, shift);
      code.memory(Simd.Load, address + 16 * k);
      code.get(local);
      code.simd(ADD_DOUBLES);
      code.memory(Simd.Store, address + 16 * k);
    });
  }

  /** Goes over the places of a line, from one that is told in bytes on. */
  walk(step: number, body: () => void, from?: number): void {
    const { code } = this;
    if (from === undefined) code.i32(0);
    else code.get(from);
    code.set(this.column);
    code.loop();
    body();
    this.add(this.column, () => code.i32(step));
    code.get(this.column);
    code.get(this.bytes);
    code.op(Op.I32LtS);
    code.again();
    code.op(Op.End);
  }

  /** Adds a term up over the line. The term and the sum are doubles. */
  sums(): Value {
    return this.locals((this.own.doubles ? 1 : 2) * this.vectors);
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

  /** Does every line. */
  module(body: () => void): Uint8Array<ArrayBuffer> {
    const { code } = this;
    code.loop();
    body();
    this.add(this.line, () => code.get(this.bytes));
    this.add(this.statistics, () => code.i32(STATISTICS));
    this.add(this.count, () => code.i32(-1));
    code.get(this.count);
    code.again();
    code.op(Op.End);
    code.i32(0);
    return code.module();
  }
}

/** f64x2.add. */
const ADD_DOUBLES = 240;

/**
 * Normalises lines in their place, and writes their statistics. Behind the elements of a line there have to be zeros.
 */
export function lowerNorm(
  dtype: Floats,
  weight: boolean,
  bias: boolean,
  features: Features,
): Uint8Array<ArrayBuffer> {
  const lines = new Lines(dtype, features, 4), { own, wide } = lines, nothing = wide.number(0);
  const eps = lines.number(EPS), behind = lines.number(BEHIND), total = lines.sums(), squares = lines.sums();
  return lines.module(() => {
    lines.copy(nothing, total);
    lines.walk(STEP, () => lines.copy(wide.add(total, lines.widened(lines.load(places.x, true))), total));
    const mean = lines.mean(total), m = lines.narrowed(mean);
    // what is behind the elements is to have no distance from the mean but that of its rounding, which is taken back
    fillBehind(lines, m[0]);
    lines.copy(nothing, squares);
    lines.walk(STEP, () => {
      const distance = wide.sub(lines.widened(lines.load(places.x, true)), mean);
      lines.copy(wide.add(squares, wide.mul(distance, distance)), squares);
    });
    const rounding = wide.sub(lines.widened(m), mean);
    const extra = wide.mul(wide.mul(rounding, rounding), wide.mul(behind, lines.inverse));
    const variance = wide.atLeast(wide.sub(lines.mean(squares), extra), 0);
    const r = lines.narrowed(wide.div(1, wide.sqrt(wide.add(variance, eps))));
    lines.storeStatistic(0, m);
    lines.storeStatistic(1, r);
    lines.walk(STEP, () => {
      let y = own.mul(own.sub(lines.load(places.x, true), m), r);
      if (weight) y = own.mul(y, lines.load(places.weight, false));
      if (bias) y = own.add(y, lines.load(places.bias, false));
      lines.store(places.x, y);
    });
  });
}

/** Writes a vector's first number behind the elements of the line. */
function fillBehind(lines: Lines, local: number): void {
  const { code, own } = lines, size = own.doubles ? 8 : 4;
  // a number too many, where nothing is behind the elements, is the first of the next line: the caller leaves them room
  lines.walk(size, () => {
    code.get(lines.column);
    code.get(lines.line);
    code.op(Op.I32Add);
    code.get(local);
    code.memory(own.doubles ? Simd.StoreLane64 : Simd.StoreLane32, places.x, 0);
  }, lines.used);
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
  const lines = new Lines(dtype, features, 4), { own, wide } = lines, nothing = wide.number(0);
  const ofGradients = lines.sums(), ofProducts = lines.sums();
  return lines.module(() => {
    const m = lines.statistic(0), r = lines.statistic(1);
    const normal = () => own.mul(own.sub(lines.load(places.x, true), m), r);
    const weighted = (g: Value) => weight ? own.mul(g, lines.load(places.weight, false)) : g;
    lines.copy(nothing, ofGradients);
    lines.copy(nothing, ofProducts);
    lines.walk(STEP, () => {
      const g = lines.load(places.g, true), x = normal();
      if (byInput) {
        const gw = weighted(g);
        lines.copy(wide.add(ofGradients, lines.widened(gw)), ofGradients);
        lines.copy(wide.add(ofProducts, lines.widened(own.mul(gw, x))), ofProducts);
      }
      if (byWeight) lines.addTo(places.byWeight, own.mul(g, x));
      if (byBias) lines.addTo(places.byBias, g);
    });
    if (!byInput) return;
    const a = lines.narrowed(lines.mean(ofGradients)), c = lines.narrowed(lines.mean(ofProducts));
    lines.walk(STEP, () => {
      const g = weighted(lines.load(places.g, true));
      lines.store(places.g, own.mul(own.sub(own.sub(g, a), own.mul(normal(), c)), r));
    });
  });
}
