/** The golden tests' own tools: what they read, and that they see what is wrong. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { dg, tensorsOf } from "./api.ts";
import { decode, decodeTensor, dtypesIn, type Encoded, type EncodedTensor, Slice, Tuple } from "./codec.ts";
import { compare, normalizeMessage, sameMessage } from "./compare.ts";
import { camelCase, isOperand, ourArguments, resolve } from "./names.ts";
import { accurately, errorInUnits, note } from "./webgpu_accuracy.ts";
import { argumentsOf, type CallCase, type GoldenFile, problemsOf } from "./runner.ts";

const encoded = (d: EncodedTensor["d"], $t = "float32"): EncodedTensor => ({ $t, s: [d.length], d });
const as = (t: EncodedTensor): Encoded => t as unknown as Encoded;
const exact = [0, 0] as const;

Deno.test("golden codec: scalars and index expressions", () => {
  assertEquals(decode({ $f: 2 }), 2);
  assertEquals(decode({ $f: "-inf" }), -Infinity);
  assertEquals(decode({ $i: "9223372036854775807" }), 9223372036854775807n);
  assertEquals(decode([1, 2.5, null, true, "x"]), [1, 2.5, null, true, "x"]);
  assertEquals(decode(3, { ints: "bigint" }), 3n);
  assertEquals(decode({ $slice: [1, null, 2] }), new Slice(1, null, 2));
  assertEquals(decode({ $tuple: [1] }), new Tuple([1]));
  assertThrows(() => decode({ $c: [1, 2] }), Error, "complex");
  assertEquals(dtypesIn({ a: [as(encoded([1], "int8"))], b: { $dtype: "float64" } }), ["int8", "float64"]);
});

Deno.test("golden codec: tensors keep values, strides, offset and requires-grad", () => {
  const special = decodeTensor(encoded(["nan", "inf", -0, 0.5]));
  assertEquals(special.toArray(), [NaN, Infinity, -0, 0.5]);
  assertEquals(decodeTensor(encoded(["9223372036854775807"], "int64")).typedArray()[0], 9223372036854775807n);
  const strided = decodeTensor({ $t: "float32", s: [2, 3], d: [1, 2, 3, 4, 5, 6], st: [1, 2], o: 3, g: 1 });
  assertEquals([strided.toArray(), strided.strides, strided.offset], [[[1, 2, 3], [4, 5, 6]], [1, 2], 3]);
  assert(strided.requiresGrad && strided.isLeaf);
});

Deno.test("golden compare: sees values, dtypes, shapes, counts", () => {
  const t = dg.tensor([1, NaN]);
  assertEquals(compare(t, as(encoded([1, "nan"])), exact), null);
  assertMatch(compare(t, as(encoded([1.001, "nan"])), exact)!, /element 0/);
  assertEquals(compare(t, as(encoded([1.001, "nan"])), [1e-2, 0]), null);
  assertMatch(compare(t, as(encoded([1, "nan"], "float64")), exact)!, /dtype/);
  assertMatch(compare(t, as({ ...encoded([1, 2]), s: [2, 1] }), exact)!, /shape/);
  assertMatch(compare([t], [as(encoded([1, "nan"])), as(encoded([1]))], exact)!, /1 results/);
  assertMatch(compare(2, true, exact)!, /expected true/);
  assertEquals(compare({ values: t, indices: 3 }, [as(encoded([1, "nan"])), 3], exact), null);
});

Deno.test("golden accuracy: errors in units of the last place of the largest element, against bounds", () => {
  assertEquals(errorInUnits([1 + 2 ** -23, 0], [1, 0], "float32"), 1);
  assertEquals(errorInUnits([8, 2 ** -20], [8, 0], "float32"), 1);
  assertEquals(errorInUnits([NaN, 1], [NaN, 1], "float32"), 0);
  assertEquals(errorInUnits([Infinity], [Infinity], "float64"), 0);
  const off = (units: number) => () => {
    note([1 + units * 2 ** -23], [1], "float32");
    return [];
  };
  assertEquals(accurately("unary", "exp", off(2)), []);
  assertMatch(accurately("unary", "exp", off(1000))[0], /error of 1.00e\+3 units .* allowed/);
  assertEquals(accurately("unary", "exp", () => ["wrong"]), ["wrong"]);
});

Deno.test("golden names: calls, operands, arguments, messages", () => {
  assertEquals(["log_softmax", "add_", "conv_transpose2d", "T_max"].map(camelCase), [
    "logSoftmax",
    "add_",
    "convTranspose2d",
    "TMax",
  ]);
  assert(isOperand("add", 1) && isOperand("Tensor.mul_", 1) && isOperand("Tensor.__rpow__", 1));
  assert(!isOperand("sum", 1) && isOperand("full", 1) && !isOperand("full", 0));
  assertEquals(ourArguments("sum", [1], { keepdim: true }), [1, { keepdim: true }]);
  assertEquals(ourArguments("cumsum", [1], { dim: 0 }), [1, 0]);
  assertEquals(resolve("no_such_operation"), undefined);
  assertEquals(normalizeMessage("torch.x_y(): Got Long, keep_dim=True"), "xY(): Got int64, keepDim: true");
  assert(sameMessage("step must be nonzero, got 0", "step must be nonzero."));
  assert(!sameMessage("step must be", "step must be nonzero"));
});

Deno.test("golden runner: a wrong answer, gradient or error is a problem", () => {
  const file: GoldenFile = { file: "made up", tol: { float32: [1e-6, 1e-6] }, cases: [] };
  const x = { ...encoded([1, 2]), g: 1 } as EncodedTensor;
  const right: CallCase = {
    id: "made-up",
    op: "exp",
    args: [as(x)],
    out: as(encoded([2.7182817, 7.389056])),
    ct: [encoded([1, 1])],
    grads: [encoded([2.7182817, 7.389056])],
    grad_fn: ["ExpBackward0"],
  };
  assertEquals(problemsOf(right, file), []);
  assertEquals(tensorsOf(argumentsOf(right)).length, 1);
  assertMatch(problemsOf({ ...right, out: as(encoded([2.7182817, 7])) }, file)[0], /element 1/);
  assertMatch(problemsOf({ ...right, grads: [encoded([2.7182817, 7])] }, file)[0], /gradient 0/);
  assertMatch(problemsOf({ ...right, grads: [null] }, file)[0], /expected none/);
  assertMatch(problemsOf({ ...right, grad_fn: ["LogBackward0"] }, file)[0], /grad_fn/);
  assertMatch(problemsOf({ ...right, view: [true] }, file)[0], /expected a view/);
  const error: CallCase = { id: "made-up", op: "exp", args: [as(x)], error: "RuntimeError", message: "no" };
  assertMatch(problemsOf(error, file)[0], /expected RuntimeError: no/);
});
