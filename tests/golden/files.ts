/** The golden files whose cases are calls. */
export const CALL_FILES: readonly string[] = [
  "unary",
  "binary",
  "reduction",
  "shape",
  "indexing",
  "linalg",
  "intdiv",
  "nn_activation",
  "nn_layers",
  "nn_loss",
  "second_order",
  "errors",
];
