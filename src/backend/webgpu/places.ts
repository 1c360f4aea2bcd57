/**
 * Reading and writing elements at places that tensors of indices name: the GPU's side of indexing.
 *
 * A selection has a shape of its own; where its elements lie in the memory that is selected from is a sum of steps along its
 * dimensions and of steps by indices. Kernels compute the places, so that indices never leave the GPU; an index that is out
 * of range is reported by the next read (`faults.ts`), and neither reads nor writes anything.
 *
 * Where several values go to one element, writing is in three passes. The first hangs each value's number into a chain of its
 * element's, the second sorts each chain, the third has an invocation for each element, which walks its chain: no two write to
 * the same place, every element type and every way to combine works alike, and sums are the same every time, because they are
 * made in the order of the values. (Chains are nearly in order when they are sorted, so that this is cheap; what is left of a
 * chain after very many steps stays as it is.) Where values replace each other the last one wins.
 * @module
 */
import type { DType, Scalar } from "../../tensor/dtype.ts";
import { wgslFunctions } from "../../expr/lower_wgsl.ts";
import type { Access } from "./commands.ts";
import { SCALAR_WORDS, scalarSource, wgslFlavor, wrapped, writeScalar } from "./convert.ts";
import { elementType } from "./elements.ts";
import { FAULT } from "./faults.ts";
import type { Gpu, KernelSource } from "./gpu.ts";
import { checkExtent, collapse, extent } from "./layout.ts";
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

const GROUP = 64;
/** Steps along a chain in one invocation: lavapipe ends all loops of one after 65,535, without a word. */
const STEPS = { software: 60000, hardware: 2 ** 20 };

function numel(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

const rowMajor = (shape: readonly number[]) => shape.map((_, d) => numel(shape.slice(d + 1)));

// ---- writing kernels ----------------------------------------------------------------------------------------------

/** Collects a kernel's parameters, and the names by which its code reads them. */
class Words {
  readonly values: number[] = [0];

  add(value: number): string {
    const k = this.values.push(value) - 1;
    return `P[${k >> 2}][${k & 3}]`;
  }
}

/** Collects a kernel's buffers. */
class Buffers {
  readonly blocks: Block[] = [];
  readonly types: string[] = [];
  readonly access: Access[] = [];

  add(block: Block, type: string, access: Access): string {
    this.types.push(type);
    this.access.push(access);
    return `b${this.blocks.push(block) - 1}`;
  }
}

/** Code that takes a number apart: `<name>0`, `<name>1`, ... are its digits, the last one runs fastest. */
function digitsOf(number: string, sizes: readonly string[], name: string): string {
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
function sumOf(offset: string, name: string, strides: readonly number[], words: Words): string {
  return [offset, ...strides.flatMap((s, d) => s === 0 ? [] : [`${name}${d} * ${words.add(s)}`])].join(" + ");
}

/** Code that finds `place` from the coordinates `k0`, `k1`, ...; `good` is false for an index that is out of range. */
function placeCode(
  gpu: Gpu,
  places: GpuPlaces,
  offset: number,
  words: Words,
  buffers: Buffers,
): string {
  const lines = [
    `var place = ${sumOf(words.add(offset), "k", places.strides, words)};`,
    "var good = true;",
  ];
  if (places.indices.length > 0) words.add(gpu.faults.code(places.caller));
  const code = words.values.length - 1;
  for (const index of places.indices) {
    const buffer = buffers.add(index.data, "i32", "read");
    const size = words.add(numel(index.digits.map((d) => d.size)));
    lines.push(
      "{",
      `let given = ${buffer}[${sumOf(words.add(index.offset), "k", index.strides, words)}];`,
      `let at = given${index.wrap ? ` + select(0, ${size}, given < 0)` : ""};`,
      `if (at < 0 || at >= ${size}) { good = false; fault(P[${code >> 2}][${code & 3}], given, ${size}); }`,
      digitsOf("at", index.digits.map((d) => words.add(d.size)), "n"),
      `place += ${sumOf("0", "n", index.digits.map((d) => d.step), words)};`,
      "}",
    );
  }
  return lines.join("\n");
}

/** Runs a kernel of `count` invocations whose code sees its number as `i`. */
function launch(
  gpu: Gpu,
  label: string,
  count: number,
  build: (words: Words, buffers: Buffers) => { readonly body: string; readonly key: string },
): void {
  if (count === 0) return;
  const words = new Words(), buffers = new Buffers();
  const n = words.add(count);
  const { body, key } = build(words, buffers);
  const faulty = body.includes("fault(");
  const kernel = gpu.kernel(`places ${label}`, key, () => source(label, n, body, words, buffers, faulty));
  const blocks = faulty ? [...buffers.blocks, gpu.faults.use()] : buffers.blocks;
  gpu.commands.dispatch(kernel, blocks, Int32Array.from(words.values), Math.ceil(count / GROUP));
}

function source(
  label: string,
  n: string,
  body: string,
  words: Words,
  buffers: Buffers,
  faulty: boolean,
): KernelSource {
  const half = buffers.types.includes("f16") ? "enable f16;\n" : "";
  const faults = faulty
    ? `@group(1) @binding(${buffers.blocks.length}) var<storage, read_write> faults: array<atomic<i32>>;\n${FAULT}`
    : "";
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
function keyOf(places: GpuPlaces, ...more: readonly unknown[]): string {
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
function simplified(places: GpuPlaces, ...more: (readonly number[])[]): [GpuPlaces, ...number[][]] {
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

function check(places: GpuPlaces, target: GpuTarget): void {
  let first = target.offset, last = target.offset;
  const reach = (size: number, step: number) => {
    if (step < 0) first += (size - 1) * step;
    else last += (size - 1) * step;
  };
  places.shape.forEach((size, d) => reach(size, places.strides[d]));
  for (const x of places.indices) {
    const [from, to] = extent(
      { data: x.data, dtype: "int32", offset: x.offset, strides: x.strides },
      places.shape,
    );
    checkExtent({ data: x.data, dtype: "int32", offset: from, strides: [1] }, [to - from + 1]);
    for (const { size, step } of x.digits) reach(Math.max(size, 1), step);
  }
  checkExtent({ ...target, offset: first, strides: [1] }, [last - first + 1]);
}

// ---- reading ------------------------------------------------------------------------------------------------------

/** Reads the selected elements, row-major, into `out`. */
export function pick(gpu: Gpu, from: GpuTarget, given: GpuPlaces, out: Block): void {
  const count = numel(given.shape);
  if (count === 0) return;
  check(given, from);
  const [places] = simplified(given), type = elementType(from.dtype);
  launch(gpu, "pick", count, (words, buffers) => {
    const target = buffers.add(out, type, "write"), data = buffers.add(from.data, type, "read");
    const sizes = places.shape.map((s) => words.add(s));
    const body = `${digitsOf("i", sizes, "k")}
${placeCode(gpu, places, from.offset, words, buffers)}
if (good) { ${target}[i] = ${data}[place]; } else { ${target}[i] = ${type}(); }`;
    return { body, key: keyOf(places, type) };
  });
}

// ---- writing ------------------------------------------------------------------------------------------------------

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

/** Writes one value at the selected places. */
export function fill(gpu: Gpu, to: GpuTarget, given: GpuPlaces, value: Scalar): void {
  const count = numel(given.shape);
  if (count === 0) return;
  check(given, to);
  const [places] = simplified(given), type = elementType(to.dtype);
  launch(gpu, "fill", count, (words, buffers) => {
    const scalar = new Int32Array(SCALAR_WORDS[wgslFlavor(to.dtype)]);
    writeScalar(scalar, 0, value, to.dtype);
    const names = [...scalar].map((word) => words.add(word));
    const target = buffers.add(to.data, type, "write");
    const sizes = places.shape.map((s) => words.add(s));
    const body = `${digitsOf("i", sizes, "k")}
${placeCode(gpu, places, to.offset, words, buffers)}
if (good) { ${target}[place] = ${type}(${scalarSource((k) => names[k], to.dtype)}); }`;
    return { body, key: keyOf(places, to.dtype) };
  });
}

/** Writes or combines values at the selected places. */
export function write(
  gpu: Gpu,
  to: GpuTarget,
  given: GpuPlaces,
  action: Combination,
  values: GpuValues,
): void {
  const count = numel(given.shape);
  if (count === 0) return;
  if (to.dtype === "int64" && (action === "add" || action === "mul")) {
    throw new TypeError(
      `${given.caller} cannot ${
        action === "add" ? "add" : "multiply"
      } int64 on the GPU, which carries it in 32 bits: ` +
        'convert to "int32" (or to a float dtype) first, or use device "cpu"',
    );
  }
  check(given, to);
  checkExtent(values, given.shape);
  const copies = new Map<Block, Block>();
  // a buffer cannot be read and written at once
  const apart = (block: Block): Block => {
    if (block !== to.data) return block;
    let copy = copies.get(block);
    if (copy === undefined) {
      copies.set(block, copy = gpu.memory.allocate(block.bytes));
      gpu.commands.copy(block, 0, copy, 0, block.bytes);
    }
    return copy;
  };
  const places = { ...given, indices: given.indices.map((x) => ({ ...x, data: apart(x.data) })) };
  const source = { ...values, data: apart(values.data) };
  const same = action === "put" && source.strides.every((s, d) => s === 0 || given.shape[d] === 1);
  if (given.distinct || same) writeApart(gpu, to, places, action, source);
  else writeChains(gpu, to, places, action, source);
  for (const copy of copies.values()) gpu.memory.release(copy);
}

/** No two values go to one element, or all values are the same. */
function writeApart(
  gpu: Gpu,
  to: GpuTarget,
  given: GpuPlaces,
  action: Combination,
  values: GpuValues,
): void {
  const [places, strides] = simplified(given, values.strides), type = elementType(to.dtype);
  launch(gpu, action, numel(given.shape), (words, buffers) => {
    const target = buffers.add(to.data, type, "write"), from = buffers.add(values.data, type, "read");
    const sizes = places.shape.map((s) => words.add(s));
    const body = `${digitsOf("i", sizes, "k")}
${placeCode(gpu, places, to.offset, words, buffers)}
if (good) {
let a = ${target}[place];
let b = ${from}[${sumOf(words.add(values.offset), "k", strides, words)}];
${target}[place] = ${combined(action, to.dtype)};
}`;
    return { body, key: keyOf(places, to.dtype, strides.map((s) => s === 0 ? 0 : 1).join("")) };
  });
}

/** The dimensions of a selection in which indices differ, and those in which whole parts lie; and the target's likewise. */
interface Split {
  /** Dimensions of the selection that indices depend on. */
  readonly chosen: readonly number[];
  /** The others. */
  readonly whole: readonly number[];
  /** Dimensions of the target that the former reach: sizes and steps. */
  readonly digits: readonly Digit[];
}

/** Everything that steps through the target in a way that depends on indices, as one numbering of its elements. */
function splitOf(places: GpuPlaces): Split {
  const chosen: number[] = [], whole: number[] = [];
  places.shape.forEach((_, d) => {
    const moves = places.strides[d] === 0 || places.indices.some((x) => x.strides[d] !== 0);
    (moves ? chosen : whole).push(d);
  });
  const digits = [
    ...chosen.filter((d) => places.strides[d] !== 0).map((d) => ({
      size: places.shape[d],
      step: places.strides[d],
    })),
    ...places.indices.flatMap((x) => x.digits),
  ];
  return { chosen, whole, digits };
}

function writeChains(
  gpu: Gpu,
  to: GpuTarget,
  given: GpuPlaces,
  action: Combination,
  values: GpuValues,
): void {
  const { chosen, whole, digits } = splitOf(given);
  const of = (list: readonly number[], dims: readonly number[]) => dims.map((d) => list[d]);
  const count = numel(of(given.shape, chosen));
  const elements = numel(digits.map((d) => d.size)), parts = numel(of(given.shape, whole));
  // In the numbering of the reached elements each step is that of a row-major tensor.
  const plain = rowMajor(digits.map((d) => d.size));
  let next = 0;
  const strides = chosen.map((d) => given.strides[d] === 0 ? 0 : plain[next++]);
  const indices = given.indices.map((x) => ({
    ...x,
    strides: of(x.strides, chosen),
    digits: x.digits.map((d) => ({ size: d.size, step: plain[next++] })),
  }));
  const outer: GpuPlaces = { ...given, shape: of(given.shape, chosen), strides, indices };

  const memory = (length: number) => gpu.memory.allocate(4 * length);
  let head = memory(elements);
  gpu.commands.clear(head, 0, 4 * elements);
  const links = action === "put" ? null : memory(count);
  hang(gpu, outer, head, links);
  const steps = gpu.info.software ? STEPS.software : STEPS.hardware;
  if (links !== null) sort(gpu, elements, head, links, steps);
  const rounds = links === null ? 1 : Math.ceil(count / steps);
  for (let round = 1; round <= rounds; round++) {
    // Several invocations read one chain's head: where it goes on is written elsewhere.
    const rest = round === rounds ? null : memory(elements);
    walk(gpu, to, values, action, {
      digits,
      elements,
      parts,
      chosen: { shape: of(given.shape, chosen), values: of(values.strides, chosen) },
      whole: {
        shape: of(given.shape, whole),
        target: of(given.strides, whole),
        values: of(values.strides, whole),
      },
      head,
      links,
      rest,
      steps,
    });
    gpu.memory.release(head);
    if (rest !== null) head = rest;
  }
  if (links !== null) gpu.memory.release(links);
}

/** First pass: value number i becomes the first link of its element's chain, or the last value wins. */
function hang(gpu: Gpu, given: GpuPlaces, head: Block, links: Block | null): void {
  const [places] = simplified(given);
  launch(gpu, "hang", numel(given.shape), (words, buffers) => {
    const first = buffers.add(head, "atomic<i32>", "write");
    const before = links === null ? null : buffers.add(links, "i32", "write");
    const sizes = places.shape.map((s) => words.add(s));
    const body = `${digitsOf("i", sizes, "k")}
${placeCode(gpu, places, 0, words, buffers)}
if (good) { ${
      before === null
        ? `atomicMax(&${first}[place], i + 1);`
        : `${before}[i] = atomicExchange(&${first}[place], i + 1);`
    } }`;
    return { body, key: keyOf(places, links === null) };
  });
}

/** Second pass: brings each chain into ascending order, inserting link by link from the front. */
function sort(gpu: Gpu, elements: number, head: Block, links: Block, steps: number): void {
  launch(gpu, "sort", elements, (words, buffers) => {
    const first = buffers.add(head, "i32", "write"), link = buffers.add(links, "i32", "write");
    const body = `var j = ${first}[i];
if (j == 0) { return; }
var sorted = 0;
var tail = j;
var left = ${words.add(steps)};
for (; j != 0 && left > 0; left--) {
  let next = ${link}[j - 1];
  if (sorted == 0 || j < sorted) {
    ${link}[j - 1] = sorted;
    sorted = j;
  } else {
    var p = sorted;
    var q = ${link}[p - 1];
    for (; q != 0 && q < j && left > 0; left--) {
      p = q;
      q = ${link}[p - 1];
    }
    ${link}[p - 1] = j;
    ${link}[j - 1] = q;
    if (q == 0) { tail = j; }
  }
  j = next;
}
${link}[tail - 1] = j;
${first}[i] = sorted;`;
    return { body, key: "" };
  });
}

/** What the third pass walks over. */
interface Chains {
  /** The numbering of the elements that have chains. */
  readonly digits: readonly Digit[];
  readonly elements: number;
  /** Elements of a whole part: all of them have the chain of their part. */
  readonly parts: number;
  readonly chosen: { readonly shape: readonly number[]; readonly values: readonly number[] };
  readonly whole: {
    readonly shape: readonly number[];
    readonly target: readonly number[];
    readonly values: readonly number[];
  };
  readonly head: Block;
  /** Null where the head alone is wanted: the last value. */
  readonly links: Block | null;
  /** Where the heads of what is left of long chains go. */
  readonly rest: Block | null;
  readonly steps: number;
}

/** Third pass: every element combines the values of its chain. */
function walk(gpu: Gpu, to: GpuTarget, values: GpuValues, action: Combination, chains: Chains): void {
  const { digits, elements, parts, whole, head, links, rest } = chains, type = elementType(to.dtype);
  const chosen = collapse([rowMajor(chains.chosen.shape), chains.chosen.values], chains.chosen.shape, 0);
  const inside = collapse([rowMajor(whole.shape), whole.target, whole.values], whole.shape, 0);
  launch(gpu, `walk ${action}`, elements * parts, (words, buffers) => {
    const target = buffers.add(to.data, type, "write"), from = buffers.add(values.data, type, "read");
    const first = buffers.add(head, "i32", "read");
    const link = links === null ? "" : buffers.add(links, "i32", "read");
    const later = rest === null ? "" : `${buffers.add(rest, "i32", "write")}[element] = j;`;
    const part = words.add(parts);
    const start = `let element = i / ${part};
var j = ${first}[element];
if (j == 0) { ${later} return; }
${digitsOf("element", digits.map((d) => words.add(d.size)), "e")}
let inside = i % ${part};
${digitsOf("inside", inside.sizes.map((s) => words.add(s)), "k")}
let place = ${sumOf(words.add(to.offset), "e", digits.map((d) => d.step), words)} + ${
      sumOf("0", "k", inside.strides[1], words)
    };
let origin = ${sumOf(words.add(values.offset), "k", inside.strides[2], words)};
`;
    const number = "let number = j - 1;\n" + digitsOf("number", chosen.sizes.map((s) => words.add(s)), "v");
    const value = `${number}\nlet b = ${from}[${sumOf("origin", "v", chosen.strides[1], words)}];`;
    const body = links === null
      ? `${start}${value}\n${target}[place] = b;`
      : `${start}var a = ${target}[place];
for (var left = ${words.add(chains.steps)}; j != 0 && left > 0; left--) {
${value}
a = ${combined(action, to.dtype)};
j = ${link}[j - 1];
}
${later}
${target}[place] = a;`;
    const zeros = [digits.map((d) => d.step), ...inside.strides, ...chosen.strides]
      .map((list) => list.map((s) => s === 0 ? 0 : 1).join(""));
    return { body, key: [to.dtype, rest === null, ...zeros].join("|") };
  });
}
