/**
 * Whether operations are recorded: PyTorch's `no_grad`, `enable_grad`, `set_grad_enabled` and `inference_mode`.
 * @module
 */

import { checkFlag, checkFunction, checkKeys } from "../tensor/arguments.ts";

/** The current modes. Read on every operation, so a plain object. */
export const mode: { grad: boolean; inference: boolean; anomaly: { readonly checkNan: boolean } | null } = {
  grad: true,
  inference: false,
  anomaly: null,
};

/** A mode that ends with its block: `using _ = noGrad();`. */
export interface ModeGuard extends Disposable {
  /** Goes back to the mode from before. */
  [Symbol.dispose](): void;
}

function enter(grad: boolean, inference: boolean): ModeGuard {
  const before = { grad: mode.grad, inference: mode.inference };
  set(grad, inference);
  return { [Symbol.dispose]: () => set(before.grad, before.inference) };
}

function set(grad: boolean, inference: boolean): void {
  mode.grad = grad;
  mode.inference = inference;
}

function within<T>(
  name: string,
  grad: boolean,
  inference: boolean,
  fn: (() => T) | undefined,
): T | ModeGuard {
  if (fn === undefined) return enter(grad, inference);
  checkFunction(fn, name, "fn");
  const before = mode.grad, inferring = mode.inference;
  set(grad, inference);
  let result: T;
  try { // and no guard: loops do this at every step
    result = fn();
  } finally {
    set(before, inferring);
  }
  if (result instanceof Promise) {
    throw new TypeError(
      `${name}(fn) takes a synchronous function, because other code runs while a Promise waits: ` +
        `write \`using _ = ${name}();\` in the block after the await`,
    );
  }
  return result;
}

/**
 * Computes without recording: results do not require gradients. Give a function, or take a guard with `using`.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * const x = dg.tensor(0.5, { requiresGrad: true });
 * dg.noGrad(() => x.sub_(0.1));
 * {
 *   using _ = dg.noGrad();
 *   x.sub_(0.1);
 * }
 * ```
 */
export function noGrad<T>(fn: () => T): T;
/** Takes a guard for `using`. */
export function noGrad(): ModeGuard;
export function noGrad<T>(fn?: () => T): T | ModeGuard {
  return within("noGrad", false, mode.inference, fn);
}

/** Records again inside a `noGrad`. Give a function, or take a guard with `using`. */
export function enableGrad<T>(fn: () => T): T;
/** Takes a guard for `using`. */
export function enableGrad(): ModeGuard;
export function enableGrad<T>(fn?: () => T): T | ModeGuard {
  return within("enableGrad", true, mode.inference, fn);
}

/**
 * Like `noGrad`, and the tensors made inside may never take part in a graph or be changed in place outside: for
 * evaluation only.
 */
export function inferenceMode<T>(fn: () => T): T;
/** Takes a guard for `using`. */
export function inferenceMode(): ModeGuard;
export function inferenceMode<T>(fn?: () => T): T | ModeGuard {
  return within("inferenceMode", false, true, fn);
}

/** Switches recording on or off from here on; the guard that it returns goes back with `using`. */
export function setGradEnabled(enabled: boolean): ModeGuard {
  checkFlag(enabled, "setGradEnabled", "enabled");
  return enter(enabled, mode.inference);
}

/** Whether operations are recorded now. */
export function isGradEnabled(): boolean {
  return mode.grad;
}

/** Whether inference mode is on now. */
export function isInferenceModeEnabled(): boolean {
  return mode.inference;
}

/** Options of {@linkcode setDetectAnomaly}. */
export interface AnomalyOptions {
  /** Throw where a backward pass makes a NaN (the default). */
  readonly checkNan?: boolean;
}

/**
 * From here on every operation remembers where it was called, so that an error in a backward pass, or a NaN that it makes, is
 * traced to the line whose gradient failed. Slow: for hunting only. The guard that it returns goes back with `using`.
 *
 * @example
 * ```ts
 * import * as dg from "@dinograd/dinograd";
 *
 * using _ = dg.autograd.setDetectAnomaly(true);
 * const x = dg.tensor(-1, { requiresGrad: true });
 * try {
 *   x.sqrt().mul(0).backward(); // 0 * NaN
 * } catch (error) {
 *   console.log(error); // Function 'SqrtBackward0' returned nan values in its 0th output ...
 * }
 * ```
 */
export function setDetectAnomaly(enabled: boolean, options: AnomalyOptions = {}): ModeGuard {
  checkFlag(enabled, "setDetectAnomaly", "enabled");
  checkKeys(options, "setDetectAnomaly", ["checkNan"]);
  const before = mode.anomaly;
  mode.anomaly = enabled ? { checkNan: options.checkNan ?? true } : null;
  return { [Symbol.dispose]: () => void (mode.anomaly = before) };
}
