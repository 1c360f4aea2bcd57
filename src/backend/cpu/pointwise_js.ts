/**
 * Pointwise kernels of the CPU in JavaScript: a program becomes one loop nest over strided memory.
 *
 * A kernel is generated once for each program, arithmetic, element types and class of layout, and cached; sizes, strides and
 * offsets are its arguments. Each element is read before it is written, so an output may be the very memory of an input.
 * @module
 */
import { type DType, flavorOf, type Scalar, type TypedArray } from "../../tensor/dtype.ts";
import { type JsFlavor, lowerJs, specialFunctions } from "../../expr/lower_js.ts";
import type { Program } from "../../expr/program.ts";

/** Strided memory of one tensor, broadcast to the shape of the loop. */
export interface Operand {
  /** The array that the elements lie in. */
  readonly data: TypedArray;
  /** Element type; tells bool from uint8. */
  readonly dtype: DType;
  /** Index of the first element. */
  readonly offset: number;
  /** Steps in elements, one for each dimension of the shape; 0 where broadcast. */
  readonly strides: readonly number[];
}

/** How an operand moves along the innermost loop; part of what a kernel is specialised for. */
export const enum Step {
  /** Not at all: it is loaded once before the loop. */
  Fixed = 0,
  /** To the next element of the array. */
  Unit = 1,
  /** By a stride. */
  Strided = 2,
}

type Kernel = (
  inputs: readonly (Operand | Scalar)[],
  outputs: readonly Operand[],
  sizes: readonly number[],
  strides: readonly (readonly number[])[],
) => void;

/** A loop nest with as few dimensions as the layouts allow. */
export interface Nest {
  /** Numbers of iterations, the outermost loop's first. */
  readonly sizes: readonly number[];
  /** By operand (inputs, then outputs) and dimension; empty where all is contiguous, in one dimension. */
  readonly strides: readonly (readonly number[])[];
  /** By operand, in the innermost loop. */
  readonly steps: readonly Step[];
}

/**
 * Runs a program for every element of `shape`.
 *
 * Inputs are converted to `computeDtype`, as PyTorch converts operands to their common type; float arithmetic itself is done
 * in doubles and rounded when it is stored. Storing a float as an integer rounds towards zero and wraps; as a bool it tests for
 * not being 0. The output shapes must be `shape`, the inputs broadcast to it.
 *
 * @throws {TypeError} if the program has no meaning in this type, or an output overlaps itself.
 * @throws {RangeError} on integer division by zero.
 */
export function runPointwise(
  p: Program,
  inputs: readonly (Operand | Scalar)[],
  outputs: readonly Operand[],
  shape: readonly number[],
  computeDtype: DType,
): void {
  checkCounts(p, inputs, outputs);
  let numel = 1;
  for (const size of shape) numel *= size;
  if (numel > 0) runNest(p, inputs, outputs, computeDtype, nestOf(inputs, outputs, shape, numel));
}

/** Throws if a program has not as many inputs and outputs as it is given. */
export function checkCounts(p: Program, inputs: readonly unknown[], outputs: readonly unknown[]): void {
  if (inputs.length !== p.inputs.length || outputs.length !== p.outputs.length) {
    throw new TypeError(
      `program ${p.name} has ${p.inputs.length} inputs and ${p.outputs.length} outputs, ` +
        `got ${inputs.length} and ${outputs.length}`,
    );
  }
}

/** The loop nest over a shape of `numel` elements, which are at least one. */
export function nestOf(
  inputs: readonly (Operand | Scalar)[],
  outputs: readonly Operand[],
  shape: readonly number[],
  numel: number,
): Nest {
  return contiguousNest(inputs, outputs, shape, numel) ?? collapsedNest(inputs, outputs, shape);
}

/** Runs a program over a loop nest. */
export function runNest(
  p: Program,
  inputs: readonly (Operand | Scalar)[],
  outputs: readonly Operand[],
  computeDtype: DType,
  nest: Nest,
): void {
  kernelFor(p, inputs, outputs, computeDtype, nest)(inputs, outputs, nest.sizes, nest.strides);
}

/** Whether an operand is memory and not a plain value. */
export function isOperand(x: Operand | Scalar): x is Operand {
  return typeof x === "object";
}

// Layouts

const noStrides: readonly (readonly number[])[] = [];

/** The usual case: every operand is contiguous, or an input is one element for all; one loop does it. */
function contiguousNest(
  inputs: readonly (Operand | Scalar)[],
  outputs: readonly Operand[],
  shape: readonly number[],
  numel: number,
): Nest | null {
  const n = inputs.length, steps: Step[] = new Array(n + outputs.length), plain = outputs[0].strides;
  for (let i = 0; i < outputs.length; i++) {
    const { strides } = outputs[i];
    if (!(i > 0 && strides === plain) && !isContiguous(strides, shape)) return null;
    steps[n + i] = Step.Unit;
  }
  for (let j = 0; j < n; j++) {
    const x = inputs[j];
    if (!isOperand(x) || x.strides === plain || isContiguous(x.strides, shape)) steps[j] = Step.Unit;
    else if (isOneElement(x.strides)) steps[j] = Step.Fixed;
    else return null;
  }
  return { sizes: [numel], strides: noStrides, steps };
}

function isContiguous(strides: readonly number[], shape: readonly number[]): boolean {
  let expected = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    if (shape[d] === 1) continue;
    if (strides[d] !== expected) return false;
    expected *= shape[d];
  }
  return true;
}

function isOneElement(strides: readonly number[]): boolean {
  for (let d = 0; d < strides.length; d++) if (strides[d] !== 0) return false;
  return true;
}

/** Orders the dimensions by the memory of the first output, drops those of size 1, merges those that every operand steps evenly. */
function collapsedNest(
  inputs: readonly (Operand | Scalar)[],
  outputs: readonly Operand[],
  shape: readonly number[],
): Nest {
  const n = inputs.length, count = n + outputs.length;
  const all: (readonly number[] | null)[] = [];
  for (let j = 0; j < n; j++) {
    const x = inputs[j];
    all.push(isOperand(x) ? x.strides : null);
  }
  for (let i = 0; i < outputs.length; i++) all.push(outputs[i].strides);
  const order: number[] = [], major = outputs[0].strides;
  for (let d = 0; d < shape.length; d++) {
    if (shape[d] === 1) continue;
    for (let i = 0; i < outputs.length; i++) {
      if (outputs[i].strides[d] !== 0) continue;
      throw new TypeError(
        "unsupported operation: more than one element of the written-to tensor refers to a single memory location. " +
          "Please clone() the tensor before performing the operation.",
      );
    }
    let k = order.length; // dimensions are few, and mostly in order
    for (; k > 0 && Math.abs(major[order[k - 1]]) < Math.abs(major[d]); k--) order[k] = order[k - 1];
    order[k] = d;
  }

  const sizes: number[] = [], strides: number[][] = [];
  for (let j = 0; j < count; j++) strides.push([]);
  for (let k = 0; k < order.length; k++) {
    const d = order[k], last = sizes.length - 1;
    let merges = last >= 0;
    for (let j = 0; j < count && merges; j++) {
      const s = all[j];
      merges = s === null || strides[j][last] === s[d] * shape[d];
    }
    if (merges) sizes[last] *= shape[d];
    else sizes.push(shape[d]);
    const at = sizes.length - 1;
    for (let j = 0; j < count; j++) {
      const s = all[j];
      strides[j][at] = s === null ? 0 : s[d];
    }
  }
  const inner = sizes.length - 1, steps: Step[] = [];
  for (let j = 0; j < count; j++) {
    const step = inner < 0 ? 1 : strides[j][inner];
    steps.push(step === 0 ? Step.Fixed : step === 1 ? Step.Unit : Step.Strided);
  }
  return { sizes, strides, steps };
}

// Cache

/** What a kernel is specialised for. */
interface Kind {
  readonly computeDtype: DType;
  readonly dims: number;
  /** Of the operands, inputs first: element types, or JavaScript's for plain values. */
  readonly types: readonly string[];
  readonly steps: readonly Step[];
  readonly kernel: Kernel;
}

/** Kernels by program, those that are asked for often in front. */
const kernels = new Map<string, Kind[]>();

function typeOf(x: Operand | Scalar): string {
  return isOperand(x) ? x.dtype : typeof x;
}

function kernelFor(
  p: Program,
  inputs: readonly (Operand | Scalar)[],
  outputs: readonly Operand[],
  computeDtype: DType,
  nest: Nest,
): Kernel {
  let kinds = kernels.get(p.key);
  if (kinds === undefined) kernels.set(p.key, kinds = []);
  for (let k = 0; k < kinds.length; k++) {
    const kind = kinds[k];
    if (!isKind(kind, inputs, outputs, computeDtype, nest)) continue;
    if (k > 0) {
      kinds[k] = kinds[k - 1];
      kinds[k - 1] = kind;
    }
    return kind.kernel;
  }
  const kernel = compile(p, inputs, outputs, computeDtype, nest);
  const types = [...inputs, ...outputs].map(typeOf);
  kinds.push({ computeDtype, dims: nest.sizes.length, types, steps: nest.steps, kernel });
  return kernel;
}

function isKind(
  kind: Kind,
  inputs: readonly (Operand | Scalar)[],
  outputs: readonly Operand[],
  computeDtype: DType,
  nest: Nest,
): boolean {
  if (kind.computeDtype !== computeDtype || kind.dims !== nest.sizes.length) return false;
  const n = inputs.length, { types, steps } = kind;
  for (let j = 0; j < n; j++) if (steps[j] !== nest.steps[j] || types[j] !== typeOf(inputs[j])) return false;
  for (let i = 0; i < outputs.length; i++) {
    if (steps[n + i] !== nest.steps[n + i] || types[n + i] !== outputs[i].dtype) return false;
  }
  return true;
}

// Code generation

/**
 * Writes the loop nest. Operand j is the array `a<j>`; `p<j>_<d>` is its position in loop d, which runs over `k<d>`; input j
 * as a number is `x<j>`.
 */
function compile(
  p: Program,
  inputs: readonly (Operand | Scalar)[],
  outputs: readonly Operand[],
  computeDtype: DType,
  { sizes, steps }: Nest,
): Kernel {
  const flavor = flavorOf(computeDtype);
  const body = lowerJs(
    p,
    flavor,
    flavor === "int" && computeDtype !== "int32" ? rounded[computeDtype] : undefined,
  );
  const inner = sizes.length - 1;
  const before: string[] = [], hoisted: string[] = [], loads: string[] = [], stores: string[] = [];
  const arrays: number[] = [];

  const element = (j: number) => `a${j}[p${j}_${inner}${steps[j] === Step.Unit ? ` + k${inner}` : ""}]`;
  const declare = (j: number, source: string) => {
    arrays.push(j);
    before.push(`const a${j} = ${source}.data; let p${j}_0 = ${source}.offset;`);
  };
  inputs.forEach((x, j) => {
    if (!isOperand(x)) {
      const from = typeof x === "bigint" ? "int64" : "float64";
      const value = typeof x === "bigint" ? `inputs[${j}]` : `Number(inputs[${j}])`;
      before.push(`const x${j} = ${converted(value, from, computeDtype)};`);
      return;
    }
    declare(j, `inputs[${j}]`);
    const load = `const x${j} = ${converted(element(j), x.dtype, computeDtype)};`;
    (steps[j] === Step.Fixed ? hoisted : loads).push(load);
  });
  outputs.forEach((x, i) => {
    const j = inputs.length + i;
    declare(j, `outputs[${i}]`);
    const value = x.dtype === "bool" ? `+${body.truths[i]}` : stored(body.results[i], flavor, x.dtype);
    stores.push(`const r${i} = ${value};`);
  });
  outputs.forEach((_, i) => stores.push(`${element(inputs.length + i)} = r${i};`));

  let code = [...hoisted, loop(inner, [...loads, body.statements, ...stores])].join("\n");
  for (let d = inner - 1; d >= 0; d--) {
    code = loop(d, [...arrays.map((j) => `let p${j}_${d + 1} = p${j}_${d};`), code]);
  }
  sizes.forEach((_, d) => {
    before.push(`const n${d} = sizes[${d}];`);
    for (const j of arrays) if (moves(j, d)) before.push(`const s${j}_${d} = strides[${j}][${d}];`);
  });

  /** Whether an operand's position is stepped at the end of an iteration of loop d. */
  function moves(j: number, d: number): boolean {
    return d < inner || steps[j] === Step.Strided;
  }
  function loop(d: number, lines: readonly string[]): string {
    const steps = arrays.filter((j) => moves(j, d)).map((j) => `p${j}_${d} += s${j}_${d};`);
    return `for (let k${d} = 0; k${d} < n${d}; k${d}++) {\n${[...lines, ...steps].join("\n")}\n}`;
  }

  const source = `"use strict"; return (inputs, outputs, sizes, strides) => {\n${
    before.join("\n")
  }\n${code}\n};`;
  return new Function("special", source)(specialFunctions) as Kernel;
}

/** Types whose every value is also one of the key's: no conversion is needed. */
const widened: Readonly<Partial<Record<DType, readonly DType[]>>> = {
  float64: ["float32", "float16", "int32", "int16", "int8", "uint8", "bool"],
  float32: ["float16", "int16", "int8", "uint8", "bool"],
  float16: ["int8", "uint8", "bool"],
  int32: ["int16", "int8", "uint8", "bool"],
  int16: ["int8", "uint8", "bool"],
  int8: ["bool"],
  uint8: ["bool"],
};

/** How a number is rounded or wrapped to an element type. */
const rounded: Readonly<Partial<Record<DType, (value: string) => string>>> = {
  float32: (v) => `Math.fround(${v})`,
  float16: (v) => `Math.f16round(${v})`,
  int32: (v) => `(${v} | 0)`,
  int16: (v) => `(${v} << 16 >> 16)`,
  int8: (v) => `(${v} << 24 >> 24)`,
  uint8: (v) => `(${v} & 255)`,
  bool: (v) => `(${v} !== 0 ? 1 : 0)`,
};

/** JavaScript that converts an element from its own type to the type that is computed in. */
function converted(value: string, from: DType, to: DType): string {
  if (from === to) return value;
  const flavor = flavorOf(to);
  if (flavor === "bigint") {
    return flavorOf(from) === "float" ? `special.toInt64(${value})` : `BigInt(${value})`;
  }
  if (widened[to]?.includes(from)) return value;
  const number = from !== "int64"
    ? value
    : flavor === "float"
    ? `Number(${value})`
    : to === "bool"
    ? `Number(${value} !== 0n)`
    : `Number(BigInt.asIntN(32, ${value}))`;
  return rounded[to]?.(number) ?? number;
}

/** JavaScript for what is stored in an array of numbers or BigInts; the array itself wraps and rounds. */
function stored(result: string, flavor: JsFlavor, to: DType): string {
  if (to === "int64") {
    return flavor === "bigint"
      ? result
      : flavor === "int"
      ? `BigInt(${result})`
      : `special.toInt64(${result})`;
  }
  if (flavor !== "bigint") return result;
  return flavorOf(to) === "float" ? `Number(${result})` : `Number(BigInt.asIntN(32, ${result}))`;
}
