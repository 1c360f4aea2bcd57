/**
 * Images in other sizes: every element of the result is a weighted sum of a few elements along each dimension.
 * @module
 */

import { checkFlag, checkKeys, checkTensor } from "../../tensor/arguments.ts";
import { fromTypedArray } from "../../tensor/create.ts";
import { isFloatingPoint, typeName } from "../../tensor/dtype.ts";
import { frozen, type Shape, shapeText } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { adaptiveAvgPool1d, adaptiveAvgPool2d, adaptiveAvgPool3d } from "./adaptive_pool.ts";
import { add } from "../arithmetic.ts";
import { indexAdd, indexSelect } from "../index/slices.ts";
import { linearMap } from "../core/linear_map.ts";
import { backTo } from "../core/on_host.ts";
import { mul } from "../pointwise.ts";

/** How elements in between are found. */
export type InterpolateMode =
  | "nearest"
  | "nearest-exact"
  | "linear"
  | "bilinear"
  | "trilinear"
  | "bicubic"
  | "area";

/** Options of {@linkcode interpolate}. */
export interface InterpolateOptions {
  /** The size of the result: a number for all dimensions, or one for each. */
  readonly size?: number | readonly number[] | null;
  /** How many times larger the result is, instead of a size. */
  readonly scaleFactor?: number | readonly number[] | null;
  /** How elements in between are found; "nearest". */
  readonly mode?: InterpolateMode;
  /** Whether the centres of corner elements lie on each other, and not the corners; false. */
  readonly alignCorners?: boolean | null;
  /** Compute the scale anew from the sizes, where a factor is given; false. */
  readonly recomputeScaleFactor?: boolean | null;
}

/** One of the elements that are summed, for each place along a dimension: where it is, and its weight (none is 1). */
interface Tap {
  readonly index: BigInt64Array;
  readonly weight: Float64Array | null;
}

interface Axis {
  readonly from: number;
  readonly to: number;
  readonly taps: readonly Tap[];
}

/** Steps in the input from a place of the result to the next. */
function stepOf(from: number, to: number, factor: number | null, align: boolean): number {
  if (align) return to > 1 ? (from - 1) / (to - 1) : 0;
  return factor !== null && factor > 0 ? 1 / factor : from / to;
}

function nearest(from: number, to: number, factor: number | null, exact: boolean): Tap[] {
  // single precision, in which PyTorch finds these places
  const step = Math.fround(stepOf(from, to, factor, false));
  const index = BigInt64Array.from({ length: to }, (_, i) => {
    const at = exact ? Math.fround(Math.fround(i + 0.5) * step) : Math.fround(i * step);
    return BigInt(Math.min(Math.floor(at), from - 1));
  });
  return [{ index, weight: null }];
}

function weighted(
  from: number,
  to: number,
  width: number,
  at: (i: number) => { first: number; weights: readonly number[] },
): Tap[] {
  const taps = Array.from({ length: width }, () => ({
    index: new BigInt64Array(to),
    weight: new Float64Array(to),
  }));
  for (let i = 0; i < to; i++) {
    const { first, weights } = at(i);
    weights.forEach((weight, t) => {
      taps[t].index[i] = BigInt(Math.min(Math.max(first + t, 0), from - 1));
      taps[t].weight[i] = weight;
    });
  }
  return taps;
}

function linear(from: number, to: number, factor: number | null, align: boolean): Tap[] {
  const step = stepOf(from, to, factor, align);
  return weighted(from, to, 2, (i) => {
    const place = align ? i * step : Math.max((i + 0.5) * step - 0.5, 0);
    const first = Math.min(Math.floor(place), from - 1), rest = Math.min(place - first, 1);
    return { first, weights: [1 - rest, rest] };
  });
}

/** The parameter of the cubic curve. */
const A = -0.75;

function cubic(from: number, to: number, factor: number | null, align: boolean): Tap[] {
  const step = stepOf(from, to, factor, align);
  const near = (x: number) => ((A + 2) * x - (A + 3)) * x * x + 1;
  const far = (x: number) => ((A * x - 5 * A) * x + 8 * A) * x - 4 * A;
  return weighted(from, to, 4, (i) => {
    const place = align ? i * step : (i + 0.5) * step - 0.5, first = Math.floor(place), t = place - first;
    return { first: first - 1, weights: [far(t + 1), near(t), near(1 - t), far(2 - t)] };
  });
}

function along(
  x: Tensor,
  shape: Shape,
  dim: number,
  taps: readonly Tap[],
  each: (index: Tensor, w: Tensor | null) => void,
): void {
  for (const { index, weight } of taps) {
    const w = weight === null ? null : backTo(fromTypedArray(weight).to(x.dtype), x).view(
      shape.map((_, d) => d === dim ? weight.length : 1),
    );
    each(backTo(fromTypedArray(index), x), w);
  }
}

function resample(x: Tensor, name: string, axes: readonly Axis[]): Tensor {
  const lead = x.ndim - axes.length;
  const active = axes.map((axis, i) => ({ ...axis, dim: lead + i }));
  return linearMap(x, {
    name,
    there: (input) =>
      active.reduce((t, { dim, taps }) => {
        let out: Tensor | null = null;
        along(t, t.shape, dim, taps, (index, w) => {
          const chosen = indexSelect(t, dim, index), term = w === null ? chosen : mul(chosen, w);
          out = out === null ? term : add(out, term);
        });
        return out!;
      }, input),
    back: (grad) =>
      active.reduceRight((t, { dim, taps, from }) => {
        let out = t.newZeros(t.shape.map((s, d) => d === dim ? from : s));
        along(t, t.shape, dim, taps, (index, w) => {
          out = indexAdd(out, dim, index, w === null ? t : mul(t, w));
        });
        return out;
      }, grad),
  });
}

const MODES = "nearest | linear | bilinear | bicubic | trilinear | area | nearest-exact";
const DIMENSIONS: Readonly<Record<string, number>> = { linear: 1, bilinear: 2, bicubic: 2, trilinear: 3 };
const NAMES: Readonly<Record<string, string>> = {
  linear: "UpsampleLinear1D",
  bilinear: "UpsampleBilinear2D",
  bicubic: "UpsampleBicubic2D",
  trilinear: "UpsampleTrilinear3D",
};

/**
 * Signals [N, C, L], images [N, C, H, W] or volumes [N, C, D, H, W] in another size.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const x = dg.rand(1, 3, 8, 8);
 * console.log(dg.nn.functional.interpolate(x, { scaleFactor: 2, mode: "bilinear" }).shape); // [1, 3, 16, 16]
 * ```
 */
export function interpolate(input: Tensor, options: InterpolateOptions = {}): Tensor {
  checkTensor(input, "interpolate");
  const o = checkKeys(options, "interpolate", [
    "size",
    "scaleFactor",
    "mode",
    "alignCorners",
    "recomputeScaleFactor",
  ]);
  const mode = o.mode ?? "nearest", n = input.ndim - 2;
  const blends = mode in DIMENSIONS;
  if (!blends && o.alignCorners !== undefined && o.alignCorners !== null) {
    throw new TypeError(
      "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear",
    );
  }
  const align = checkFlag(o.alignCorners ?? false, "interpolate", "alignCorners");
  const { sizes, factors } = sizesOf(input, o);
  if (n < 1 || n > 3 || !(blends || mode === "nearest" || mode === "nearest-exact" || mode === "area")) {
    throw new TypeError(
      `Input Error: Only 3D, 4D and 5D input Tensors supported (got ${input.ndim}D) for the modes: ${MODES} (got ${mode})`,
    );
  }
  if (blends && DIMENSIONS[mode] !== n) {
    throw new TypeError(`Got ${input.ndim}D input, but ${mode} mode needs ${DIMENSIONS[mode] + 2}D input`);
  }
  if (sizes.some((s) => s < 1) || input.shape.slice(2).some((s) => s < 1)) {
    throw new RangeError(
      `Input and output sizes should be greater than 0, but got input ${
        shapeText(input.shape.slice(2))
      } output ${shapeText(sizes)}`,
    );
  }
  if (mode === "area") {
    const pool = [adaptiveAvgPool1d, adaptiveAvgPool2d, adaptiveAvgPool3d][n - 1];
    return pool(input, sizes);
  }
  if (!isFloatingPoint(input.dtype)) {
    throw new TypeError(`"compute_indices_weights_${mode}" not implemented for '${typeName(input.dtype)}'`);
  }
  const axes = sizes.map((to, d): Axis => {
    const from = input.shape[d + 2], factor = factors?.[d] ?? null;
    const taps = mode === "bicubic"
      ? cubic(from, to, factor, align)
      : blends
      ? linear(from, to, factor, align)
      : nearest(from, to, factor, mode === "nearest-exact");
    return { from, to, taps };
  });
  const name = NAMES[mode] ?? `UpsampleNearest${mode === "nearest" ? "" : "Exact"}${n}D`;
  return resample(input, name, axes);
}

function sizesOf(x: Tensor, o: InterpolateOptions): { sizes: Shape; factors: readonly number[] | null } {
  const spatial = x.shape.slice(2), n = spatial.length;
  const size = o.size ?? null, scale = o.scaleFactor ?? null;
  if (size !== null && scale !== null) {
    throw new TypeError("only one of size or scale_factor should be defined");
  }
  const given = size ?? scale;
  if (given === null) throw new TypeError("either size or scale_factor should be defined");
  const list = typeof given === "number" ? new Array<number>(n).fill(given) : given;
  if (list.length !== n) {
    const what = size !== null ? "output size" : "scale_factor";
    throw new TypeError(
      "Input and output must have the same number of spatial dimensions, but got input with spatial dimensions of " +
        `${shapeText(spatial)} and ${what} of ${
          shapeText(list)
        }. Please provide input tensor in (N, C, d1, d2, ...,dK) ` +
        "format and output size in (o1, o2, ...,oK) format.",
    );
  }
  if (size !== null) return { sizes: frozen(list), factors: null };
  const sizes = frozen(spatial.map((s, d) => Math.floor(s * list[d])));
  return { sizes, factors: o.recomputeScaleFactor === true ? null : list };
}
