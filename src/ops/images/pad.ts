/**
 * Borders around tensors: constant, mirrored, repeated, or from the other side.
 * @module
 */

import { checkKeys, checkTensor } from "../../tensor/arguments.ts";
import { castScalar } from "../../tensor/cast.ts";
import { fromTypedArray } from "../../tensor/create.ts";
import { allocate } from "../../tensor/dtype.ts";
import { frozen, type Shape, shapeText } from "../../tensor/shape.ts";
import { allocateTensor, type Tensor } from "../../tensor/tensor.ts";
import { copyInto } from "../core/copy.ts";
import { backTo } from "../core/on_host.ts";
import { partOf } from "../core/lines.ts";
import { record, type Rule } from "../core/record.ts";
import { narrow, slice } from "../view/slice.ts";

/** What stands in the border. */
export type PadMode = "constant" | "reflect" | "replicate" | "circular";

/** Options of {@linkcode pad}. */
export interface PadOptions {
  /** What stands in the border; "constant" by default. */
  readonly mode?: PadMode;
  /** The constant; 0 by default. */
  readonly value?: number | null;
}

/** Border widths of one dimension; negative ones cut. */
interface Border {
  readonly dim: number;
  readonly left: number;
  readonly right: number;
}

/** PyTorch's list, which begins with the last dimension, as borders. */
function bordersOf(x: Tensor, widths: readonly number[]): Border[] {
  if (widths.length % 2 !== 0) throw new TypeError("Padding length must be divisible by 2");
  if (widths.length > 2 * x.ndim) {
    throw new TypeError(
      "Padding length should be less than or equal to two times the input dimension but got padding length " +
        `${widths.length} and input of dimension ${x.ndim}`,
    );
  }
  if (widths.some((w) => !Number.isInteger(w))) {
    throw new TypeError(`pad(): widths must be integers, got ${shapeText(widths)}`);
  }
  const borders = Array.from({ length: widths.length / 2 }, (_, i): Border => ({
    dim: x.ndim - 1 - i,
    left: widths[2 * i],
    right: widths[2 * i + 1],
  }));
  for (const { dim, left, right } of borders) {
    const size = x.shape[dim] + left + right;
    if (size < 0) {
      throw new RangeError(
        `The input size ${
          x.shape[dim]
        }, plus negative padding ${left} and ${right} resulted in a negative output size, ` +
          `which is invalid. Check dimension ${dim} of your input.`,
      );
    }
  }
  return borders;
}

function paddedShape(shape: Shape, borders: readonly Border[]): Shape {
  const out = shape.slice();
  for (const { dim, left, right } of borders) out[dim] += left + right;
  return frozen(out);
}

// ---- constant -----------------------------------------------------------------------------------------------------

const ConstantPad: Rule<{ pad: readonly number[] }> = {
  name: "ConstantPadNdBackward0",
  backward: (g, { args }) => [constantPad(g, args.pad.map((w) => -w), 0)],
};

function fillPlain(out: Tensor, value: number): void {
  const exact = castScalar(value, out.dtype);
  if (out.device === "cpu") out.storage.data.fill(exact as never);
  else copyInto(out, out.dtype === "bool" ? exact !== 0 : exact);
}

function constantPad(x: Tensor, widths: readonly number[], value: number): Tensor {
  const borders = bordersOf(x, widths);
  const out = allocateTensor(paddedShape(x.shape, borders), x.dtype, x.device);
  if (value !== 0) fillPlain(out, value);
  let from = x.detach(), into = out;
  for (const { dim, left, right } of borders) {
    const start = Math.max(-left, 0), size = x.shape[dim] - start - Math.max(-right, 0);
    from = narrow(from, dim, start, Math.max(size, 0));
    into = partOf(into, dim, Math.max(left, 0), Math.max(size, 0));
  }
  if (from.numel() > 0) copyInto(into, from);
  return record(ConstantPad, out, [x], { pad: widths });
}

// ---- from the elements themselves ---------------------------------------------------------------------------------

interface Source {
  readonly dim: number;
  readonly size: number;
  /** For each place of the result the place that it is read from. */
  readonly places: Tensor;
}

const kinds = {
  reflect: (i: number, n: number) => i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i,
  replicate: (i: number, n: number) => Math.min(Math.max(i, 0), n - 1),
};

interface Args {
  readonly padding: readonly number[];
  readonly sources: readonly Source[];
}

/** Reads and its transpose, adding back, are each other's gradients. */
function rules(name: string): { read: Rule<Args>; add: Rule<Args> } {
  const read: Rule<Args> = {
    name: `${name}Backward0`,
    backward: (g, { args }) => {
      let out = g.detach();
      for (const { dim, size, places } of args.sources) {
        const shape = out.shape.map((s, i) => i === dim ? size : s);
        out = out.newZeros(shape).indexAdd(dim, places, out);
      }
      return [record(add, out, [g], args)];
    },
  };
  const add: Rule<Args> = {
    name: `${name}BackwardBackward0`,
    backward: (g, { args }) => [record(read, readFrom(g.detach(), args.sources), [g], args)],
  };
  return { read, add };
}

function readFrom(x: Tensor, sources: readonly Source[]): Tensor {
  return sources.reduce((t, { dim, places }) => t.indexSelect(dim, places), x);
}

const named = { reflect: "ReflectionPad", replicate: "ReplicationPad" };
const byName = new Map<string, ReturnType<typeof rules>>();

function pickPad(kind: "reflect" | "replicate", x: Tensor, widths: readonly number[]): Tensor {
  const borders = bordersOf(x, widths);
  for (const { dim, left, right } of borders) {
    const n = x.shape[dim];
    if (kind === "reflect" && (left >= n || right >= n)) {
      throw new RangeError(
        "Argument #4: Padding size should be less than the corresponding input dimension, but got: padding " +
          `(${left}, ${right}) at dimension ${dim} of input ${shapeText(x.shape)}`,
      );
    }
    if (n === 0) throw new RangeError(`pad(): a dimension of size 0 cannot be padded with mode ${kind}`);
  }
  const sources = borders.map(({ dim, left, right }): Source => {
    const n = x.shape[dim];
    const places = allocate("int64", n + left + right);
    for (let i = 0; i < places.length; i++) places[i] = BigInt(kinds[kind](i - left, n));
    return { dim, size: n, places: backTo(fromTypedArray(places), x) };
  });
  const name = `${named[kind]}${borders.length}D`;
  let rule = byName.get(name);
  if (rule === undefined) byName.set(name, rule = rules(name));
  return record(rule.read, readFrom(x.detach(), sources), [x], { padding: widths, sources });
}

/** The other side's elements, copied within the result; the writes are what the graph shows. */
function circularPad(x: Tensor, widths: readonly number[]): Tensor {
  const borders = bordersOf(x, widths);
  for (const { dim, left, right } of borders) {
    const n = x.shape[dim];
    if (left > n || right > n) {
      throw new RangeError("Padding value causes wrapping around more than once.");
    }
  }
  const out = x.newEmpty(paddedShape(x.shape, borders));
  let from = x, into = out;
  for (const { dim, left, right } of borders) {
    const size = x.shape[dim] - Math.max(-left, 0) - Math.max(-right, 0);
    from = narrow(from, dim, Math.max(-left, 0), size);
    into = narrow(into, dim, Math.max(left, 0), size);
  }
  into.copy_(from);
  for (const { dim, left, right } of borders) {
    const size = out.shape[dim], l = Math.max(left, 0), r = Math.max(right, 0);
    if (l > 0) slice(out, dim, 0, l).copy_(slice(out, dim, size - l - r, size - r));
    if (r > 0) slice(out, dim, size - r, size).copy_(slice(out, dim, l, l + r));
  }
  return out;
}

/**
 * A tensor with a border. `widths` are pairs (before, behind), beginning with the LAST dimension; negative widths cut.
 * Modes: "constant" (any dimensions), and for the last one to three dimensions of images and their like "reflect" (mirrored
 * without the edge), "replicate" (the edge repeated) and "circular" (from the other side). PyTorch's `F.pad`.
 */
export function pad(
  x: Tensor,
  widths: readonly number[],
  mode: PadMode | PadOptions = "constant",
  value?: number | null,
): Tensor {
  checkTensor(x, "pad");
  const o = typeof mode === "string" ? { mode, value } : checkKeys(mode, "pad", ["mode", "value"]);
  const kind = o.mode ?? "constant";
  if (!Array.isArray(widths)) {
    throw new TypeError(`pad(): widths must be a list of integers, got ${typeof widths}`);
  }
  if (kind === "constant") return constantPad(x, widths, o.value ?? 0);
  if (o.value !== undefined && o.value !== null && o.value !== 0) {
    throw new TypeError(`Padding mode "${kind}" doesn't take in value argument`);
  }
  if (kind !== "reflect" && kind !== "replicate" && kind !== "circular") {
    throw new RangeError(
      `Unrecognised padding mode ${String(kind)}: use constant, reflect, replicate or circular`,
    );
  }
  bordersOf(x, widths); // the general complaints first
  const spatial = widths.length / 2;
  if (spatial < 1 || spatial > 3 || (x.ndim !== spatial + 1 && x.ndim !== spatial + 2)) {
    throw new TypeError(
      `Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now: got ${widths.length} widths for a ` +
        `tensor of ${x.ndim} dimensions`,
    );
  }
  return kind === "circular" ? circularPad(x, widths) : pickPad(kind, x, widths);
}
