/**
 * Arithmetic on vectors, written as calls that append instructions: what the spellings of primitives are made of.
 *
 * A {@linkcode Value} stands for several vectors at once (the loop is unrolled), and each call appends its instruction for
 * all of them in turn, so that the processor has independent work while one waits.
 * @module
 */
import { type FunctionWriter, Simd, Type } from "./emit.ts";

/** Vectors: the locals that they are in; one where they are all the same. */
export type Value = readonly number[];

/** What the processor can do beyond plain SIMD. */
export interface Features {
  /** Whether there is a multiply-add that rounds once. */
  readonly fused: boolean;
}

/** Opcodes of f32x4 that have their f64x2 counterpart at another place. */
interface Codes {
  readonly splat: number;
  /** eq, ne, lt, gt, le, ge follow each other. */
  readonly compare: number;
  /** abs, neg, (none), sqrt, add, sub, mul, div, min, max, pmin, pmax follow each other. */
  readonly arithmetic: number;
  readonly ceil: number;
  readonly floor: number;
  readonly trunc: number;
  readonly nearest: number;
  /** shl, shr_s, shr_u follow each other. */
  readonly shift: number;
  readonly addInt: number;
  readonly subInt: number;
  readonly madd: number;
  readonly select: number;
}

const single: Codes = {
  splat: Simd.SplatF32,
  compare: 65,
  arithmetic: 224,
  ceil: 103,
  floor: 104,
  trunc: 105,
  nearest: 106,
  shift: 171,
  addInt: 174,
  subInt: 177,
  madd: Simd.RelaxedMaddF32,
  select: Simd.RelaxedSelect32,
};
const double: Codes = {
  splat: Simd.SplatF64,
  compare: 71,
  arithmetic: 236,
  ceil: 116,
  floor: 117,
  trunc: 122,
  nearest: 148,
  shift: 203,
  addInt: 206,
  subInt: 209,
  madd: Simd.RelaxedMaddF64,
  select: Simd.RelaxedSelect64,
};

/** A function under construction. */
export class Kernel {
  private readonly constants = new Map<string, Value>();
  /** Vectors that are not 0 where an element could not be computed. */
  readonly flagged: Value[] = [];

  /** Writes into the given function. */
  constructor(
    /** The function. */
    readonly code: FunctionWriter,
    /** What its instructions may be. */
    readonly features: Features,
  ) {}

  /** A vector made before the loop: the 16 bytes that go by a name. */
  constant(name: string, bytes: () => ArrayBufferView<ArrayBuffer>): Value {
    let known = this.constants.get(name);
    if (known === undefined) {
      const local = this.code.local(Type.V128);
      this.code.first(() => {
        this.code.sixteen(Simd.Const, new Uint8Array(bytes().buffer));
        this.code.set(local);
      });
      this.constants.set(name, known = [local]);
    }
    return known;
  }
}

/** Arithmetic on lanes of one floating-point type. */
export class Lanes {
  private readonly code: FunctionWriter;
  private readonly codes: Codes;

  /** Lanes of a kernel: doubles or singles. */
  constructor(
    /** The function that the instructions are written into. */
    readonly kernel: Kernel,
    /** Whether lanes are float64; else float32. */
    readonly doubles: boolean,
  ) {
    this.code = kernel.code;
    this.codes = doubles ? double : single;
  }

  // Building blocks

  /** Appends an instruction over some operands for each of their vectors. */
  apply(op: number, ...operands: Value[]): Value {
    return this.each(operands, () => this.code.simd(op));
  }

  /** Appends the same for each vector of some operands; those that are all the same serve for each. */
  private each(operands: readonly Value[], append: () => void): Value {
    const count = Math.max(...operands.map((v) => v.length));
    return Array.from({ length: count }, (_, k) => {
      for (const v of operands) this.code.get(v.length === 1 ? v[0] : v[k]);
      append();
      const local = this.code.local(Type.V128);
      this.code.set(local);
      return local;
    });
  }

  /** A number in every lane. */
  number(x: number): Value {
    const name = Object.is(x, -0) ? "-0" : String(x);
    return this.doubles
      ? this.kernel.constant(`d${name}`, () => new Float64Array(2).fill(x))
      : this.kernel.constant(`s${name}`, () => new Float32Array(4).fill(x));
  }

  /** An integer in every lane: of 32 bits for singles, of 64 for doubles. */
  integer(x: number | bigint): Value {
    return this.doubles
      ? this.kernel.constant(`l${x}`, () => new BigInt64Array(2).fill(BigInt(x)))
      : this.kernel.constant(`i${x}`, () => new Int32Array(4).fill(Number(x)));
  }

  /** An operand as vectors. */
  private value(x: Value | number): Value {
    return typeof x === "number" ? this.number(x) : x;
  }

  /** Appends an instruction of the row of arithmetic ones. */
  private arithmetic(index: number, ...operands: (Value | number)[]): Value {
    return this.apply(this.codes.arithmetic + index, ...operands.map((x) => this.value(x)));
  }

  // Arithmetic

  /** Magnitude. */
  abs(a: Value): Value {
    return this.arithmetic(0, a);
  }
  /** The sign turned, that of NaN too. */
  neg(a: Value): Value {
    return this.arithmetic(1, a);
  }
  /** Square root. */
  sqrt(a: Value): Value {
    return this.arithmetic(3, a);
  }
  /** a + b. */
  add(a: Value | number, b: Value | number): Value {
    return this.arithmetic(4, a, b);
  }
  /** a - b. */
  sub(a: Value | number, b: Value | number): Value {
    return this.arithmetic(5, a, b);
  }
  /** a * b. */
  mul(a: Value | number, b: Value | number): Value {
    return this.arithmetic(6, a, b);
  }
  /** a / b. */
  div(a: Value | number, b: Value | number): Value {
    return this.arithmetic(7, a, b);
  }
  /** b where b < a, else a: with a first, NaN stays. */
  atMost(a: Value, b: Value | number): Value {
    return this.arithmetic(10, a, b);
  }
  /** b where a < b, else a: with a first, NaN stays. */
  atLeast(a: Value, b: Value | number): Value {
    return this.arithmetic(11, a, b);
  }
  /** Rounded up. */
  ceil(a: Value): Value {
    return this.apply(this.codes.ceil, a);
  }
  /** Rounded down. */
  floor(a: Value): Value {
    return this.apply(this.codes.floor, a);
  }
  /** Rounded towards 0. */
  trunc(a: Value): Value {
    return this.apply(this.codes.trunc, a);
  }
  /** Rounded to the nearest integer, halves to the even one. */
  nearest(a: Value): Value {
    return this.apply(this.codes.nearest, a);
  }
  /** a * b + c, rounded once where the processor can and else twice. */
  fma(a: Value | number, b: Value | number, c: Value | number): Value {
    if (!this.kernel.features.fused) return this.add(this.mul(a, b), c);
    return this.apply(this.codes.madd, this.value(a), this.value(b), this.value(c));
  }
  /** A polynomial, the highest coefficient first. */
  poly(x: Value, coefficients: readonly number[]): Value {
    let y: Value | number = coefficients[0];
    for (const c of coefficients.slice(1)) y = this.fma(y, x, c);
    return this.value(y);
  }

  // Comparisons give masks: lanes of ones or of zeros

  /** a = b. */
  eq(a: Value, b: Value | number): Value {
    return this.apply(this.codes.compare, a, this.value(b));
  }
  /** a is not b; NaN is not itself. */
  ne(a: Value, b: Value | number): Value {
    return this.apply(this.codes.compare + 1, a, this.value(b));
  }
  /** a < b. */
  lt(a: Value, b: Value | number): Value {
    return this.apply(this.codes.compare + 2, a, this.value(b));
  }
  /** a > b. */
  gt(a: Value, b: Value | number): Value {
    return this.apply(this.codes.compare + 3, a, this.value(b));
  }
  /** a <= b. */
  le(a: Value, b: Value | number): Value {
    return this.apply(this.codes.compare + 4, a, this.value(b));
  }
  /** a >= b. */
  ge(a: Value, b: Value | number): Value {
    return this.apply(this.codes.compare + 5, a, this.value(b));
  }
  /** Where the mask is, a, else b. */
  select(mask: Value, a: Value | number, b: Value | number): Value {
    const op = this.kernel.features.fused ? this.codes.select : Simd.Select;
    return this.apply(op, this.value(a), this.value(b), mask);
  }
  /** Says that the elements under a mask cannot be computed: the caller does them another way. */
  flag(mask: Value): void {
    this.kernel.flagged.push(mask);
  }

  // Bits

  /** Bits that both have. */
  and(a: Value, b: Value): Value {
    return this.apply(Simd.And, a, b);
  }
  /** Bits that a has and b has not. */
  andNot(a: Value, b: Value): Value {
    return this.apply(Simd.AndNot, a, b);
  }
  /** Bits that one of them has. */
  or(a: Value, b: Value): Value {
    return this.apply(Simd.Or, a, b);
  }
  /** Bits that exactly one of them has. */
  xor(a: Value, b: Value): Value {
    return this.apply(Simd.Xor, a, b);
  }
  /** All bits turned. */
  not(a: Value): Value {
    return this.apply(Simd.Not, a);
  }
  /** The sign bits alone. */
  sign(a: Value): Value {
    return this.and(a, this.number(-0));
  }
  /** The magnitude of a with the sign bit of b. */
  copysign(a: Value, b: Value): Value {
    return this.or(this.abs(a), this.sign(b));
  }
  /** Integers: a + b. */
  addInt(a: Value, b: Value): Value {
    return this.apply(this.codes.addInt, a, b);
  }
  /** Integers: a - b. */
  subInt(a: Value, b: Value): Value {
    return this.apply(this.codes.subInt, a, b);
  }
  /** Integers: to the left. */
  shl(a: Value, by: number): Value {
    return this.each([a], () => this.code.shift(this.codes.shift, by));
  }
  /** Integers: to the right with the sign. */
  sar(a: Value, by: number): Value {
    return this.each([a], () => this.code.shift(this.codes.shift + 1, by));
  }
  /** Integers: to the right with zeros. */
  shr(a: Value, by: number): Value {
    return this.each([a], () => this.code.shift(this.codes.shift + 2, by));
  }
  /** Integers of 32 bits as singles. */
  fromInt(a: Value): Value {
    return this.apply(Simd.ConvertI32ToF32, a);
  }

  /** Bytes of two vectors. */
  shuffle(a: Value, b: Value, bytes: readonly number[]): Value {
    return this.each([a, b], () => this.code.sixteen(Simd.Shuffle, bytes));
  }

  // Singles as doubles and back

  /** Singles as doubles: each vector becomes two of half as many, wider lanes; one that is all the same stays one. */
  widen(v: Value): Value {
    if (v.length === 1) return this.apply(Simd.Promote, v);
    const low = this.apply(Simd.Promote, v), high = this.apply(Simd.Promote, this.shuffle(v, v, HIGH_HALF));
    return low.flatMap((local, k) => [local, high[k]]);
  }

  /** Doubles rounded to singles: each two vectors become one. */
  narrow(v: Value): Value {
    return this.pairs(this.apply(Simd.Demote, v), LOW_HALVES);
  }

  /** The lower 32 bits of each lane of doubles: each two vectors become one. */
  lowBits(v: Value): Value {
    return this.pairs(v, LOW_WORDS);
  }

  /** Each two vectors as one of bytes of both. */
  private pairs(v: Value, bytes: readonly number[]): Value {
    if (v.length === 1) return this.shuffle(v, v, bytes);
    const evens = v.filter((_, k) => k % 2 === 0), odds = v.filter((_, k) => k % 2 === 1);
    return this.shuffle(evens, odds, bytes);
  }

  /** What a function of doubles gives for singles. */
  inDoubles(operands: readonly Value[], f: (d: Lanes, ...operands: Value[]) => Value): Value {
    return this.narrow(f(this.wider(), ...operands.map((v) => this.widen(v))));
  }

  /** Lanes of doubles in the same kernel. */
  wider(): Lanes {
    return new Lanes(this.kernel, true);
  }
}

const HIGH_HALF = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15];
const LOW_HALVES = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];
const LOW_WORDS = [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27];
