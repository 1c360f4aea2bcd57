/**
 * Sorting on the GPU: short runs by insertion, an invocation a run, then runs are merged two by two. An invocation writes a few
 * elements of a merged run; where they come from it finds by bisection. The order is stable, and no length is special.
 *
 * Keys are integers that are in order where elements are, NaN last, and of float64 the elements themselves.
 * @module
 */
import { Fold } from "../../expr/fold.ts";
import type { DType } from "../../tensor/dtype.ts";
import type { Choice, Lines } from "../sort.ts";
import type { Access } from "./commands.ts";
import { checkElements, elementType } from "./elements.ts";
import { GROUP, moduleOf } from "./fold_source.ts";
import { runFold } from "./folds.ts";
import type { Gpu, KernelSource } from "./gpu.ts";
import type { Block } from "./memory.ts";
import { allocateGpu, type GpuMemory } from "./tensors.ts";

/** Elements that an invocation sorts, and that it merges. */
const RUN = 16;

/** Words of parameters: zero, invocations, elements of a line, pieces of a line, width of a run or choice, offset. */
const WORDS = 8, N = "P[0].z", PIECES = "P[0].w", WIDTH = "P[1].x", OFFSET = "P[1].y";

/** What kernels are generated for. */
interface Kind {
  readonly dtype: DType;
  readonly descending: boolean;
  /** Element types of memory and of keys. */
  readonly element: string;
  readonly key: "i32" | "f64";
}

/** Keys and the places that they came from, in order. */
interface Sorted {
  readonly keys: Block;
  readonly places: Block;
}

/** Takes elements of every line; see the facade. */
export function runChoice(
  lines: Lines<GpuMemory>,
  choice: Choice,
  m: number,
  values: GpuMemory,
  places: GpuMemory | null,
): void {
  const { gpu, block } = lines.data, kind = kindOf(gpu, lines), total = lines.lines * m;
  const sorted = sort(gpu, lines, kind);
  const at = choice === "mode" ? mostFrequent(gpu, lines, kind, sorted) : null;
  const name = typeof choice === "number" ? "kth" : choice, number = typeof choice === "number" ? choice : 0;
  const blocks = [block, sorted.keys, sorted.places];
  if (at !== null) blocks.push(at.block);
  blocks.push(values.block);
  if (places !== null) blocks.push(places.block);
  const key = `${name} ${places !== null}`;
  launch(gpu, lines, kind, key, () => takeSource(kind, name, places !== null), blocks, total, m, number);
  gpu.memory.release(sorted.keys);
  gpu.memory.release(sorted.places);
  if (at !== null) gpu.memory.release(at.block);
}

/** The middle one of the elements of one line; see the facade. */
export function runMedian(lines: Lines<GpuMemory>, choice: "median" | "nanmedian", out: GpuMemory): void {
  runChoice(lines, choice, 1, out, null);
}

function kindOf(gpu: Gpu, { dtype, descending }: Lines<GpuMemory>): Kind {
  checkElements(gpu, dtype);
  const element = elementType(dtype);
  return { dtype, descending, element, key: element === "f64" ? "f64" : "i32" };
}

function launch(
  gpu: Gpu,
  { n, offset }: Lines<GpuMemory>,
  kind: Kind,
  key: string,
  write: () => KernelSource,
  blocks: readonly Block[],
  total: number,
  pieces: number,
  width: number,
): void {
  const kernel = gpu.kernel("sort", `${key} ${kind.element} ${kind.descending}`, write);
  const parameters = Int32Array.of(0, total, n, pieces, width, offset, 0, 0);
  gpu.commands.dispatch(kernel, blocks, parameters, Math.ceil(total / GROUP));
}

function sort(gpu: Gpu, lines: Lines<GpuMemory>, kind: Kind): Sorted {
  const { n } = lines, numel = lines.lines * n, pieces = Math.ceil(n / RUN), total = lines.lines * pieces;
  const allocate = (): Sorted => ({
    keys: gpu.memory.allocate(numel * (kind.key === "f64" ? 8 : 4)),
    places: gpu.memory.allocate(numel * 4),
  });
  let from = allocate(), to: Sorted | null = null;
  launch(
    gpu,
    lines,
    kind,
    "runs",
    () => runsSource(kind),
    [lines.data.block, from.keys, from.places],
    total,
    pieces,
    RUN,
  );
  for (let width = RUN; width < n; width *= 2) {
    to ??= allocate();
    const blocks = [from.keys, from.places, to.keys, to.places];
    launch(gpu, lines, kind, "merge", () => mergeSource(kind), blocks, total, pieces, width);
    [from, to] = [to, from];
  }
  if (to !== null) {
    gpu.memory.release(to.keys);
    gpu.memory.release(to.places);
  }
  return from;
}

const longestRun = new Fold("mode", [{
  state: { most: "0", at: "-1" },
  step: { most: "where(v > most, v, most)", at: "where(v > most, i, at)" },
  merge: {
    most: "where(most_ > most || (most_ == most && at_ < at), most_, most)",
    at: "where(most_ > most || (most_ == most && at_ < at), at_, at)",
  },
  whole: ["at"],
}], ["at"]);

/** For each line the place in its order where the longest run of equals ends. */
function mostFrequent(gpu: Gpu, lines: Lines<GpuMemory>, kind: Kind, { keys }: Sorted): GpuMemory {
  const { n } = lines, numel = lines.lines * n;
  const runs = allocateGpu(gpu, "int32", numel), at = allocateGpu(gpu, "int32", lines.lines);
  launch(gpu, lines, kind, "equals", () => equalsSource(kind), [keys, runs.block], numel, n, 0);
  const input = {
    data: runs,
    offset: 0,
    kept: [lines.lines],
    keptStrides: [n],
    folded: [n],
    foldedStrides: [1],
  };
  runFold(longestRun, input, "int32", [at]);
  gpu.memory.release(runs.block);
  return at;
}

// ---- code -----------------------------------------------------------------------------------------------------------

function source(
  label: string,
  buffers: readonly (readonly [type: string, how: Access])[],
  declarations: string,
  body: string,
): KernelSource {
  const types = buffers.map(([type]) => type), access = buffers.map(([, how]) => how);
  return moduleOf(label, WORDS, types, access, declarations, body, false);
}

/** WGSL of a key of element `v`. */
function keyCode({ element, descending }: Kind): string {
  if (element === "f64") return "let key = v;";
  const turned = descending ? "~" : "";
  if (element === "i32") return `let key = ${turned}v;`;
  // the bits of a float as an integer grow with its magnitude; -0 equals 0
  return `let bits = bitcast<i32>(f32(v));
let positive = select(bits, 0, (bits & 0x7fffffff) == 0);
let ordered = select(positive, positive ^ 0x7fffffff, positive < 0);
let key = ${turned}select(ordered, 0x7fffffff, (bits & 0x7fffffff) > 0x7f800000);`;
}

/** Whether a key `a` comes before `b`, as a function. */
function before({ key, descending }: Kind): string {
  const nan = (v: string) => `!(${v} == ${v})`;
  const body = key === "i32"
    ? "a < b"
    : descending
    ? `a > b || (${nan("a")} && !${nan("b")})`
    : `a < b || (${nan("b")} && !${nan("a")})`;
  return `fn before(a: ${key}, b: ${key}) -> bool { return ${body}; }`;
}

/** Whether a key is that of a NaN. */
function isNan({ key, element, descending }: Kind): string {
  const body = key === "f64"
    ? "!(a == a)"
    : element === "i32"
    ? "false"
    : `a == ${descending ? "(-2147483647 - 1)" : "0x7fffffff"}`;
  return `fn is_nan(a: ${key}) -> bool { return ${body}; }`;
}

/** Sorts runs. */
function runsSource(kind: Kind): KernelSource {
  const body = `let line = (t / ${PIECES}) * ${N};
let start = (t % ${PIECES}) * ${RUN};
let count = min(${RUN}, ${N} - start);
var keys: array<${kind.key}, ${RUN}>;
var places: array<i32, ${RUN}>;
for (var i = 0; i < count; i++) {
  let v = b0[${OFFSET} + line + start + i];
  ${keyCode(kind)}
  var j = i;
  while (j > 0) {
    if (!before(key, keys[j - 1])) { break; }
    keys[j] = keys[j - 1];
    places[j] = places[j - 1];
    j--;
  }
  keys[j] = key;
  places[j] = start + i;
}
for (var i = 0; i < count; i++) {
  b1[line + start + i] = keys[i];
  b2[line + start + i] = places[i];
}`;
  const buffers = [[kind.element, "read"], [kind.key, "write"], ["i32", "write"]] as const;
  return source("sort: runs", buffers, before(kind), body);
}

/** Merges runs two by two. */
function mergeSource(kind: Kind): KernelSource {
  const body = `let line = (t / ${PIECES}) * ${N};
let out = (t % ${PIECES}) * ${RUN};
let first = line + (out / (2 * ${WIDTH})) * 2 * ${WIDTH};
let second = min(first + ${WIDTH}, line + ${N});
let end = min(second + ${WIDTH}, line + ${N});
let skipped = line + out - first;
// how many of the elements that are skipped come from the first run
var low = max(0, skipped - (end - second));
var high = min(skipped, second - first);
while (low < high) {
  let middle = (low + high) / 2;
  if (before(b0[second + skipped - middle - 1], b0[first + middle])) { high = middle; } else { low = middle + 1; }
}
var a = first + low;
var b = second + skipped - low;
let stop = min(line + out + ${RUN}, end);
for (var w = line + out; w < stop; w++) {
  var left = a < second;
  if (left && b < end) { left = !before(b0[b], b0[a]); }
  let chosen = select(b, a, left);
  b2[w] = b0[chosen];
  b3[w] = b1[chosen];
  if (left) { a++; } else { b++; }
}`;
  const buffers = [[kind.key, "read"], ["i32", "read"], [kind.key, "write"], ["i32", "write"]] as const;
  return source("sort: merge", buffers, before(kind), body);
}

/** For each element in order how many before it, and itself, are equal; a NaN equals nothing. */
function equalsSource(kind: Kind): KernelSource {
  const body = `let line = (t / ${N}) * ${N};
let key = b0[t];
var low = line;
var high = t;
while (low < high) {
  let middle = (low + high) / 2;
  if (before(b0[middle], key)) { low = middle + 1; } else { high = middle; }
}
b1[t] = select(t - low + 1, 1, is_nan(key));`;
  return source(
    "sort: equals",
    [[kind.key, "read"], ["i32", "write"]],
    `${before(kind)}\n${isNan(kind)}`,
    body,
  );
}

/** Takes elements. Buffers: elements, keys, places, for the mode where it is, then values and places. */
function takeSource(kind: Kind, choice: string, withPlaces: boolean): KernelSource {
  const buffers: (readonly [string, Access])[] = [[kind.element, "read"], [kind.key, "read"], [
    "i32",
    "read",
  ]];
  let at: string;
  switch (choice) {
    case "first":
      at = `let at = t % ${PIECES};`;
      break;
    case "kth":
      at = `let at = ${WIDTH};`;
      break;
    case "mode":
      buffers.push(["i32", "read"]);
      at = "let at = b3[t];";
      break;
    default:
      // NaN stand last
      at = `var low = 0;
var high = ${N};
while (low < high) {
  let middle = (low + high) / 2;
  if (is_nan(b1[line + middle])) { high = middle; } else { low = middle + 1; }
}
let at = select((low - 1) / 2, low, low < ${N} && ${choice === "median" ? "true" : "low == 0"});`;
  }
  const values = buffers.push([kind.element, "write"]) - 1;
  if (withPlaces) buffers.push(["i32", "write"]);
  const body = `let line = (t / ${PIECES}) * ${N};
${at}
let place = b2[line + at];
b${values}[t] = b0[${OFFSET} + line + place];
${withPlaces ? `b${values + 1}[t] = place;` : ""}`;
  return source(`sort: ${choice}`, buffers, isNan(kind), body);
}
