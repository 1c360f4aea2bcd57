/**
 * Reading and writing elements at places that tensors of indices name: the GPU's side of indexing.
 *
 * A selection has a shape of its own; where its elements lie in the memory that is selected from is a sum of steps along its
 * dimensions and of steps by indices. Kernels compute the places, so that indices never leave the GPU; an index that is out
 * of range is reported by the next read (`faults.ts`), and neither reads nor writes anything.
 *
 * Where several values go to one element, writing (`chains.ts`) is in three passes. The first hangs each value's number into a chain of its
 * element's, the second sorts each chain, the third has an invocation for each element, which walks its chain: no two write to
 * the same place, every element type and every way to combine works alike, and sums are the same every time, because they are
 * made in the order of the values. (Chains are nearly in order when they are sorted, so that this is cheap; what is left of a
 * chain after very many steps stays as it is.) Where values replace each other the last one wins.
 * @module
 */
import type { Scalar } from "../../tensor/dtype.ts";
import { SCALAR_WORDS, scalarSource, wgslFlavor, writeScalar } from "./convert.ts";
import { elementType } from "./elements.ts";
import type { Gpu } from "./gpu.ts";
import { checkExtent } from "./layout.ts";
import type { Block } from "./memory.ts";
import { writeChains } from "./chains.ts";
import {
  check,
  type Combination,
  combining,
  digitsOf,
  type GpuPlaces,
  type GpuTarget,
  type GpuValues,
  keyOf,
  launch,
  launchAt,
  numel,
  placeCode,
  simplified,
  sumOf,
} from "./place_code.ts";

export type { Combination, Digit, GpuIndex, GpuPlaces, GpuTarget, GpuValues } from "./place_code.ts";

// ---- reading ------------------------------------------------------------------------------------------------------

/** Reads the selected elements, row-major, into `out`. */
export function pick(gpu: Gpu, from: GpuTarget, given: GpuPlaces, out: Block): void {
  const count = numel(given.shape);
  if (count === 0) return;
  check(given, from);
  launchAt(gpu, "pick", 0, given, from, null, [out, from.data], (words, buffers) => {
    const [places] = simplified(given), type = elementType(from.dtype);
    const target = buffers.add(out, type, "write"), data = buffers.add(from.data, type, "read");
    const sizes = places.shape.map((s) => words.add(s));
    const body = `${digitsOf("i", sizes, "k")}
${placeCode(gpu, places, from.offset, words, buffers)}
if (good) { ${target}[i] = ${data}[place]; } else { ${target}[i] = ${type}(); }`;
    return { body, key: keyOf(places, type) };
  });
}

// ---- writing ------------------------------------------------------------------------------------------------------

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

const combinations: readonly Combination[] = ["put", "add", "or", "mul", "max", "min"];

/** No two values go to one element, or all values are the same. */
function writeApart(
  gpu: Gpu,
  to: GpuTarget,
  given: GpuPlaces,
  action: Combination,
  values: GpuValues,
): void {
  const kind = 1 + combinations.indexOf(action);
  launchAt(gpu, action, kind, given, to, values, [to.data, values.data], (words, buffers) => {
    const [places, strides] = simplified(given, values.strides), type = elementType(to.dtype);
    const target = buffers.add(to.data, type, "write"), from = buffers.add(values.data, type, "read");
    const sizes = places.shape.map((s) => words.add(s));
    const { before, step, after } = combining(
      action,
      to.dtype,
      () => words.add(gpu.faults.code(given.caller)),
    );
    const body = `${digitsOf("i", sizes, "k")}
${placeCode(gpu, places, to.offset, words, buffers)}
if (good) {
var a = ${target}[place];
let b = ${from}[${sumOf(words.begin(values.offset), "k", strides, words)}];
${before}
${step}
${after}
${target}[place] = a;
}`;
    return { body, key: keyOf(places, to.dtype, strides.map((s) => s === 0 ? 0 : 1).join("")) };
  });
}
