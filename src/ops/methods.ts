/**
 * All methods of tensors, family by family. Types only: each family installs its own.
 * @module
 */

import type { ArithmeticMethods } from "./arithmetic.ts";
import type { AutogradMethods } from "../autograd/methods.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Operand } from "./core/compute.ts";
import type * as compare from "./compare.ts";
import type { CompareMethods } from "./compare.ts";
import type { CopyMethods } from "./core/copy.ts";
import type { FusedMethods } from "./fused.ts";
import type { IndexMethods } from "./index/index.ts";
import type { IndexOpsMethods } from "./index/slices.ts";
import type { MatmulMethods } from "./matmul/matmul.ts";
import type { LinalgMethods } from "./linalg/torch_names.ts";
import type { MaskMethods } from "./index/mask.ts";
import type { ParametricMethods } from "./parametric.ts";
import type { RandomMethods } from "./random/random.ts";
import type { ScatterMethods } from "./index/scatter.ts";
import type * as pointwise from "./pointwise.ts";
import type { ExtremaMethods } from "./reduce/extrema.ts";
import type { ScanMethods } from "./reduce/scan.ts";
import type { OrderMethods } from "./sort/order.ts";
import type { SoftmaxMethods } from "./reduce/softmax.ts";
import type { PartsMethods } from "./view/parts.ts";
import type { RearrangeMethods } from "./view/rearrange.ts";
import type { GridMethods } from "./view/grids.ts";
import type { SliceMethods } from "./view/slice.ts";
import type { StridedMethods } from "./view/strided.ts";
import type { StatisticsMethods } from "./reduce/statistics.ts";
import type { QuantileMethods } from "./sort/quantile.ts";
import type { SetMethods } from "./sort/sets.ts";
import type { NormMethods } from "./reduce/norm.ts";
import type { ReduceMethods } from "./reduce/reduce.ts";
import type { SelectMethods } from "./select.ts";
import type { ViewMethods } from "./view/view.ts";

/** The rows of a table as methods: `x.tanh()`, `x.mul(y)`, and in place `x.tanh_()`, `x.mul_(y)`. */
export type RowMethods<Table> =
  & {
    readonly [K in keyof Table as Table[K] extends { arity: 1 } ? K | `${K & string}_` : never]: () => Tensor;
  }
  & {
    readonly [K in keyof Table as Table[K] extends { arity: 2 } ? K | `${K & string}_` : never]: (
      other: Operand,
    ) => Tensor;
  };

/** The rows of pointwise functions as methods. */
export type PointwiseMethods = RowMethods<typeof pointwise>;

/** The rows of comparisons, tests and logic as methods. */
export type ComparisonMethods = RowMethods<typeof compare>;

/** Everything that a tensor can do. */
export interface TensorMethods
  extends
    ArithmeticMethods,
    AutogradMethods,
    CompareMethods,
    ComparisonMethods,
    CopyMethods,
    FusedMethods,
    IndexOpsMethods,
    ScatterMethods,
    RandomMethods,
    MaskMethods,
    IndexMethods,
    MatmulMethods,
    LinalgMethods,
    ParametricMethods,
    PointwiseMethods,
    ExtremaMethods,
    ScanMethods,
    OrderMethods,
    SoftmaxMethods,
    PartsMethods,
    RearrangeMethods,
    GridMethods,
    SliceMethods,
    StridedMethods,
    StatisticsMethods,
    QuantileMethods,
    SetMethods,
    NormMethods,
    ReduceMethods,
    SelectMethods,
    ViewMethods {}
