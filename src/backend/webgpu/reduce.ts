/**
 * Reductions of the GPU: sums, products, extremes and their places, over the middle of three dimensions.
 *
 * In two stages where there are few results: parts of each row first, then the parts. Two kernels: in `serial` an
 * invocation folds every so-many-th element, so that neighbours read neighbours; in `tree` a workgroup shares a part and joins
 * its invocations' results in its memory. Hardware takes the tree for rows that lie in memory order; software adapters
 * always fold serially, where barriers cost more than loops do. No loop exceeds {@linkcode LONGEST}: lavapipe ends all loops of an
 * invocation after 65,535 iterations, silently.
 *
 * Floats are added in blocks, so that the rounding errors of long sums do not pile up. NaN: an extreme is NaN if there is
 * one, and its place is that of the first.
 * @module
 */
import { wgslFunctions } from "../../expr/lower_wgsl.ts";
import { program } from "../../expr/program.ts";
import type { DType, Scalar } from "../../tensor/dtype.ts";
import type { Access } from "./commands.ts";
import { loaded, stored, wgslFlavor } from "./convert.ts";
import { checkElements, elementType } from "./elements.ts";
import type { Gpu, KernelSource } from "./gpu.ts";
import { checkExtent, type GpuOperand } from "./layout.ts";
import type { Block } from "./memory.ts";
import { bytesOf, header, runPointwise } from "./pointwise.ts";

/** What can be computed. */
export type Reduction = "sum" | "prod" | "max" | "min" | "argmax" | "argmin";

/** Choices that are otherwise made by adapter. */
export interface ReduceOptions {
  /** Which kernel to use. */
  readonly kernel?: "serial" | "tree";
}

/** Elements that one invocation folds at most. */
const LONGEST = 4096;
/** Invocations in a workgroup. */
const GROUP = 64;
/** Elements that are added up before they are added to the rest. */
const BLOCK = 128;

/**
 * Reduces `input` of shape [outer, n, inner] to `output` of shape [outer, inner], with any strides of the input.
 *
 * float16 and float32 are computed in float32, float64 in float64, integers and bool in int32, wrapping. Places are int32.
 *
 * @throws {RangeError} for an extreme of nothing; the sum of nothing is 0, the product 1.
 */
export function runReduce(
  gpu: Gpu,
  reduction: Reduction,
  input: GpuOperand,
  shape: readonly [outer: number, n: number, inner: number],
  output: GpuOperand,
  options: ReduceOptions = {},
): void {
  const [outer, n, inner] = shape, results = outer * inner, place = reduction.startsWith("arg");
  checkElements(gpu, input.dtype);
  checkElements(gpu, output.dtype);
  if (results === 0) return;
  const outputStrides = output.strides;
  checkExtent(output, [outer, inner]);
  if ((inner > 1 && outputStrides[1] !== 1) || (outer > 1 && outputStrides[0] !== inner)) {
    throw new TypeError(
      `the output of ${reduction} must be contiguous, its strides are [${outputStrides.join(", ")}]`,
    );
  }
  if (n === 0) {
    if (reduction === "sum" || reduction === "prod") {
      fill(gpu, output, [outer, inner], reduction === "sum" ? 0 : 1);
      return;
    }
    throw new RangeError(`${reduction}(): Expected reduction dim 1 to have non-zero size.`);
  }
  checkExtent(input, shape);
  if (place && wgslFlavor(output.dtype) !== "int") {
    throw new TypeError(`${reduction} gives places: the output must be int32, got ${output.dtype}`);
  }

  const tree = (options.kernel ?? (gpu.info.software || inner >= 32 ? "serial" : "tree")) === "tree";
  const compute = computeType(input.dtype);
  const spare: Block[] = [];
  let values = input, places: Block | null = null, length = n;
  while (true) {
    const parts = partsOf(length, results, tree, gpu.info.software);
    const last = parts === 1;
    const temporary = (dtype: DType): Block => {
      const block = gpu.memory.allocate(bytesOf(dtype, results * parts));
      spare.push(block);
      return block;
    };
    const out: GpuOperand = last
      ? output
      : { data: temporary(compute), dtype: compute, offset: 0, strides: [] };
    const outPlaces = place && !last ? temporary("int32") : null;
    stage(gpu, {
      reduction,
      tree,
      values,
      places,
      out,
      outPlaces,
      outer,
      n: length,
      inner,
      parts,
      last,
      compute,
    });
    if (last) break;
    values = { ...out, strides: [parts * inner, inner, 1] };
    places = outPlaces;
    length = parts;
  }
  for (const block of spare) gpu.memory.release(block);
}

/** The type in which elements are folded. */
function computeType(dtype: DType): DType {
  const flavor = wgslFlavor(dtype);
  return flavor === "float" ? "float32" : flavor === "double" ? "float64" : "int32";
}

/** How many parts a row is cut into. */
function partsOf(n: number, results: number, tree: boolean, software: boolean): number {
  const workers = tree ? GROUP : 1;
  // enough invocations to fill the machine, but none without a block of work
  const wanted = Math.ceil((software ? 256 : 32768) / (results * workers));
  const useful = Math.floor(n / ((tree ? 4 : BLOCK) * workers));
  return Math.max(Math.min(wanted, useful), Math.ceil(n / (LONGEST * workers)), 1);
}

interface Stage {
  readonly reduction: Reduction;
  readonly tree: boolean;
  readonly values: GpuOperand;
  /** Where the values of an earlier stage came from. */
  readonly places: Block | null;
  readonly out: GpuOperand;
  readonly outPlaces: Block | null;
  readonly outer: number;
  readonly n: number;
  readonly inner: number;
  readonly parts: number;
  readonly last: boolean;
  readonly compute: DType;
}

function stage(gpu: Gpu, s: Stage): void {
  const { values, out, parts, inner, n } = s;
  const total = s.outer * parts * inner;
  const key = `${values.dtype} ${out.dtype} ${s.tree} ${s.places !== null} ${s.outPlaces !== null}`;
  const kernel = gpu.kernel(s.reduction, key, () => generate(s));
  const [strideOuter, strideN, strideInner] = values.strides;
  const blocks = [values.data, out.data, s.places, s.outPlaces].filter((b) => b !== null);
  const parameters = Int32Array.of(
    0,
    total,
    n,
    parts,
    inner,
    Math.ceil(n / parts),
    values.offset,
    strideOuter,
    strideN,
    strideInner,
    out.offset,
  );
  gpu.commands.dispatch(kernel, blocks, parameters, s.tree ? total : Math.ceil(total / GROUP));
}

/** Code of a fold in WGSL: `best` and `at` are the state, `v` and `k` an element and its place. */
interface FoldCode {
  readonly first: string;
  readonly step: string;
}

function foldCode(reduction: Reduction, compute: DType): FoldCode {
  const flavor = wgslFlavor(compute);
  const nan = (v: string) =>
    flavor === "float" ? `m_isnan(${v})` : flavor === "double" ? `!(${v} == ${v})` : "false";
  const zero = { float: "0.0", double: "0.0lf", int: "0" }[flavor],
    one = { float: "1.0", double: "1.0lf", int: "1" }[flavor];
  if (reduction === "sum") return { first: zero, step: "best = best + v;" };
  if (reduction === "prod") return { first: one, step: "best = best * v;" };
  const sign = reduction.endsWith("max") ? ">" : "<", worst = reduction.endsWith("max") ? "-" : "";
  const first = {
    float: `${worst}m_inf()`,
    double: `m_double_quotient(${worst}1.0, 0.0)`,
    int: worst === "-" ? "(-2147483647 - 1)" : "2147483647",
  }[flavor];
  if (!reduction.startsWith("arg")) {
    return { first, step: `if (v ${sign} best || ${nan("v")}) { best = v; }` };
  }
  const better = `(at < 0 || select(!${nan("best")} && (v ${sign} best || (v == best && k < at)), ` +
    `!${nan("best")} || k < at, ${nan("v")}))`;
  return { first, step: `if (k >= 0 && ${better}) { best = v; at = k; }` };
}

function generate({ reduction, tree, values, places, out, outPlaces, last, compute }: Stage): KernelSource {
  const place = reduction.startsWith("arg"), type = elementType(compute);
  const types = [elementType(values.dtype), elementType(out.dtype)] as string[];
  const access: Access[] = ["read", "write"];
  const bind = (block: Block | null, a: Access): string => {
    if (block === null) return "";
    access.push(a);
    return `b${types.push("i32") - 1}`;
  };
  const from = bind(places, "read"), to = bind(outPlaces, "write");
  const { first, step } = foldCode(reduction, compute);
  const truth = { float: "m_truth(best)", double: "!(best == 0.0lf)", int: "best != 0" }[wgslFlavor(compute)];
  const result = place && last ? "at" : stored("best", truth, compute, out.dtype);
  const fold = (v: string, k: string) => `{ let v = ${v}; let k = ${k}; ${step} }`;
  const element = loaded("b0[p]", values.dtype, compute);

  const body = `
let i = t % P[1].x;
let part = (t / P[1].x) % P[0].w;
let o = t / (P[1].x * P[0].w);
let base = P[1].z + o * P[1].w + i * P[2].y;
var whole: ${type} = ${first};
var wholeAt = -1;
var e = ${tree ? "part * P[1].y + i32(l)" : "part"};
let end = ${tree ? "min(P[0].z, (part + 1) * P[1].y)" : "P[0].z"};
let by = ${tree ? GROUP : "P[0].w"};
while (e < end) {
  var best: ${type} = ${first};
  var at = -1;
  for (var m = 0; m < ${BLOCK} && e < end; m++) {
    let p = base + e * P[2].x;
    ${fold(element, from === "" ? "e" : `${from}[p]`)}
    e += by;
  }
  {
    let v = best;
    let k = at;
    { var best = whole; var at = wholeAt; ${step} whole = best; wholeAt = at; }
  }
}
var best = whole;
var at = wholeAt;`;
  const join = `
joined[l] = best;
${place ? "joinedAt[l] = at;" : ""}
for (var half = ${GROUP / 2}u; half > 0u; half = half / 2u) {
  workgroupBarrier();
  if (l < half) {
    ${fold("joined[l + half]", place ? "joinedAt[l + half]" : "0")}
    joined[l] = best;
    ${place ? "joinedAt[l] = at;" : ""}
  }
}
if (l > 0u) { return; }`;
  const main = `${body}${tree ? join : ""}
b1[P[2].z + t] = ${result};
${to === "" ? "" : `${to}[t] = at;`}`;
  const code = `${types.includes("f16") || main.includes("f16(") ? "enable f16;\n" : ""}${
    header(11, types, access)
  }
${wgslFunctions(main)}
${tree ? `var<workgroup> joined: array<${type}, ${GROUP}>;` : ""}
${tree && place ? `var<workgroup> joinedAt: array<i32, ${GROUP}>;` : ""}
@compute @workgroup_size(${GROUP})
fn main(
  @builtin(workgroup_id) w: vec3<u32>, @builtin(num_workgroups) g: vec3<u32>, @builtin(local_invocation_index) l: u32,
) {
let t = i32(w.y * g.x + w.x)${tree ? "" : ` * ${GROUP} + i32(l)`};
if (t >= P[0].y) { return; }
${main}
}
`;
  return { label: reduction, code, access };
}

const constant = program(["a"], "a", { name: "fill" });

/** Sets every element of an operand to a number. */
export function fill(gpu: Gpu, output: GpuOperand, shape: readonly number[], value: Scalar): void {
  runPointwise(gpu, constant, [value], [output], shape, output.dtype);
}
