/**
 * Writing where several values go to one element: chains of values, sorted and walked. See `places.ts`.
 * @module
 */
import { elementType } from "./elements.ts";
import type { Gpu } from "./gpu.ts";
import { collapse } from "./layout.ts";
import type { Block } from "./memory.ts";
import {
  type Combination,
  combining,
  type Digit,
  digitsOf,
  type GpuPlaces,
  type GpuTarget,
  type GpuValues,
  keyOf,
  launch,
  numel,
  placeCode,
  rowMajor,
  simplified,
  STEPS,
  sumOf,
} from "./place_code.ts";

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

/** Writes where several values may go to one element. */
export function writeChains(
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
      caller: given.caller,
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
  /** Who asks, for complaints. */
  readonly caller: string;
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
    const { before, step, after } = combining(
      action,
      to.dtype,
      () => words.add(gpu.faults.code(chains.caller)),
    );
    const body = links === null
      ? `${start}${value}\n${target}[place] = b;`
      : `${start}var a = ${target}[place];
${before}
for (var left = ${words.add(chains.steps)}; j != 0 && left > 0; left--) {
${value}
${step}
j = ${link}[j - 1];
}
${later}
${after}
${target}[place] = a;`;
    const zeros = [digits.map((d) => d.step), ...inside.strides, ...chosen.strides]
      .map((list) => list.map((s) => s === 0 ? 0 : 1).join(""));
    return { body, key: [to.dtype, rest === null, ...zeros].join("|") };
  });
}
