/**
 * Dinograd: PyTorch-style tensors and automatic differentiation for Deno.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const x = dg.tensor(1, { requiresGrad: true });
 * const f = x.mul(2).mul(x).sub(x.mul(3)).add(4);
 * f.backward();
 * console.log(f, x.grad); // tensor(3., grad_fn=<AddBackward0>) tensor(1.)
 * ```
 *
 * @module
 */

export * from "./src/tensor/create.ts";
export type { SizeArgs, TensorOptions } from "./src/tensor/options.ts";
export * from "./src/tensor/ranges.ts";
export {
  cuda,
  type Device,
  device,
  getDefaultDevice,
  type Memory,
  type RemoteMemory,
  setDefaultDevice,
} from "./src/tensor/device.ts";
export * as webgpu from "./src/backend/webgpu/public.ts";
export { type NestedArray, Tensor } from "./src/tensor/tensor.ts";
export type { AutogradMeta, VersionCounter, ViewInfo } from "./src/tensor/autograd_meta.ts";
export type { Shape } from "./src/tensor/shape.ts";
export type { Storage } from "./src/tensor/storage.ts";
export type { Later } from "./src/tensor/later.ts";
export type * from "./src/ops/methods.ts";
export type { AutogradMethods, BackwardOptions, HookHandle } from "./src/autograd/methods.ts";
export type { GradHook, NextFunction, Node, OutputHook } from "./src/autograd/node.ts";
export type { NormMethods } from "./src/ops/norm.ts";
export type { StridedMethods } from "./src/ops/strided.ts";
export {
  type DType,
  getDefaultDtype,
  type Scalar,
  setDefaultDtype,
  type TypedArray,
} from "./src/tensor/dtype.ts";
export * from "./src/ops/pointwise.ts";
export * from "./src/ops/arithmetic.ts";
export * from "./src/ops/promotion.ts";
export * from "./src/ops/fused.ts";
export * from "./src/ops/compare.ts";
export * from "./src/ops/select.ts";
export * from "./src/ops/parametric.ts";
export * as special from "./src/ops/special.ts";
export {
  definePointwise,
  type DefinePointwiseOptions,
  expr,
  type ExpressionTag,
  type PointwiseFunction,
} from "./src/ops/expression.ts";
export type { Formula } from "./src/expr/formula.ts";
export type { Operand } from "./src/ops/compute.ts";
export type { Binary, Unary } from "./src/ops/table.ts";
export type { Gradient, PointwiseOp, PointwiseOptions, ResultKind } from "./src/ops/pointwise_op.ts";
export type { Expr } from "./src/expr/expr.ts";
export type { Program } from "./src/expr/program.ts";
export * from "./src/ops/view.ts";
export * from "./src/ops/slice.ts";
export { asStrided } from "./src/ops/strided.ts";
export {
  clone,
  contiguous,
  copy_,
  type CopyMethods,
  fill_,
  to,
  type ToOptions,
  type,
  zero_,
} from "./src/ops/copy.ts";
export * from "./src/ops/reduce.ts";
export { MinMax, ReturnType, ValuesIndices } from "./src/ops/return_types.ts";
export * from "./src/ops/extrema.ts";
export * from "./src/ops/statistics.ts";
export * from "./src/ops/quantile.ts";
export * from "./src/ops/sets.ts";
export { dist, norm, type NormOptions, renorm } from "./src/ops/norm.ts";
export * from "./src/ops/scan.ts";
export * from "./src/ops/order.ts";
export * from "./src/ops/softmax.ts";
export * from "./src/ops/join.ts";
export * from "./src/ops/parts.ts";
export * from "./src/ops/rearrange.ts";
export * from "./src/ops/grids.ts";
export * from "./src/ops/index.ts";
import "./src/ops/index_proxy.ts";
import "./src/ops/operators.ts";
export * from "./src/ops/index_ops.ts";
export * from "./src/ops/scatter.ts";
export * from "./src/ops/random.ts";
export {
  defaultGenerator,
  Generator,
  getRngState,
  initialSeed,
  manualSeed,
  seed,
  setRngState,
} from "./src/ops/random_state.ts";
export * as random from "./src/ops/random_state.ts";
export { Philox, philox } from "./src/random/philox.ts";
export * from "./src/ops/mask.ts";
export * from "./src/ops/products.ts";
export * from "./src/ops/batch_products.ts";
export * from "./src/ops/matmul.ts";
export * from "./src/ops/einsum.ts";
export * from "./src/ops/cdist.ts";
export * from "./src/ops/linalg/torch_names.ts";
export * as linalg from "./src/ops/linalg/mod.ts";
export * from "./src/ops/conv.ts";
export * from "./src/ops/pool.ts";
export { gruCell, lstmCell, rnnReluCell, rnnTanhCell } from "./src/ops/cells.ts";
export { channelShuffle, pixelShuffle, pixelUnshuffle } from "./src/ops/shuffle.ts";
export { getNumThreads, setNumThreads } from "./src/backend/cpu/pool.ts";
export { getBlas, setBlas } from "./src/backend/cpu/blas/library.ts";
export * from "./src/backend/backends.ts";
export {
  enableGrad,
  inferenceMode,
  isGradEnabled,
  isInferenceModeEnabled,
  type ModeGuard,
  noGrad,
  setGradEnabled,
} from "./src/autograd/modes.ts";
export { type AnyFunction, type Compile, compile } from "./src/compile/compile.ts";
export type { ExplainOptions, Explanation, Notes } from "./src/compile/explanation.ts";
export * as autograd from "./src/autograd/mod.ts";
export * as nn from "./src/nn/mod.ts";
export * as optim from "./src/optim/mod.ts";
export * as graph from "./src/graph/mod.ts";
export * as plot from "./src/plot/plot.ts";
import "./src/display/stock_kernel.ts";
export { html, markdown } from "./src/display/display.ts";
export { type Display, display } from "./src/plot/show.ts";
export type { ImageBatch, ImageSource, ShowImageOptions, ShowImagesOptions } from "./src/plot/picture.ts";
export type { HasToArray, Matrix, Vector } from "./src/plot/values.ts";
export type { PixelOptions } from "./src/plot/pixels.ts";
export { DISPLAY, type Displayable, type MimeBundle, type MimeObject } from "./src/display/mime.ts";
export { progress, type ProgressOptions } from "./src/display/progress.ts";
export { setWarnAlways, setWarningHandler, type WarningHandler } from "./src/warn.ts";
