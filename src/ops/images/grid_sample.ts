/**
 * Images read at given places, and the places that an affine map gives.
 * @module
 */

import { checkFlag, checkIntegers, checkKeys, checkTensor } from "../../tensor/arguments.ts";
import { tensor } from "../../tensor/create.ts";
import { shapeText } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { add, sub } from "../arithmetic.ts";
import { composite } from "../core/composite.ts";
import { to } from "../core/copy.ts";
import { linearMap } from "../core/linear_map.ts";
import { matmul } from "../matmul/matmul.ts";
import { abs, floor, mul } from "../pointwise.ts";
import { clamp } from "../select.ts";
import { stack } from "../view/join.ts";

/** Options of {@linkcode gridSample}. */
export interface GridSampleOptions {
  /** How elements in between are found; "bilinear". */
  readonly mode?: "bilinear" | "nearest";
  /** What lies beyond the edges; "zeros". */
  readonly paddingMode?: "zeros" | "border" | "reflection";
  /** Whether -1 and 1 are the centres of the corner elements, and not their outer edges; false. */
  readonly alignCorners?: boolean;
}

/** Coordinates from -1 to 1 as places among `size` elements. */
function placeOf(c: Tensor, size: number, align: boolean): Tensor {
  return align ? add(c, 1).mul((size - 1) / 2) : add(c, 1).mul(size).sub(1).div(2);
}

/** Places mirrored at the edges until they are inside. */
function reflected(c: Tensor, size: number, align: boolean): Tensor {
  const low = align ? 0 : -0.5, length = align ? size - 1 : size;
  if (length === 0) return mul(c, 0);
  const from = abs(sub(c, low)),
    turns = floor(from.detach().div(length)),
    rest = sub(from, turns.mul(length));
  const odd = turns.remainder(2);
  return add(add(mul(rest, odd.mul(-2).add(1)), odd.mul(length)), low);
}

function bounded(c: Tensor, size: number, padding: string, align: boolean): Tensor {
  if (padding === "zeros") return c;
  return clamp(padding === "reflection" ? reflected(c, size, align) : c, 0, size - 1);
}

/** The elements at whole places [N, Ho, Wo], 0 beyond the edges. */
function read(x: Tensor, iy: Tensor, ix: Tensor): Tensor {
  const [n, c, h, w] = x.shape, [, ho, wo] = iy.shape;
  const inside = iy.ge(0).logicalAnd(iy.le(h - 1)).logicalAnd(ix.ge(0)).logicalAnd(ix.le(w - 1));
  const at = to(add(mul(clamp(iy, 0, h - 1), w), clamp(ix, 0, w - 1)), "int64").view([n, 1, ho * wo]);
  const values = x.reshape([n, c, h * w]).gather(2, at.expand(n, c, ho * wo)).view([n, c, ho, wo]);
  return mul(values, to(inside, x.dtype).unsqueeze(1));
}

function sample(x: Tensor, grid: Tensor, o: Required<GridSampleOptions>): Tensor {
  const [, , h, w] = x.shape;
  const px = bounded(placeOf(grid.select(3, 0), w, o.alignCorners), w, o.paddingMode, o.alignCorners);
  const py = bounded(placeOf(grid.select(3, 1), h, o.alignCorners), h, o.paddingMode, o.alignCorners);
  if (o.mode === "nearest") return read(x, py.detach().round(), px.detach().round());
  const x0 = floor(px.detach()), y0 = floor(py.detach()), fx = sub(px, x0), fy = sub(py, y0);
  const near = (t: Tensor) => t.neg().add(1);
  const corner = (dy: number, dx: number) => {
    const weight = mul(dy === 1 ? fy : near(fy), dx === 1 ? fx : near(fx)).unsqueeze(1);
    return mul(read(x, add(y0, dy), add(x0, dx)), weight);
  };
  return add(add(corner(0, 0), corner(0, 1)), add(corner(1, 0), corner(1, 1)));
}

/**
 * Images [N, C, H, W] read at places [N, Ho, Wo, 2], each x and y from -1 (left, top) to 1 (right, bottom): gives
 * [N, C, Ho, Wo].
 */
export function gridSample(input: Tensor, grid: Tensor, options: GridSampleOptions = {}): Tensor {
  checkTensor(input, "gridSample");
  checkTensor(grid, "gridSample", "grid", 2);
  const given = checkKeys(options, "gridSample", ["mode", "paddingMode", "alignCorners"]);
  const { mode = "bilinear", paddingMode = "zeros" } = given;
  const alignCorners = checkFlag(given.alignCorners ?? false, "gridSample", "alignCorners");
  if (mode !== "bilinear" && mode !== "nearest") {
    throw new RangeError(
      `nn.functional.grid_sample(): expected mode to be 'bilinear' or 'nearest', but got: '${mode}'`,
    );
  }
  if (paddingMode !== "zeros" && paddingMode !== "border" && paddingMode !== "reflection") {
    throw new RangeError(
      "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', but got: " +
        `'${paddingMode}'`,
    );
  }
  if (input.ndim !== 4 || grid.ndim !== 4) {
    throw new TypeError(
      `grid_sampler(): expected 4D input and grid with same number of dimensions, but got input with sizes ${
        shapeText(input.shape)
      } and grid with sizes ${shapeText(grid.shape)}`,
    );
  }
  if (input.shape[0] !== grid.shape[0]) {
    throw new TypeError(
      `grid_sampler(): expected grid and input to have same batch size, but got input with sizes ${
        shapeText(input.shape)
      } and grid with sizes ${shapeText(grid.shape)}`,
    );
  }
  if (grid.shape[3] !== 2) {
    throw new TypeError(
      `grid_sampler(): expected grid to have size 2 in last dimension, but got grid with sizes ${
        shapeText(grid.shape)
      }`,
    );
  }
  const o = { mode, paddingMode, alignCorners };
  return composite("GridSampler2DBackward0", [input, grid], (x, g) => sample(x!, g!, o), o);
}

/**
 * The places that 2 x 3 matrices [N, 2, 3] give for images of a size [N, C, H, W], for {@linkcode gridSample}: [N, H, W, 2].
 */
export function affineGrid(
  theta: Tensor,
  size: readonly number[],
  options: { readonly alignCorners?: boolean } = {},
): Tensor {
  checkTensor(theta, "affineGrid", "theta", 1);
  checkIntegers(size, "affineGrid", "size");
  const { alignCorners = false } = checkKeys(options, "affineGrid", ["alignCorners"]);
  if (size.length !== 4) {
    throw new TypeError(
      `affine_grid only supports 4D sizes, for 2D affine transforms. Got size ${shapeText(size)}.`,
    );
  }
  const [n, , h, w] = size;
  if (theta.ndim !== 3 || theta.shape[0] !== n || theta.shape[1] !== 2 || theta.shape[2] !== 3) {
    throw new TypeError(
      `Expected a batch of 2D affine matrices of shape Nx2x3 for size ${shapeText(size)}. Got ${
        shapeText(theta.shape)
      }.`,
    );
  }
  const line = (count: number) =>
    Array.from(
      { length: count },
      (_, i) => alignCorners ? count === 1 ? 0 : 2 * i / (count - 1) - 1 : (2 * i + 1) / count - 1,
    );
  const options2 = { dtype: theta.dtype, device: theta.device };
  const xs = tensor(line(w), options2).view([1, w]).expand(h, w);
  const ys = tensor(line(h), options2).view([h, 1]).expand(h, w);
  const base = stack([xs, ys, xs.mul(0).add(1)], -1).view([1, h * w, 3]);
  return linearMap(theta, {
    name: "AffineGridGenerator",
    there: (t) => matmul(base, t.transpose(1, 2)).view([n, h, w, 2]),
    back: (g) => matmul(g.reshape([n, h * w, 2]).transpose(1, 2), base),
  });
}
