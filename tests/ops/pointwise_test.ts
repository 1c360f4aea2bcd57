/**
 * Every row of the pointwise table, tested by what the row itself says: gradients of first and second order against
 * differences, layouts and dtypes against its scalar kernel, the methods in place against those that are not.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { grad } from "../../src/autograd/grad.ts";
import "../../src/autograd/methods.ts";
import { scalarFunction } from "../../src/expr/lower_js.ts";
import { applyPointwise } from "../../src/ops/core/apply.ts";
import * as arithmetic from "../../src/ops/arithmetic.ts";
import * as compare from "../../src/ops/compare.ts";
import "../../src/ops/fused.ts";
import "../../src/ops/parametric.ts";
import * as pointwise from "../../src/ops/pointwise.ts";
import type { PointwiseOp } from "../../src/ops/core/pointwise_op.ts";
import "../../src/ops/reduce/reduce.ts";
import * as select from "../../src/ops/select.ts";
import * as special from "../../src/ops/special.ts";
import { pointwiseTable } from "../../src/ops/core/table.ts";
import * as create from "../../src/tensor/create.ts";
import { Tensor } from "../../src/tensor/tensor.ts";
import { category, type DType, dtypes, flavorOf } from "../../src/tensor/dtype.ts";

// The families one by one: the networks' activations and losses are rows, too, but have their own tests.
const dg = { ...create, ...arithmetic, ...compare, ...pointwise, ...select, special };

/** Rows for integers alone. */
const wholeRows = new Set(
  "gcd lcm bitwiseAnd bitwiseOr bitwiseXor bitwiseLeftShift bitwiseRightShift bitwiseNot".split(" "),
);

/** Points for each tensor input, inside the domain and away from kinks, where the usual ones are not. */
const points: Record<string, number[][]> = {
  log: [[0.2, 1.3, 4]],
  log2: [[0.2, 1.3, 4]],
  log10: [[0.2, 1.3, 4]],
  log1p: [[-0.6, 0.4, 3]],
  sqrt: [[0.3, 1, 4.2]],
  rsqrt: [[0.3, 1, 4.2]],
  acosh: [[1.2, 2, 5]],
  asin: [[-0.8, 0.1, 0.6]],
  acos: [[-0.8, 0.1, 0.6]],
  atanh: [[-0.8, 0.1, 0.6]],
  erfinv: [[-0.8, 0.1, 0.6]],
  logit: [[0.2, 0.5, 0.9]],
  logitEps: [[0.05, 0.5, 0.93]],
  lgamma: [[-0.6, 0.4, 3]],
  digamma: [[-0.6, 0.4, 3]],
  mvlgamma: [[1.3, 2, 4]],
  polygamma: [[-0.6, 0.4, 3]],
  pow: [[0.5, 1.3, 2], [-0.7, 2, 0.4]],
  powScalar: [[0.5, 1.3, 2]],
  powBase: [[0.5, 1.3, 2], [-0.7, 2, 0.4]],
  xlogy: [[-0.5, 1.2, 2], [0.3, 1.5, 2]],
  "special.xlog1py": [[-0.5, 1.2, 2], [-0.4, 1.5, 2]],
  "special.entr": [[0.2, 0.9, 3]],
  remainder: [[5.3, -2.2, 0.7], [2, -1.5, 3]],
  fmod: [[5.3, -2.2, 0.7], [2, -1.5, 3]],
  clamp: [[-1.4, 0.3, 2.2]],
  clampTensor: [[-1.4, 0.3, 2.2], [-0.9, 0.6, 0.1], [1.1, 0.9, 1.5]],
  clampLow: [[-1.4, 0.3, 2.2]],
  clampHigh: [[-1.4, 0.3, 2.2]],
  clampMin: [[-1.4, 0.3, 2.2]],
  clampMax: [[-1.4, 0.3, 2.2]],
  where: [[1, 0, 1], [0.3, -0.7, 2], [1.4, 0.2, -1]],
  maskedFill: [[0.3, -0.7, 2], [1, 0, 1], [1.4, 0.2, -1]],
  maskedFillTensor: [[0.3, -0.7, 2], [1, 0, 1], [1.4, 0.2, -1]],
};
const usual = [[0.3, -0.7, 2.4], [1.4, 0.6, -1.7], [0.8, -0.4, 1.1]];

/** Values of the plain parameters, where 0.4 and 1.7 do not fit. */
const parameters: Record<string, number[]> = {
  powScalar: [2.5],
  logitEps: [0.1],
  clamp: [-0.8, 1.3],
  roundDecimals: [10],
  roundTens: [10],
  nanToNum: [0.5, 3, -3],
};

const parametersOf = (name: string, op: PointwiseOp): number[] =>
  (parameters[name] ?? [0.4, 1.7]).slice(0, op.parameters);
const tensorInputs = (op: PointwiseOp): number => op.arity - op.parameters;
const pointsOf = (name: string, op: PointwiseOp): number[][] =>
  (points[name] ?? usual).slice(0, tensorInputs(op));

const floatRows = [...pointwiseTable].filter(([name]) => !wholeRows.has(name));
const smoothRows = floatRows.filter(([, op]) => op.result !== "bool" && op.differentiable);

function near(actual: number, expected: number, tolerance: number, what: string): void {
  assert(
    Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)),
    `${what}: ${actual}, expected ${expected}`,
  );
}

const numbers = (t: Tensor): number[] => (t.detach().reshape(-1).toArray() as unknown[]).map(Number);

/** The gradients of sum(op(inputs) * weights), recorded. */
function gradients(
  op: PointwiseOp,
  inputs: Tensor[],
  rest: number[],
  weights: Tensor,
): (Tensor | null)[] {
  const out = applyPointwise(op, [...inputs, ...rest]);
  return grad([out], inputs, { gradOutputs: [weights], createGraph: true, allowUnused: true });
}

Deno.test("every row: gradients of first and second order agree with central differences", () => {
  assert(smoothRows.length > 75, `${smoothRows.length} rows`);
  const weights = dg.tensor([0.9, -1.3, 0.6], { dtype: "float64" });
  const h = 1e-5;
  for (const [name, op] of smoothRows) {
    const rest = parametersOf(name, op), at = pointsOf(name, op);
    const leaves = (move?: { input: number; by: number }): Tensor[] =>
      at.map((values, i) =>
        dg.tensor(values.map((v) => i === move?.input ? v + move.by : v), {
          dtype: "float64",
          requiresGrad: true,
        })
      );
    const inputs = leaves();
    const grads = gradients(op, inputs, rest, weights);
    const condition = (i: number): boolean => op.names[i] === "condition" || op.names[i] === "mask";
    at.forEach((values, i) => {
      if (condition(i)) return;
      const value = (by: number): number[] =>
        numbers(applyPointwise(op, [...leaves({ input: i, by }), ...rest]).mul(weights));
      const [up, down] = [value(h), value(-h)];
      values.forEach((_, k) =>
        near(
          grads[i] === null ? 0 : numbers(grads[i]!)[k],
          (up[k] - down[k]) / (2 * h),
          2e-8,
          `d ${name}/d${op.program.inputs[i]} at ${at.map((p) => p[k])}`,
        )
      );
    });
    grads.forEach((first, i) => {
      if (first === null || condition(i)) return;
      const again = first.requiresGrad
        ? grad([first.sum()], inputs, { allowUnused: true, retainGraph: true })
        : inputs.map(() => null);
      at.forEach((values, j) => {
        if (condition(j)) return;
        const value = (by: number): number[] =>
          numbers(gradients(op, leaves({ input: j, by }), rest, weights)[i]!);
        const [up, down] = [value(h), value(-h)];
        values.forEach((_, k) =>
          near(
            again[j] === null ? 0 : numbers(again[j])[k],
            (up[k] - down[k]) / (2 * h),
            1e-7,
            `d2 ${name}/d${op.program.inputs[i]}d${op.program.inputs[j]} at ${at.map((p) => p[k])}`,
          )
        );
      });
    });
  }
});

/** Tensors with these elements in several layouts. */
const layouts: Record<string, (values: number[], dtype: DType) => Tensor> = {
  contiguous: (v, dtype) => dg.tensor(v, { dtype }),
  column: (v, dtype) => dg.tensor(v, { dtype }).reshape(-1, 1),
  transposed: (v, dtype) => dg.tensor([v, v, v], { dtype }).t(),
  step: (v, dtype) => dg.tensor(v.flatMap((x) => [x, 9]), { dtype }).asStrided([v.length], [2], 0),
  expanded: (v, dtype) => dg.tensor(v[0], { dtype }).expand(4, v.length),
  scalar: (v, dtype) => dg.tensor(v[0], { dtype }),
  empty: (_, dtype) => dg.zeros([0, 3], { dtype }),
};

/** The elements of tensors and numbers broadcast to a shape, one list for each. */
function broadcastElements(inputs: (Tensor | number)[], shape: readonly number[]): number[][] {
  return inputs.map((x) => {
    const t = typeof x === "number" ? dg.tensor(x, { dtype: "float64" }) : x;
    return numbers(t.expand(shape).contiguous());
  });
}

Deno.test("every row: any layout gives what the scalar kernel gives", () => {
  for (const [name, op] of floatRows) {
    const kernel = op.doubleKernel, rest = parametersOf(name, op), at = pointsOf(name, op);
    for (const dtype of ["float32", "float64"] as const) {
      const rounded = dtype === "float32" ? Math.fround : (v: number) => v;
      for (const [layout, make] of Object.entries(layouts)) {
        // The later inputs stay plain, so that most layouts are also broadcast.
        const inputs = at.map((values, i) => (i === 0 ? make : layouts.contiguous)(values, dtype));
        const out = applyPointwise(op, [...inputs, ...rest]);
        const what = `${name} ${dtype} ${layout}`;
        assertEquals(out.dtype, op.result === "bool" ? "bool" : dtype, what);
        const lists = broadcastElements([...inputs, ...rest.map(rounded)], out.shape);
        const expected = Array.from({ length: out.numel() }, (_, k) => {
          const value = Number(kernel(...lists.map((list) => list[k])));
          return op.result === "bool" ? Number(value !== 0) : rounded(value);
        });
        assertEquals(numbers(out), expected, what);
      }
    }
  }
});

Deno.test("every row: each dtype gives the dtype that the row says, or a TypeError", () => {
  for (const [name, op] of pointwiseTable) {
    let supported = 0;
    for (const dtype of dtypes) {
      const inputs = Array.from({ length: op.arity }, () => dg.ones([2], { dtype }));
      let out: Tensor;
      try {
        out = applyPointwise(op, inputs);
      } catch (error) {
        assert(error instanceof TypeError, `${name} ${dtype}: ${error}`);
        continue;
      }
      supported++;
      const expected = op.result === "bool"
        ? "bool"
        : op.result === "float" && category(dtype) < 2
        ? "float32"
        : dtype;
      assertEquals(out.dtype, expected, `${name} ${dtype}`);
      const flavor = flavorOf(op.result === "float" && category(dtype) < 2 ? "float32" : dtype);
      const one = flavor === "bigint" ? 1n : 1;
      const value = Number(scalarFunction(op.program, flavor)(...inputs.map(() => one)));
      const result = expected === "bool" ? Number(value !== 0) : value;
      // uint8 wraps, and floats of one to four bytes round.
      const stored = expected === "uint8"
        ? result & 255
        : expected === "float16"
        ? Math.f16round(result)
        : expected === "float32"
        ? Math.fround(result)
        : result;
      assertEquals(numbers(out), [stored, stored], `${name} ${dtype}`);
    }
    assert(supported > 0, `${name} has no dtype`);
  }
});

// deno-lint-ignore no-explicit-any
type Methods = Record<string, (...args: any[]) => Tensor>;
const methods = (t: Tensor): Methods => t as unknown as Methods;

Deno.test("every row that is a method: in place is out of place, values and gradients, views included", () => {
  let count = 0;
  for (const [name, op] of pointwiseTable) {
    if (!(`${name}_` in Tensor.prototype) || !(name in Tensor.prototype)) continue;
    if (op.parameters > 0 || ["maskedFill", "nanToNum", "polygamma", "lerp", "addcmul"].includes(name)) {
      continue;
    }
    count++;
    const whole = wholeRows.has(name), dtype = whole ? "int64" : "float64";
    const at = (whole ? [[12, 7, 5], [4, 2, 3]] : points[name] ?? usual).slice(0, op.arity);
    const [x, ...others] = at.map((values) => dg.tensor(values, { dtype }));
    const plain = methods(x)[name](...others);
    const target = x.clone(), version = target.version;
    assert(methods(target)[`${name}_`](...others) === target, name);
    assertEquals(numbers(target), numbers(plain), name);
    assertEquals(target.dtype, x.dtype, name);
    assertEquals(target.version, version + 1, name);

    // A window of a matrix: the rest stays.
    const matrix = dg.tensor([at[0], at[0]], { dtype }).t();
    methods(matrix.select(1, 1))[`${name}_`](...others);
    assertEquals(numbers(matrix.select(1, 1)), numbers(plain), name);
    assertEquals(numbers(matrix.select(1, 0)), numbers(x), name);

    if (whole || op.result === "bool" || !op.differentiable) continue;
    const gradientOf = (f: (y: Tensor) => Tensor): number[] => {
      const leaf = x.clone().requiresGrad_();
      f(leaf.mul(1)).sum().backward();
      return numbers(leaf.grad!);
    };
    assertEquals(
      gradientOf((y) => methods(y)[`${name}_`](...others)),
      gradientOf((y) => methods(y)[name](...others)),
      name,
    );
  }
  assert(count > 70, `${count} rows`);
});

Deno.test("rows of integers and bits", () => {
  const a = dg.tensor([12n, -8n, 7n, 0n]), b = dg.tensor([8n, 12n, -3n, 5n]);
  const both = (f: (x: Tensor, y: Tensor) => Tensor, expected: number[]): void => {
    for (const dtype of ["int64", "int32", "int16", "int8"] as const) {
      const out = f(a.to(dtype), b.to(dtype));
      assertEquals([out.dtype, numbers(out)], [dtype, expected]);
    }
  };
  both(dg.gcd, [4, 4, 1, 5]);
  both(dg.lcm, [24, 24, 21, 0]);
  both(dg.bitwiseAnd, [8, 8, 5, 0]);
  both(dg.bitwiseOr, [12, -4, -1, 5]);
  both(dg.bitwiseXor, [4, -12, -6, 5]);
  both((x) => dg.bitwiseNot(x), [-13, 7, -8, -1]);
  both((x) => dg.bitwiseLeftShift(x, 1n), [24, -16, 14, 0]);
  both((x) => dg.bitwiseRightShift(x, 1n), [6, -4, 3, 0]);
  both(dg.floorDivide, [1, -1, -3, 0]);
  both(dg.remainder, [4, 4, -2, 0]);
  both(dg.fmod, [4, -8, 1, 0]);
  assertEquals(numbers(dg.bitwiseNot(dg.tensor([true, false]))), [0, 1]);
  assertEquals(numbers(dg.tensor([true, false]).bitwiseNot_()), [0, 1]);
  assertThrows(
    () => dg.bitwiseAnd(dg.ones(1), dg.ones(1)),
    TypeError,
    "\"bitwise_and_cpu\" not implemented for 'Float'",
  );
  assertThrows(() => dg.gcd(dg.ones(1), dg.ones(1)), TypeError, "\"gcd_cpu\" not implemented for 'Float'");
  assertThrows(
    () => dg.bitwiseNot(dg.ones(1)),
    TypeError,
    "only implemented on integer and Boolean-type tensors",
  );
  assertThrows(
    () => dg.tensor(1).bitwiseXor(dg.tensor(2)),
    TypeError,
    "\"bitwise_xor_cpu\" not implemented for 'Float'",
  );
  assertThrows(() => dg.floorDivide(a, 0n), RangeError, "ZeroDivisionError");
  assertThrows(() => a.remainder(dg.tensor([1n, 1n, 0n, 1n])), RangeError, "ZeroDivisionError");
});

Deno.test("rows with a jump have no derivative, and say so", () => {
  const x = dg.tensor([1.5, 2], { requiresGrad: true });
  for (const f of [dg.floorDivide, dg.heaviside, dg.nextafter]) {
    const y = f(x, 2);
    assertEquals(y.gradFn!.name(), "NotImplemented");
    assertThrows(() => y.sum().backward(), TypeError, "derivative for aten::");
  }
});

Deno.test("functions take JavaScript values on either side, and refuse what is none", () => {
  const x = dg.tensor([1, 2], { requiresGrad: true });
  assertEquals(numbers(dg.mul(3, x)), [3, 6]);
  assertEquals(dg.mul(3, x).gradFn!.name(), "MulBackward0");
  assertEquals(numbers(dg.atan2(1, x)), numbers(x.reciprocal().atan()));
  assertEquals(numbers(dg.maximum(1.5, x)), [1.5, 2]);
  assertEquals(dg.exp(1).dtype, "float32");
  assertEquals(dg.mul(2n, 3n).dtype, "int64");
  assertEquals(dg.fmod(x, 2).gradFn!.name(), "FmodBackward0");
  assertEquals(dg.fmod(x, x).gradFn!.name(), "FmodBackward1");
  for (const bad of [null, undefined, "1", {}, [1]]) {
    assertThrows(() => dg.exp(bad as unknown as number), TypeError, "exp(): expected a tensor, number");
    assertThrows(() => dg.mul(x, bad as unknown as number), TypeError, "mul(): expected a tensor, number");
    assertThrows(() => x.mul(bad as unknown as number), TypeError, "mul(): expected a tensor, number");
    assertThrows(() => x.add(bad as unknown as number), TypeError, "add(): expected a tensor, number");
    assertThrows(
      () => x.detach().add_(bad as unknown as number),
      TypeError,
      "add_(): expected a tensor, number",
    );
  }
  assertEquals(numbers(x), [1, 2]);
});

Deno.test("other names are the same functions", () => {
  const pairs: [unknown, unknown][] = [
    [dg.multiply, dg.mul],
    [dg.negative, dg.neg],
    [dg.arctan2, dg.atan2],
    [dg.greaterEqual, dg.ge],
    [dg.subtract, dg.sub],
    [dg.special.expit, dg.sigmoid],
    [dg.special.gammaln, dg.lgamma],
  ];
  for (const [a, b] of pairs) assert(a === b);
  const x = dg.tensor([-1, 2]);
  assertEquals(numbers(x.multiply(3)), [-3, 6]);
  assertEquals(numbers(x.absolute()), [1, 2]);
  assertEquals(numbers(x.clone().arctan_()), numbers(x.atan()));
  assertEquals(numbers(x.less(0)), [1, 0]);
});
