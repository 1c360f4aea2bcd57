/**
 * Sizes and options of the functions that make tensors.
 * @module
 */

import { AutogradMeta } from "./autograd_meta.ts";
import { describe } from "./describe.ts";
import { checkDevice, type Device, getDefaultDevice } from "./device.ts";
import { checkDType, type DType, isFloatingPoint } from "./dtype.ts";
import { checkShape, type Shape } from "./shape.ts";
import { copyToDevice, type Tensor } from "./tensor.ts";

/** Options of the functions that make tensors. */
export interface TensorOptions {
  /** Element type; by default that of the values, or the default dtype. */
  readonly dtype?: DType;
  /** Where the memory shall be. */
  readonly device?: Device;
  /** Whether gradients are wanted with respect to the new tensor. */
  readonly requiresGrad?: boolean;
}

const optionNames = new Set(["dtype", "device", "requiresGrad"]);

/** Where a new tensor shall be. */
export function deviceOf(options: TensorOptions): Device {
  return options.device ?? getDefaultDevice();
}

/** Brings a new tensor to the device that the options name, and applies `requiresGrad`. */
export function finish(t: Tensor, options: TensorOptions): Tensor {
  const device = deviceOf(options);
  if (t.device !== device) t = copyToDevice(t, device);
  if (options.requiresGrad) {
    if (!isFloatingPoint(t.dtype)) {
      throw new TypeError("Only Tensors of floating point and complex dtype can require gradients");
    }
    (t.meta = new AutogradMeta()).requiresGrad = true;
  }
  return t;
}

/** Throws for a misspelt option or an unknown dtype or device. */
export function checkOptions(
  options: TensorOptions,
  caller: string,
  extra: readonly string[] = [],
): TensorOptions {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new TypeError(
      `${caller}(): options must be an object such as { dtype: "float64" }, not ${describe(options)}`,
    );
  }
  for (const key of Object.keys(options)) {
    if (!optionNames.has(key) && !extra.includes(key)) {
      throw new TypeError(
        `${caller}() has no option ${JSON.stringify(key)}: use ${[...optionNames, ...extra].join(", ")}`,
      );
    }
  }
  if (options.dtype !== undefined) checkDType(options.dtype);
  if (options.device !== undefined) checkDevice(options.device);
  const { requiresGrad } = options;
  if (requiresGrad !== undefined && typeof requiresGrad !== "boolean") {
    throw new TypeError(`${caller}(): requiresGrad must be a boolean, not ${describe(requiresGrad)}`);
  }
  return options;
}

/** `f(2, 3)`, `f([2, 3])`, each with options at the end. */
export type SizeArgs =
  | readonly [sizes: readonly number[], options?: TensorOptions]
  | readonly [...sizes: number[]]
  | readonly [...sizes: number[], options: TensorOptions];

/** Takes sizes and options apart. */
export function splitSizes<O extends TensorOptions = TensorOptions>(
  args: readonly unknown[],
  caller: string,
  extra: readonly string[] = [],
): { shape: Shape; options: O } {
  const last = args[args.length - 1];
  const hasOptions = typeof last === "object" && last !== null && !Array.isArray(last);
  const sizes = hasOptions ? args.slice(0, -1) : args;
  const list = sizes.length === 1 && Array.isArray(sizes[0]) ? sizes[0] : sizes;
  const options = (hasOptions ? last : {}) as O;
  checkOptions(options, caller, extra);
  return { shape: checkShape(list as readonly number[], caller), options };
}
