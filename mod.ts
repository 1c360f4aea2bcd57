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
export {
  getPrintOptions,
  type PrintOptions,
  type PrintProfile,
  setPrintOptions,
} from "./src/tensor/format.ts";
export type { AutogradMeta, VersionCounter, ViewInfo } from "./src/tensor/autograd_meta.ts";
export type { Shape } from "./src/tensor/shape.ts";
export type { Storage } from "./src/tensor/storage.ts";
export type { Later } from "./src/tensor/later.ts";
export type * from "./src/ops/methods.ts";
export type { AutogradMethods, BackwardOptions, HookHandle } from "./src/autograd/methods.ts";
export type { GradHook, NextFunction, Node, OutputHook } from "./src/autograd/node.ts";
export type { NormMethods } from "./src/ops/reduce/norm.ts";
export type { StridedMethods } from "./src/ops/view/strided.ts";
export {
  type DType,
  getDefaultDtype,
  type Scalar,
  setDefaultDtype,
  type TypedArray,
} from "./src/tensor/dtype.ts";
export * from "./src/ops/pointwise.ts";
export * from "./src/ops/arithmetic.ts";
export * from "./src/ops/core/promotion.ts";
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
export type { Operand } from "./src/ops/core/compute.ts";
export type { Binary, Unary } from "./src/ops/core/table.ts";
export type { Gradient, PointwiseOp, PointwiseOptions, ResultKind } from "./src/ops/core/pointwise_op.ts";
export type { Expr } from "./src/expr/expr.ts";
export type { Program } from "./src/expr/program.ts";
export * from "./src/ops/view/view.ts";
export * from "./src/ops/view/slice.ts";
export { asStrided } from "./src/ops/view/strided.ts";
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
} from "./src/ops/core/copy.ts";
export * from "./src/ops/reduce/reduce.ts";
export { MinMax, ReturnType, ValuesIndices } from "./src/ops/core/return_types.ts";
export * from "./src/ops/reduce/extrema.ts";
export * from "./src/ops/reduce/statistics.ts";
export * from "./src/ops/sort/quantile.ts";
export * from "./src/ops/sort/sets.ts";
export { dist, norm, type NormOptions, renorm } from "./src/ops/reduce/norm.ts";
export * from "./src/ops/reduce/scan.ts";
export * from "./src/ops/sort/order.ts";
export * from "./src/ops/reduce/softmax.ts";
export * from "./src/ops/view/join.ts";
export * from "./src/ops/view/parts.ts";
export * from "./src/ops/view/rearrange.ts";
export * from "./src/ops/view/grids.ts";
export * from "./src/ops/index/index.ts";
import "./src/ops/index/proxy.ts";
import "./src/ops/operators.ts";
export * from "./src/ops/index/slices.ts";
export * from "./src/ops/index/scatter.ts";
export * from "./src/ops/random/random.ts";
export {
  defaultGenerator,
  Generator,
  getRngState,
  initialSeed,
  manualSeed,
  seed,
  setRngState,
} from "./src/ops/random/state.ts";
export * as random from "./src/ops/random/state.ts";
export { Philox, philox } from "./src/random/philox.ts";
export * from "./src/ops/index/mask.ts";
export * from "./src/ops/matmul/products.ts";
export * from "./src/ops/matmul/batch_products.ts";
export * from "./src/ops/matmul/matmul.ts";
export * from "./src/ops/matmul/einsum.ts";
export * from "./src/ops/matmul/cdist.ts";
export * from "./src/ops/linalg/torch_names.ts";
export * as linalg from "./src/ops/linalg/mod.ts";
export * from "./src/ops/images/conv.ts";
export * from "./src/ops/images/pool.ts";
export { gruCell, lstmCell, rnnReluCell, rnnTanhCell } from "./src/ops/layers/cells.ts";
export { channelShuffle, pixelShuffle, pixelUnshuffle } from "./src/ops/images/shuffle.ts";
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
