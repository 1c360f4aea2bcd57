/**
 * Choosing between values: bounds, conditions, masks, and the neighbours of floats.
 * @module
 */

import { checkKeys } from "../tensor/arguments.ts";
import { castScalar } from "../tensor/cast.ts";
import { resultType, typeName } from "../tensor/dtype.ts";
import { installMethods, Tensor } from "../tensor/tensor.ts";
import type { Operand } from "./core/compute.ts";
import { noBool } from "./core/dtype_rules.ts";
import { checkOperand, operandTensor, operation, type Plan, run, runInPlace } from "./core/table.ts";

// ---- bounds -------------------------------------------------------------------------------------------------------

/** A bound of {@linkcode clamp}: a number, or a tensor that is broadcast; null or undefined for none. */
export type Bound = Operand | null | undefined;

/** Options of {@linkcode clamp}. */
export interface ClampOptions {
  /** The least value. */
  readonly min?: Bound;
  /** The greatest value; it wins over a larger `min`. */
  readonly max?: Bound;
}

const bounded = { dtypes: noBool("\"clamp_scalar_cpu\" not implemented for 'Bool'") };
const low = { ...bounded, grad: ["where(x >= a, g, 0)", "where(x < a, g, 0)"], names: ["self", "min"] };
const high = { ...bounded, grad: ["where(x <= b, g, 0)", "where(x > b, g, 0)"], names: ["self", "max"] };
const between = {
  ...bounded,
  grad: ["where(x >= a && x <= b, g, 0)", "where(a < b && x < a, g, 0)", "where(x > b || b < a, g, 0)"],
  names: ["self", "min", "max"],
};
const lowText = "max(x, a)", highText = "min(x, b)", betweenText = "min(max(x, a), b)";

// PyTorch has two nodes for each: bounds that are numbers, and bounds that are tensors.
const Clamp = operation("clamp", "x a b", betweenText, {
  ...between,
  gradFn: "ClampBackward1",
  parameters: 2,
});
const ClampTensor = operation("clampTensor", "x a b", betweenText, { ...between, gradFn: "ClampBackward0" });
const ClampLow = operation("clampLow", "x a", lowText, { ...low, gradFn: "ClampBackward1", parameters: 1 });
const ClampLowTensor = operation("clampLowTensor", "x a", lowText, { ...low, gradFn: "ClampBackward0" });
const ClampHigh = operation("clampHigh", "x b", highText, {
  ...high,
  gradFn: "ClampBackward1",
  parameters: 1,
});
const ClampHighTensor = operation("clampHighTensor", "x b", highText, { ...high, gradFn: "ClampBackward0" });
const ClampMin = operation("clampMin", "x a", lowText, {
  ...low,
  gradFn: "ClampMinBackward0",
  parameters: 1,
});
const ClampMinTensor = operation("clampMinTensor", "x a", lowText, { ...low, gradFn: "ClampMinBackward1" });
const ClampMax = operation("clampMax", "x b", highText, {
  ...high,
  gradFn: "ClampMaxBackward0",
  parameters: 1,
});
const ClampMaxTensor = operation("clampMaxTensor", "x b", highText, { ...high, gradFn: "ClampMaxBackward1" });

function clampPlan(x: Tensor, min: Bound | ClampOptions, max: Bound): Plan {
  let bounds: ClampOptions;
  if (typeof min === "object" && min !== null && !(min instanceof Tensor)) {
    checkKeys(min, "clamp", ["min", "max"]);
    bounds = min;
  } else bounds = { min, max };
  const a = bounds.min ?? null, b = bounds.max ?? null;
  if (a !== null) checkOperand(a, "clamp");
  if (b !== null) checkOperand(b, "clamp");
  const tensors = typeof a === "object" && a !== null || typeof b === "object" && b !== null;
  if (a !== null && b !== null) return [tensors ? ClampTensor : Clamp, [x, a, b]];
  if (a !== null) return [tensors ? ClampLowTensor : ClampLow, [x, a]];
  if (b !== null) return [tensors ? ClampHighTensor : ClampHigh, [x, b]];
  throw new TypeError("clamp: At least one of 'min' or 'max' must not be null");
}

/**
 * x brought into [min, max]. The bounds are numbers or tensors, by position or as options; the gradient at a bound is 1.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const x = dg.tensor([-2, 0.5, 3]);
 * dg.clamp(x, { min: 0 }); // tensor([0.0000, 0.5000, 3.0000])
 * dg.clamp(x, 0, 1); // tensor([0.0000, 0.5000, 1.0000])
 * ```
 */
export function clamp(x: Operand, min?: Bound | ClampOptions, max?: Bound): Tensor {
  return run(clampPlan(operandTensor(x, "clamp"), min, max));
}

/** x, but at least min. */
export function clampMin(x: Operand, min: Operand): Tensor {
  checkOperand(min, "clampMin");
  return run([typeof min === "object" ? ClampMinTensor : ClampMin, [operandTensor(x, "clampMin"), min]]);
}

/** x, but at most max. */
export function clampMax(x: Operand, max: Operand): Tensor {
  checkOperand(max, "clampMax");
  return run([typeof max === "object" ? ClampMaxTensor : ClampMax, [operandTensor(x, "clampMax"), max]]);
}

/** The same as {@linkcode clamp}. */
export const clip: typeof clamp = clamp;

// ---- conditions ---------------------------------------------------------------------------------------------------

const Where = operation("where", "c a b", "where(c, a, b)", {
  follows: [1, 2],
  names: ["condition", "self", "other"],
});

/**
 * The elements of a where the condition holds, those of b elsewhere; all three are broadcast. The condition is a bool tensor.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const x = dg.tensor([-1, 2]);
 * dg.where(x.gt(0), x, 0); // tensor([0., 2.])
 * ```
 */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor;
/** The indices where the condition is not 0, one tensor a dimension: `nonzero` with `asTuple`. */
export function where(condition: Tensor): Tensor[];
export function where(condition: Tensor, a?: Operand, b?: Operand): Tensor | Tensor[] {
  if (!(condition instanceof Tensor)) {
    throw new TypeError(
      `where(): argument 'condition' must be a bool tensor, not ${
        condition === null ? "null" : typeof condition
      }`,
    );
  }
  if (a === undefined && b === undefined) return condition.nonzero({ asTuple: true });
  if (condition.dtype !== "bool") {
    throw new TypeError(
      `where expected condition to be a boolean tensor, but got a tensor with dtype ${
        typeName(condition.dtype)
      }`,
    );
  }
  return run([Where, [condition, checkOperand(a, "where"), checkOperand(b, "where")]]);
}

const fillRule = {
  follows: "first",
  names: ["self", "mask", "value"],
  grad: ["where(m, 0, g)", "0", "where(m, g, 0)"],
} as const;
const MaskedFill = operation("maskedFill", "x m v", "where(m, v, x)", fillRule);
const MaskedFillTensor = operation("maskedFillTensor", "x m v", "where(m, v, x)", {
  ...fillRule,
  gradFn: "MaskedFillBackward1",
});

function maskedFillPlan(x: Tensor, mask: Tensor, value: Operand): Plan {
  if (!(mask instanceof Tensor) || mask.dtype !== "bool") {
    throw new TypeError(
      `maskedFill only supports boolean masks, but got mask with dtype ${
        mask instanceof Tensor ? mask.dtype : typeof mask
      }`,
    );
  }
  checkOperand(value, "maskedFill");
  if (typeof value !== "object") {
    const exact = castScalar(value, x.dtype); // throws where the dtype cannot hold it
    return [MaskedFill, [
      x,
      mask,
      typeof exact === "bigint" ? exact : typeof value === "boolean" ? value : exact,
    ]];
  }
  if (value.ndim !== 0) {
    throw new TypeError(
      `maskedFill only supports a 0-dimensional value tensor, but got tensor with ${value.ndim} dimension(s).`,
    );
  }
  return [MaskedFillTensor, [x, mask, value]];
}

/** x with `value` where the mask holds. The mask is a bool tensor that is broadcast, the value a number or 0-d tensor. */
export function maskedFill(x: Tensor, mask: Tensor, value: Operand): Tensor {
  return run(maskedFillPlan(operandTensor(x, "maskedFill"), mask, value));
}

// ---- neighbours ---------------------------------------------------------------------------------------------------

const Next64 = operation("nextafter", "a b", "nextafter(a, b)", { grad: null });
const Next32 = operation("nextafterSingle", "a b", "nextafter32(a, b)", { grad: null });

function nextPlan(a: Operand, b: Operand): Plan {
  const inputs = [checkOperand(a, "nextafter"), checkOperand(b, "nextafter")];
  const dtype = resultType(inputs);
  if (dtype !== "float32" && dtype !== "float64") {
    throw new TypeError(`"nextafter_cpu" not implemented for '${typeName(dtype)}'`);
  }
  if (typeof inputs[0] !== "object" && typeof inputs[1] !== "object") {
    inputs[0] = operandTensor(a, "nextafter");
  }
  return [dtype === "float32" ? Next32 : Next64, inputs];
}

/** The next number of the dtype (float32 or float64) after a, in the direction of b. */
export function nextafter(a: Operand, b: Operand): Tensor {
  return run(nextPlan(a, b));
}

/** The methods of this family. */
export interface SelectMethods {
  /** Brought into [min, max]. */
  clamp(min?: Bound | ClampOptions, max?: Bound): Tensor;
  /** {@linkcode SelectMethods.clamp} in place. */
  clamp_(min?: Bound | ClampOptions, max?: Bound): Tensor;
  /** The same as `clamp`. */
  clip(min?: Bound | ClampOptions, max?: Bound): Tensor;
  /** The same as `clamp_`. */
  clip_(min?: Bound | ClampOptions, max?: Bound): Tensor;
  /** At least min. */
  clampMin(min: Operand): Tensor;
  /** {@linkcode SelectMethods.clampMin} in place. */
  clampMin_(min: Operand): Tensor;
  /** At most max. */
  clampMax(max: Operand): Tensor;
  /** {@linkcode SelectMethods.clampMax} in place. */
  clampMax_(max: Operand): Tensor;
  /** These elements where the condition holds, those of `other` elsewhere. */
  where(condition: Tensor, other: Operand): Tensor;
  /** With `value` where the mask holds. */
  maskedFill(mask: Tensor, value: Operand): Tensor;
  /** {@linkcode SelectMethods.maskedFill} in place. */
  maskedFill_(mask: Tensor, value: Operand): Tensor;
  /** The next number in the direction of `other`. */
  nextafter(other: Operand): Tensor;
  /** {@linkcode SelectMethods.nextafter} in place. */
  nextafter_(other: Operand): Tensor;
}

const methods: SelectMethods & ThisType<Tensor> = {
  clamp(min, max) {
    return run(clampPlan(this, min, max));
  },
  clamp_(min, max) {
    return runInPlace(clampPlan(this, min, max));
  },
  clip(min, max) {
    return run(clampPlan(this, min, max));
  },
  clip_(min, max) {
    return runInPlace(clampPlan(this, min, max));
  },
  clampMin(min) {
    return clampMin(this, min);
  },
  clampMin_(min) {
    checkOperand(min, "clampMin_");
    return runInPlace([typeof min === "object" ? ClampMinTensor : ClampMin, [this, min]]);
  },
  clampMax(max) {
    return clampMax(this, max);
  },
  clampMax_(max) {
    checkOperand(max, "clampMax_");
    return runInPlace([typeof max === "object" ? ClampMaxTensor : ClampMax, [this, max]]);
  },
  where(condition, other) {
    return where(condition, this, other);
  },
  maskedFill(mask, value) {
    return maskedFill(this, mask, value);
  },
  maskedFill_(mask, value) {
    return runInPlace(maskedFillPlan(this, mask, value));
  },
  nextafter(other) {
    return nextafter(this, other);
  },
  nextafter_(other) {
    return runInPlace(nextPlan(this, other));
  },
};
installMethods(methods);
