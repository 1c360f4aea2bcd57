/**
 * Tensors of all pairs: broadcasting, grids, products and combinations.
 * @module
 */

import { brief } from "../../tensor/describe.ts";
import { checkKeys, checkTensor, checkTensors } from "../../tensor/arguments.ts";
import { broadcastShapes, checkShape, frozen, type Shape, shapeText } from "../../tensor/shape.ts";
import { allocateTensor, installMethods, Tensor } from "../../tensor/tensor.ts";
import { arange } from "../../tensor/create.ts";
import { stack } from "./join.ts";
import { backTo } from "../core/on_host.ts";
import { unbind } from "./parts.ts";
import { record, type Rule } from "../core/record.ts";
import { expand } from "./view.ts";
import { windowOn } from "./window.ts";

/** Repeats to a shape without copying; the same as `expand`. */
export function broadcastTo(x: Tensor, ...shape: (number | readonly number[])[]): Tensor {
  checkTensor(x, "broadcastTo");
  return expand(x, ...shape);
}

/** All tensors repeated, without copying, to the shape that they broadcast to. */
export function broadcastTensors(...tensors: Tensor[]): Tensor[] {
  checkTensors(tensors, "broadcastTensors");
  if (tensors.length === 0) return [];
  const shape = broadcastShapes(...tensors.map((t) => t.shape));
  return tensors.map((t) => expand(t, shape));
}

/** Options of {@linkcode meshgrid}. */
export interface MeshgridOptions {
  /** "ij" (matrix order, the default) or "xy" (the first two dimensions swapped). */
  readonly indexing?: "ij" | "xy";
}

/** Grids of coordinates from vectors: the i-th result varies along the i-th dimension. Views of the vectors. */
export function meshgrid(...args: (Tensor | readonly Tensor[] | MeshgridOptions)[]): Tensor[] {
  const last = args[args.length - 1];
  const isOptions = last !== undefined && !(last instanceof Tensor) && !Array.isArray(last);
  const { indexing = "ij" } = isOptions ? checkKeys(last as MeshgridOptions, "meshgrid", ["indexing"]) : {};
  const given = isOptions ? args.slice(0, -1) : args;
  const list = checkTensors(given.length === 1 && Array.isArray(given[0]) ? given[0] : given, "meshgrid");
  if (list.length === 0) throw new TypeError("meshgrid expects a non-empty TensorList");
  if (indexing !== "ij" && indexing !== "xy") {
    throw new RangeError(`torch.meshgrid: indexing must be one of "xy" or "ij", but received: ${indexing}`);
  }
  list.forEach((t) => {
    if (t.ndim > 1) {
      throw new TypeError(`torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: ${t}`);
    }
  });
  if (list.some((t) => t.device !== list[0].device)) {
    throw new TypeError("torch.meshgrid expects all tensors to have the same device");
  }
  const n = list.length;
  const shape = list.map((t) => t.numel());
  // where the i-th vector varies
  const axis = (i: number) => indexing === "xy" && n >= 2 && i < 2 ? 1 - i : i;
  const sizes = shape.map((_, i) => shape[axis(i)]);
  return list.map((t, i) => expand(t.reshape(sizes.map((s, k) => k === axis(i) ? s : 1)), sizes));
}

/** All tuples with one element from each vector, as rows. */
export function cartesianProd(...tensors: Tensor[]): Tensor {
  const list = checkTensors(tensors, "cartesianProd");
  list.forEach((t) => {
    if (t.ndim !== 1) {
      throw new TypeError(`cartesian_prod: Expect a 1D vector, but got shape ${shapeText(t.shape)}`);
    }
  });
  if (list.length === 0) throw new TypeError("meshgrid expects a non-empty TensorList");
  if (list.length === 1) return list[0];
  return stack(meshgrid(list).map((t) => t.reshape(-1)), 1);
}

/** Options of {@linkcode combinations}. */
export interface CombinationsOptions {
  /** How many elements to a row; 2 by default. */
  readonly r?: number;
  /** Whether an element may be taken several times. */
  readonly withReplacement?: boolean;
}

/** All choices of r elements of a vector, in order, as rows. */
export function combinations(
  x: Tensor,
  r?: number | CombinationsOptions,
  options: CombinationsOptions = {},
): Tensor {
  checkTensor(x, "combinations");
  const given = typeof r === "number" ? { ...options, r } : r ?? options;
  const { r: count = 2, withReplacement = false } = checkKeys(given, "combinations", [
    "r",
    "withReplacement",
  ]);
  if (x.ndim !== 1) throw new TypeError(`Expect a 1D vector, but got shape ${shapeText(x.shape)}`);
  if (!Number.isInteger(count) || count < 0) {
    throw new RangeError(`Expect a non-negative number, but got ${brief(count)}`);
  }
  if (count === 0) return x.newEmpty([0]);
  const places = backTo(choices(x.shape[0], count, withReplacement), x);
  return stack(unbind(places, 1).map((column) => x.indexSelect(0, column)), 1);
}

/** Rows of `r` places of `n`, in order. */
function choices(n: number, r: number, again: boolean): Tensor {
  // n over r, or with repetition n + r - 1 over r
  const from = again ? n + r - 1 : n, least = Math.min(r, from - r);
  let count = from < r ? 0 : 1;
  for (let k = 1; k <= least && count < Number.MAX_SAFE_INTEGER; k++) {
    count = Math.round(count * (from - least + k) / k);
  }
  const out = allocateTensor(checkShape([count, r], "combinations"), "int64");
  const data = out.storage.data as BigInt64Array;
  const chosen = Array.from({ length: count === 0 ? 0 : r }, (_, k) => again ? 0 : k);
  for (let row = 0; row < count; row++) {
    chosen.forEach((c, k) => data[row * r + k] = BigInt(c));
    const last = (k: number) => again ? n - 1 : n - r + k;
    let k = r - 1;
    while (k >= 0 && chosen[k] === last(k)) k--; // the last place that can still move on
    if (k < 0) break;
    const next = chosen[k] + 1;
    for (let i = k; i < r; i++) chosen[i] = again ? next : next + i - k;
  }
  return out;
}

const UnsafeView: Rule<{ selfSymSizes: Shape }> = {
  name: "UnsafeViewBackward0",
  backward: (g, { args }) => [g.reshape(args.selfSymSizes)],
};

/** The Kronecker product: every element of a times the whole of b, as blocks. */
export function kron(a: Tensor, b: Tensor): Tensor {
  checkTensor(a, "kron");
  checkTensor(b, "kron", "other", 2);
  const n = Math.max(a.ndim, b.ndim);
  const pad = (t: Tensor) => [...new Array(n - t.ndim).fill(1), ...t.shape];
  const as = pad(a), bs = pad(b);
  const blocks = a.reshape(as.flatMap((s) => [s, 1])).mul(b.reshape(bs.flatMap((s) => [1, s])));
  const shape = frozen(as.map((s, i) => s * bs[i]));
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((x, y) => x * Math.max(y, 1), 1));
  return record(UnsafeView, windowOn(blocks, shape, frozen(strides)), [blocks], {
    selfSymSizes: blocks.shape,
  });
}

/** Options of {@linkcode vander}. */
export interface VanderOptions {
  /** Number of columns; as many as elements by default. */
  readonly N?: number;
  /** Whether powers rise from left to right. */
  readonly increasing?: boolean;
}

/** The matrix of the powers of a vector's elements. */
export function vander(x: Tensor, N?: number | VanderOptions, options: VanderOptions = {}): Tensor {
  checkTensor(x, "vander");
  const given = typeof N === "number" ? { ...options, N } : N ?? options;
  const { N: columns = x.numel(), increasing = false } = checkKeys(given, "vander", ["N", "increasing"]);
  if (x.ndim !== 1) throw new TypeError("x must be a one-dimensional tensor.");
  if (!Number.isInteger(columns) || columns < 0) throw new RangeError("N must be non-negative.");
  const powers = arange(BigInt(columns), { device: x.device });
  const rising = x.unsqueeze(1).pow(powers.to(x.dtype));
  return increasing ? rising : rising.flip(1);
}

/** The methods of this family. */
export interface GridMethods {
  /** Repeats to a shape without copying. */
  broadcastTo(...shape: (number | readonly number[])[]): Tensor;
  /** The Kronecker product with another tensor. */
  kron(other: Tensor): Tensor;
}

const methods: GridMethods & ThisType<Tensor> = {
  broadcastTo(...shape) {
    return broadcastTo(this, ...shape);
  },
  kron(other) {
    return kron(this, other);
  },
};
installMethods(methods);
