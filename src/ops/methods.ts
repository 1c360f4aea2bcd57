/**
 * All methods of tensors, family by family. Types only: each family installs its own.
 * @module
 */

import type { AutogradMethods } from "../autograd/methods.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Operand } from "./compute.ts";
import type { CopyMethods } from "./copy.ts";
import type { IndexMethods } from "./index.ts";
import type { IndexOpsMethods } from "./index_ops.ts";
import type { MatmulMethods } from "./matmul.ts";
import type { MaskMethods } from "./mask.ts";
import type * as pointwise from "./pointwise.ts";
import type { ReduceMethods } from "./reduce.ts";
import type { ViewMethods } from "./view.ts";

/** The rows of the pointwise table as methods: `x.tanh()`, `x.add(y)`, and in place `x.tanh_()`, `x.add_(y)`. */
export type PointwiseMethods =
  & {
    readonly [
      K in keyof typeof pointwise as (typeof pointwise)[K] extends { arity: 1 } ? K | `${K}_` : never
    ]: () => Tensor;
  }
  & {
    readonly [
      K in keyof typeof pointwise as (typeof pointwise)[K] extends { arity: 2 } ? K | `${K}_` : never
    ]: (
      other: Operand,
    ) => Tensor;
  };

/** Everything that a tensor can do. */
export interface TensorMethods
  extends
    AutogradMethods,
    CopyMethods,
    IndexOpsMethods,
    MaskMethods,
    IndexMethods,
    MatmulMethods,
    PointwiseMethods,
    ReduceMethods,
    ViewMethods {}
