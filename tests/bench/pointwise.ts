/**
 * Time of pointwise kernels, for large arrays and for single calls: `deno bench tests/bench/pointwise.ts`.
 */
import { type Operand, runPointwise } from "../../src/backend/cpu/pointwise_js.ts";
import { program } from "../../src/expr/program.ts";

function operand(shape: readonly number[], strides: readonly number[]): Operand {
  const length = shape.reduce((a, b) => a * b, 1);
  return {
    data: Float32Array.from({ length }, () => Math.random() * 4 - 2),
    dtype: "float32",
    offset: 0,
    strides,
  };
}

const sources = {
  add: "a + b",
  relu: "max(a, 0)",
  exp: "exp(a)",
  silu: "a / (1 + exp(-a))",
  gelu: "0.5 * a * (1 + erf(a / sqrt(2)))",
};
for (const side of [2, 1000]) {
  const shape = [side, side];
  const contiguous = operand(shape, [side, 1]),
    other = operand(shape, [side, 1]),
    out = operand(shape, [side, 1]);
  const group = `${side} x ${side}`;
  for (const [name, source] of Object.entries(sources)) {
    const inputs = name === "add" ? ["a", "b"] : ["a"];
    const p = program(inputs, source), operands = [contiguous, other].slice(0, inputs.length);
    Deno.bench(`${name}, ${group}`, { group }, () => runPointwise(p, operands, [out], shape, "float32"));
  }
  const add = program(["a", "b"], sources.add);
  const layouts = { "a row": [0, 1], "a column": [1, 0], "transposed": [1, side] };
  for (const [name, strides] of Object.entries(layouts)) {
    const b = { ...other, strides };
    Deno.bench(
      `add ${name}, ${group}`,
      { group },
      () => runPointwise(add, [contiguous, b], [out], shape, "float32"),
    );
  }
}
