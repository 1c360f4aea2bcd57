/**
 * Lowers programs to WebAssembly: a loop over vectors that computes every distinct node once, over elements that lie in the
 * module's memory, each operand contiguous.
 * @module
 */
import type { DType } from "../../../tensor/dtype.ts";
import { type Expr, postorder } from "../../../expr/expr.ts";
import { primitives } from "../../../expr/primitives.ts";
import { expandPowers, type Program } from "../../../expr/program.ts";
import { FunctionWriter, Op, Simd, Type } from "./emit.ts";
import { type Features, Kernel, Lanes, type Value } from "./lanes.ts";
import { spellings } from "./spellings.ts";

/** What an operand is in the module's memory: an array of this element type, or one number for all elements. */
export type Slot = "float32" | "float64" | "byte" | "number";

/** Where the operands of a kernel are: inputs, then outputs. */
export interface Layout {
  /** What each is. */
  readonly slots: readonly Slot[];
  /** Addresses in bytes; arrays start at multiples of 16. */
  readonly addresses: readonly number[];
}

/** Size of an element in memory. */
export const slotBytes: Readonly<Record<Slot, number>> = { float32: 4, float64: 8, byte: 1, number: 8 };

/** Whether programs of this kind have an equivalent in vectors; `computeDtype` is what they compute in. */
export function isLowerable(p: Program, computeDtype: DType): boolean {
  if (computeDtype !== "float32" && computeDtype !== "float64") return false;
  const column = computeDtype === "float32" ? "single" : "double";
  return postorder(expandPowers(p.outputs)).every((e) =>
    e.op === "input" ||
    (e.op === "const"
      ? computeDtype === "float64" || !Number.isFinite(e.value!) || Number.isFinite(Math.fround(e.value!))
      : spellings[e.op]?.[column] !== undefined)
  );
}

/** The slot of an array of this element type in a program that computes in another; null if there is none. */
export function slotOf(dtype: DType, computeDtype: DType, output: boolean): Slot | null {
  if (dtype === "bool" || (dtype === "uint8" && !output)) return "byte";
  if (dtype === "float32") return "float32";
  return dtype === "float64" && computeDtype === "float64" ? "float64" : null;
}

/** The steps in which a kernel goes through elements: their number has to be a multiple of it. */
export const STEP = 16;

/**
 * The module of a program. Its function takes the number of elements, and gives 1 if some of them could not be computed (the
 * outputs are of no use then), else 0. Over a memory that threads share, of so many pages at most, it takes besides how many
 * bytes behind their addresses the arrays are.
 */
export function lowerWasm(
  p: Program,
  computeDtype: DType,
  layout: Layout,
  features: Features,
  sharedPages?: number,
): Uint8Array<ArrayBuffer> {
  const doubles = computeDtype === "float64", placed = sharedPages !== undefined;
  const roots = expandPowers(p.outputs), nodes = postorder(roots);
  const code = new FunctionWriter(placed ? [Type.I32, Type.I32] : [Type.I32], Type.I32);
  const kernel = new Kernel(code, features), lanes = new Lanes(kernel, doubles);
  const perVector = doubles ? 2 : 4;
  const vectors = isCheap(p) && !doubles ? 4 : 2;
  const memory = new Memory(lanes, layout, vectors, perVector, placed);

  code.loop();
  const values = new Map<Expr, Value>();
  const isTruth = (e: Expr): boolean => e.args.length > 0 && primitives[e.op].kind === "bool";
  const asNumber = (e: Expr): Value =>
    isTruth(e) ? lanes.and(values.get(e)!, lanes.number(1)) : values.get(e)!;
  const asTruth = (e: Expr): Value => isTruth(e) ? values.get(e)! : lanes.ne(values.get(e)!, 0);
  for (const e of nodes) {
    if (e.op === "input") values.set(e, memory.load(p.inputs.indexOf(e.name!)));
    else if (e.op === "const") values.set(e, lanes.number(e.value!));
    else {
      const { params, truths } = primitives[e.op];
      const args = e.args.map((a, i) => truths.includes(params[i]) ? asTruth(a) : asNumber(a));
      const spelling = spellings[e.op][doubles ? "double" : "single"]!;
      const squares = doubles || e.op !== "sqrt" ? null : sumOfSquares(e.args[0]);
      values.set(
        e,
        squares === null
          ? spelling(lanes, args[0], args[1], args[2])
          : hypotenuse(lanes, squares.map((s) => values.get(s)!)),
      );
    }
  }
  // all are computed before any is stored
  const results = roots.map((root, i) => {
    const slot = layout.slots[p.inputs.length + i];
    return slot === "byte" ? asTruth(root) : asNumber(root);
  });
  results.forEach((value, i) => memory.store(p.inputs.length + i, value));
  memory.next();
  const bad = code.local(Type.V128);
  for (const mask of kernel.flagged) {
    for (const local of mask) {
      code.get(bad);
      code.get(local);
      code.simd(Simd.Or);
      code.set(bad);
    }
  }
  memory.again();
  code.op(Op.End);
  code.get(bad);
  code.simd(Simd.AnyTrue);
  return code.module(sharedPages);
}

/** Whether a program consists of primitives of about one instruction each. */
export function isCheap(p: Program): boolean {
  return postorder(expandPowers(p.outputs)).every((e) => e.args.length === 0 || cheap.has(e.op));
}

const cheap = new Set(
  "add sub mul neg fround floor ceil trunc round abs max min where eq ne lt le gt ge and or not".split(" "),
);

/** The x and y of x² + y², whose root has to be right where the squares overflow. */
function sumOfSquares(e: Expr): Expr[] | null {
  if (e.op !== "add") return null;
  return e.args.every((a) => a.op === "mul" && a.args[0] === a.args[1]) ? e.args.map((a) => a.args[0]) : null;
}

function hypotenuse(l: Lanes, [x, y]: Value[]): Value {
  return l.inDoubles([x, y], (d, a, b) => d.sqrt(d.fma(a, a, d.mul(b, b))));
}

/** Moves elements between the memory and vectors. */
class Memory {
  private readonly code: FunctionWriter;
  private readonly index: number;

  constructor(
    private readonly lanes: Lanes,
    private readonly layout: Layout,
    /** How many vectors are computed at once. */
    private readonly vectors: number,
    private readonly perVector: number,
    /** Whether the function's second argument moves the addresses. */
    private readonly placed: boolean,
  ) {
    this.code = lanes.kernel.code;
    this.index = this.code.local(Type.I32);
  }

  /** Pushes the address of the next element of an operand, less its first address. */
  private push(slot: Slot): void {
    this.code.get(this.index);
    const shift = Math.log2(slotBytes[slot]);
    if (shift > 0) {
      this.code.i32(shift);
      this.code.op(Op.I32Shl);
    }
    if (this.placed) {
      this.code.get(1);
      this.code.op(Op.I32Add);
    }
  }

  /** The elements of an input. */
  load(j: number): Value {
    const { code, perVector } = this, slot = this.layout.slots[j], address = this.layout.addresses[j];
    const doubles = this.lanes.doubles;
    if (slot === "number") {
      const local = code.local(Type.V128);
      code.first(() => {
        code.i32(0);
        code.memory(doubles ? Simd.Load64Splat : Simd.Load32Splat, address);
        code.set(local);
      });
      return [local];
    }
    return Array.from({ length: this.vectors }, (_, k) => {
      this.push(slot);
      const offset = address + k * perVector * slotBytes[slot];
      if (slot === "byte") {
        code.memory(doubles ? Simd.Load16Splat : Simd.Load32Zero, offset);
        code.simd(Simd.Extend8To16);
        code.simd(Simd.Extend16To32);
        code.simd(doubles ? Simd.ConvertI32ToF64 : Simd.ConvertI32ToF32);
      } else if (doubles && slot === "float32") {
        code.memory(Simd.Load64Zero, offset);
        code.simd(Simd.Promote);
      } else code.memory(Simd.Load, offset);
      const local = code.local(Type.V128);
      code.set(local);
      return local;
    });
  }

  /** Stores the elements of an output; those of bytes are masks. */
  store(j: number, value: Value): void {
    const { code, perVector } = this, slot = this.layout.slots[j], address = this.layout.addresses[j];
    const doubles = this.lanes.doubles;
    for (let k = 0; k < this.vectors; k++) {
      const local = value.length === 1 ? value[0] : value[k];
      const offset = address + k * perVector * slotBytes[slot];
      this.push(slot);
      code.get(local);
      if (slot === "byte") {
        if (doubles) {
          code.get(local);
          code.sixteen(Simd.Shuffle, LOW_WORDS);
        }
        code.get(local);
        code.simd(Simd.Narrow32To16);
        code.get(local);
        code.simd(Simd.Narrow16To8);
        code.get(this.lanes.kernel.constant("ones", () => new Uint8Array(16).fill(1))[0]);
        code.simd(Simd.And);
        code.memory(doubles ? Simd.StoreLane16 : Simd.StoreLane32, offset, 0);
      } else if (doubles && slot === "float32") {
        code.simd(Simd.Demote);
        code.memory(Simd.StoreLane64, offset, 0);
      } else code.memory(Simd.Store, offset);
    }
  }

  /** Steps to the next elements. */
  next(): void {
    this.code.get(this.index);
    this.code.i32(this.vectors * this.perVector);
    this.code.op(Op.I32Add);
    this.code.set(this.index);
  }

  /** Goes on with the loop while there are elements. */
  again(): void {
    this.code.get(this.index);
    this.code.get(0);
    this.code.op(Op.I32LtS);
    this.code.again();
  }
}

const LOW_WORDS = [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11];
