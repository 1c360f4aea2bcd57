/**
 * How kernels find the places that tensors of indices name: what a selection consists of, and WGSL for it. See `places.ts`.
 * @module
 */
import type { DType } from "../../tensor/dtype.ts";
import { wgslFunctions } from "../../expr/lower_wgsl.ts";
import type { Access, Kernel } from "./commands.ts";
import { wrapped } from "./convert.ts";
import { elementType } from "./elements.ts";
import { faultsAt, TOO_LARGE } from "./faults.ts";
import type { Gpu, KernelSource } from "./gpu.ts";
import { lost } from "./int64.ts";
import { numberOf } from "./launches.ts";
import { checkInside, collapse } from "./layout.ts";
import { type Memo, Row } from "./memo.ts";
import type { Block } from "./memory.ts";
import { header } from "./pointwise.ts";

/** One dimension of a tensor that is selected from: what a digit of an index counts in. */
export interface Digit {
  /** How many there are. */
  readonly size: number;
  /** Step in the memory that is selected from. */
  readonly step: number;
}

/** A tensor of indices, each the row-major number of an element of some dimensions (mostly one). */
export interface GpuIndex {
  /** The indices, 32-bit integers. */
  readonly data: Block;
  /** Index of the first one. */
  readonly offset: number;
  /** Steps along the dimensions of the selection. */
  readonly strides: readonly number[];
  /** The dimensions that an index numbers. */
  readonly digits: readonly Digit[];
  /** Whether negative indices count from the end. */
  readonly wrap: boolean;
}

/** Which elements of memory are meant. */
export interface GpuPlaces {
  /** Shape of the selection. */
  readonly shape: readonly number[];
  /** Steps along its dimensions in the memory that is selected from. */
  readonly strides: readonly number[];
  /** Steps that indices make. */
  readonly indices: readonly GpuIndex[];
  /** Whether no element is meant twice. */
  readonly distinct: boolean;
  /** Who asks, for complaints. */
  readonly caller: string;
}

/** Memory of one element type. */
export interface GpuTarget {
  /** The block. */
  readonly data: Block;
  /** Element type. */
  readonly dtype: DType;
  /** Index of the first element. */
  readonly offset: number;
}

/** Values in the shape of a selection. */
export interface GpuValues extends GpuTarget {
  /** Steps along the selection's dimensions. */
  readonly strides: readonly number[];
}

/** How a value is combined with what is there. */
export type Combination = "put" | "add" | "or" | "mul" | "max" | "min";

export const GROUP = 64;
/** Steps along a chain in one invocation: lavapipe ends all loops of one after 65,535, without a word. */
export const STEPS = { software: 60000, hardware: 2 ** 20 };

export function numel(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

export const rowMajor = (shape: readonly number[]) => shape.map((_, d) => numel(shape.slice(d + 1)));

// ---- writing kernels ----------------------------------------------------------------------------------------------

/** Collects a kernel's parameters, and the names by which its code reads them. */
export class Words {
  /** The parameters so far. */
  readonly values: number[] = [0];

  /** Which of them tell where operands begin. */
  readonly offsets: number[] = [];

  /** Adds one, and gives its name. */
  add(value: number): string {
    const k = this.values.push(value) - 1;
    return `P[${k >> 2}][${k & 3}]`;
  }

  /** Adds one that tells where an operand begins. */
  begin(offset: number): string {
    this.offsets.push(this.values.length);
    return this.add(offset);
  }
}

/** Collects a kernel's buffers. */
export class Buffers {
  /** Where they lie. */
  readonly blocks: Block[] = [];
  /** WGSL's names of their elements' types. */
  readonly types: string[] = [];
  /** How they are used. */
  readonly access: Access[] = [];

  /** Adds one, and gives its name. */
  add(block: Block, type: string, access: Access): string {
    this.types.push(type);
    this.access.push(access);
    return `b${this.blocks.push(block) - 1}`;
  }
}

/** Code that takes a number apart: `<name>0`, `<name>1`, ... are its digits, the last one runs fastest. */
export function digitsOf(number: string, sizes: readonly string[], name: string): string {
  const lines: string[] = [];
  let rest = number;
  for (let d = sizes.length - 1; d > 0; d--) {
    lines.push(`let ${name}${d} = ${rest} % ${sizes[d]};`, `let ${name}r${d} = ${rest} / ${sizes[d]};`);
    rest = `${name}r${d}`;
  }
  if (sizes.length > 0) lines.push(`let ${name}0 = ${rest};`);
  return lines.join("\n");
}

/** `offset + k0 * step0 + ...`, without the steps that are 0. */
export function sumOf(offset: string, name: string, strides: readonly number[], words: Words): string {
  return [offset, ...strides.flatMap((s, d) => s === 0 ? [] : [`${name}${d} * ${words.add(s)}`])].join(" + ");
}

/** Code that finds `place` from the coordinates `k0`, `k1`, ...; `good` is false for an index that is out of range. */
export function placeCode(
  gpu: Gpu,
  places: GpuPlaces,
  offset: number,
  words: Words,
  buffers: Buffers,
): string {
  const lines = [
    `var place = ${sumOf(words.begin(offset), "k", places.strides, words)};`,
    "var good = true;",
  ];
  if (places.indices.length > 0) words.add(gpu.faults.code(places.caller));
  const code = words.values.length - 1;
  for (const index of places.indices) {
    const buffer = buffers.add(index.data, "i32", "read");
    const size = words.add(numel(index.digits.map((d) => d.size)));
    lines.push(
      "{",
      `let given = ${buffer}[${sumOf(words.begin(index.offset), "k", index.strides, words)}];`,
      `let at = given${index.wrap ? ` + select(0, ${size}, given < 0)` : ""};`,
      `if (at < 0 || at >= ${size}) { good = false; fault(P[${code >> 2}][${code & 3}], given, ${size}); }`,
      digitsOf("at", index.digits.map((d) => words.add(d.size)), "n"),
      `place += ${sumOf("0", "n", index.digits.map((d) => d.step), words)};`,
      "}",
    );
  }
  return lines.join("\n");
}

/** A launch that is known but for its blocks, and where in them operands begin. */
interface Known {
  readonly kernel: Kernel;
  readonly parameters: Int32Array;
  readonly offsets: readonly number[];
  readonly faulty: boolean;
  readonly workgroups: number;
}

/** The launches of one device that come again, by what they depend on. */
export type KnownPlaces = Memo<Known>;

/** Launches that a device remembers. */
export const PLACES = 1024;

const row = new Row();

function addAll(values: readonly number[]): void {
  row.add(values.length);
  for (let i = 0; i < values.length; i++) row.add(values[i]);
}

/**
 * Runs a kernel at places, or finds how it ran before and runs it again: `kind` tells kernels apart. The blocks, and where in them
 * operands begin, are in the order in which `build` adds those of {@linkcode placeCode}'s places and what comes after.
 */
export function launchAt(
  gpu: Gpu,
  label: string,
  kind: number,
  places: GpuPlaces,
  target: GpuTarget,
  values: GpuValues | null,
  blocks: Block[],
  build: (words: Words, buffers: Buffers) => { readonly body: string; readonly key: string },
): void {
  const { shape, strides, indices, caller } = places;
  row.length = 0;
  row.add(kind);
  row.add(numberOf.get(target.dtype)!);
  row.add(gpu.faults.code(caller));
  addAll(shape);
  addAll(strides);
  row.add(indices.length);
  for (let k = 0; k < indices.length; k++) {
    const { strides, digits, wrap, data } = indices[k];
    row.add(wrap ? 1 : 0);
    addAll(strides);
    row.add(digits.length);
    for (let d = 0; d < digits.length; d++) {
      row.add(digits[d].size);
      row.add(digits[d].step);
    }
    blocks.push(data);
  }
  if (values !== null) addAll(values.strides);
  const known = gpu.places.find(row);
  if (known === undefined) {
    const launched = launch(gpu, label, numel(shape), build);
    if (launched !== null) gpu.places.set(row, launched);
    return;
  }
  const { kernel, parameters, offsets, faulty, workgroups } = known;
  let at = 0;
  parameters[offsets[at++]] = target.offset;
  for (let k = 0; k < indices.length; k++) parameters[offsets[at++]] = indices[k].offset;
  if (values !== null) parameters[offsets[at++]] = values.offset;
  if (faulty) blocks.push(gpu.faults.use());
  gpu.commands.dispatch(kernel, blocks, parameters, workgroups);
}

/** Runs a kernel of `count` invocations whose code sees its number as `i`. */
export function launch(
  gpu: Gpu,
  label: string,
  count: number,
  build: (words: Words, buffers: Buffers) => { readonly body: string; readonly key: string },
): Known | null {
  if (count === 0) return null;
  const words = new Words(), buffers = new Buffers();
  const n = words.add(count);
  const { body, key } = build(words, buffers);
  const faulty = body.includes("fault(");
  const kernel = gpu.kernel(`places ${label}`, key, () => source(label, n, body, words, buffers, faulty));
  const blocks = faulty ? [...buffers.blocks, gpu.faults.use()] : buffers.blocks;
  const parameters = Int32Array.from(words.values), workgroups = Math.ceil(count / GROUP);
  gpu.commands.dispatch(kernel, blocks, parameters, workgroups);
  return { kernel, parameters, offsets: words.offsets, faulty, workgroups };
}

export function source(
  label: string,
  n: string,
  body: string,
  words: Words,
  buffers: Buffers,
  faulty: boolean,
): KernelSource {
  const half = buffers.types.includes("f16") ? "enable f16;\n" : "";
  const faults = faulty ? faultsAt(buffers.blocks.length) : "";
  const access: Access[] = faulty ? [...buffers.access, "write"] : buffers.access;
  const code = `${half}${header(words.values.length, buffers.types, buffers.access)}
${faults}${wgslFunctions(body)}
@compute @workgroup_size(${GROUP})
fn main(
  @builtin(workgroup_id) w: vec3<u32>, @builtin(num_workgroups) g: vec3<u32>, @builtin(local_invocation_index) l: u32,
) {
let i = i32((w.y * g.x + w.x) * ${GROUP}u + l);
if (i >= ${n}) { return; }
${body}
}
`;
  return { label: `indexing (${label})`, code, access };
}

/** What of some places is written into a kernel's code, and not among its parameters. */
export function keyOf(places: GpuPlaces, ...more: readonly unknown[]): string {
  const zeros = (strides: readonly number[]) => strides.map((s) => s === 0 ? 0 : 1).join("");
  return [
    zeros(places.strides),
    ...places.indices.map((x) =>
      `${zeros(x.strides)} ${zeros(x.digits.map((d) => d.step))} ${x.digits.length}${x.wrap ? " wraps" : ""}`
    ),
    ...more,
  ].join("|");
}

// ---- the same with fewer dimensions ---------------------------------------------------------------------------------

/** Merges dimensions that all steps agree on; `more` are further steps along the selection's dimensions. */
export function simplified(places: GpuPlaces, ...more: (readonly number[])[]): [GpuPlaces, ...number[][]] {
  const { shape } = places;
  const nest = collapse(
    [rowMajor(shape), places.strides, ...places.indices.map((x) => x.strides), ...more],
    shape,
    0,
  );
  const [, strides, ...rest] = nest.strides as number[][];
  const indices = places.indices.map((x, k) => ({ ...x, strides: rest[k] }));
  return [{ ...places, shape: nest.sizes, strides, indices }, ...rest.slice(indices.length)];
}

/** Checks that all elements that may be meant, and the indices, lie in their blocks. */
export function check({ shape, strides, indices }: GpuPlaces, target: GpuTarget): void {
  let first = target.offset, last = target.offset;
  for (let d = 0; d < shape.length; d++) {
    const way = (shape[d] - 1) * strides[d];
    if (way < 0) first += way;
    else last += way;
  }
  for (let k = 0; k < indices.length; k++) {
    const x = indices[k];
    let from = x.offset, to = x.offset;
    for (let d = 0; d < shape.length; d++) {
      const way = (shape[d] - 1) * x.strides[d];
      if (way < 0) from += way;
      else to += way;
    }
    checkInside(x.data, "int32", from, to);
    for (let d = 0; d < x.digits.length; d++) {
      const { size, step } = x.digits[d], way = (Math.max(size, 1) - 1) * step;
      if (way < 0) first += way;
      else last += way;
    }
  }
  checkInside(target.data, target.dtype, first, last);
}

/** WGSL that changes `a` to what it is combined with a value `b`; what comes before the first such step, and after the last. */
export interface Combining {
  readonly before: string;
  readonly step: string;
  readonly after: string;
}

/**
 * How values are combined with what is there. Of int64, which has 32 bits here, it is counted what was lost, and told by the number of
 * the caller: a sum may leave the 32 bits and come back.
 */
export function combining(action: Combination, dtype: DType, caller: () => string): Combining {
  const result = combined(action, dtype);
  if (dtype !== "int64" || (action !== "add" && action !== "mul")) {
    return { before: "", step: `a = ${result};`, after: "" };
  }
  const more = lost[action];
  const count = action === "add"
    ? `lost += select(0, select(-1, 1, a >= 0), ${more});`
    : `lost = select(0, 1, b != 0 && (lost == 1 || ${more}));`;
  return {
    before: "var lost = 0;",
    step: `let r = ${result};\n${count}\na = r;`,
    after: `if (lost != 0) { fault(${caller()}, 0, ${TOO_LARGE}); }`,
  };
}

/** WGSL of a value (`b`) combined with what is there (`a`). */
function combined(action: Combination, dtype: DType): string {
  const type = elementType(dtype);
  const nan = type === "f32"
    ? "m_isnan(b)"
    : type === "f16"
    ? "m_isnan(f32(b))"
    : type === "f64"
    ? "!(b == b)"
    : "false";
  switch (action) {
    case "put":
      return "b";
    case "or":
      return "a | b";
    case "max":
      return `select(a, b, b > a || ${nan})`;
    case "min":
      return `select(a, b, b < a || ${nan})`;
    default: {
      const result = action === "add" ? "a + b" : "a * b";
      return type === "i32" ? wrapped(`(${result})`, dtype) : result;
    }
  }
}
