/**
 * Where Dinograd does not answer as PyTorch does, on purpose, and why. Everything else is held to PyTorch's answers.
 *
 * @module
 */
import type { CallCase } from "./runner.ts";

/** What of a case is not compared. */
export type Aspect = "all" | "gradFn" | "gradients" | "message";

/** One deliberate difference. */
export interface Deviation {
  /** Cases whose `op` this matches, */
  op?: RegExp;
  /** and whose `id` this matches. */
  id?: RegExp;
  aspect: Aspect;
  reason: string;
}

/** Every deliberate difference. */
export const deviations: readonly Deviation[] = [
  {
    op: /^F\.pairwise_distance$/,
    aspect: "gradFn",
    reason: "PyTorch has an old norm (NormBackward1) beside linalg's; here there is one",
  },
  {
    id: /^lstm\/sequence\/float32$/,
    aspect: "gradFn",
    reason:
      "PyTorch hands LSTMs of float32 to a library (MkldnnRnnLayerBackward0); here all dtypes go one way",
  },
  {
    id: /^(celu\/alpha=0.7|hardsigmoid)\/\w+\/float64$/,
    aspect: "gradients",
    reason:
      "PyTorch keeps 1 / alpha and 1 / 6 in float32 here, so that gradients in float64 have 8 digits; ours have 16",
  },
  {
    id: /^index\/0d$/,
    aspect: "message",
    reason: "PyTorch says how to read the number in Python and in C++; this is neither",
  },
  {
    id: /^index\/string$/,
    aspect: "message",
    reason: "here a text can be an index, so the message says what may stand in it",
  },
];

/** The difference that covers the aspect of the case, if any. */
export function deviationOf(c: CallCase, aspect: Aspect): Deviation | undefined {
  return deviations.find((d) =>
    d.aspect === aspect && (d.op?.test(c.op) ?? true) && (d.id?.test(c.id) ?? true)
  );
}
