/** The lessons' own tools: Python's and NumPy's texts, and the reading of transcripts. */
import { assertEquals, assertThrows } from "@std/assert";
import * as dg from "../../mod.ts";
import { readExpected } from "./expected.ts";
import { messageOf, normalizeText } from "./lesson.ts";
import { device, float, float32, numpy, repr, shown, size, str, tuple } from "./python.ts";

Deno.test("python: numbers, names, containers", () => {
  assertEquals([0.1, 1e-5, 123456789.5].map((x) => str(float(x))), ["0.1", "1e-05", "123456789.5"]);
  assertEquals([5, 1e16, -0, NaN].map((x) => str(float(x))), ["5.0", "1e+16", "-0.0", "nan"]);
  assertEquals(str(float32(Math.fround(0.1))), "0.1");
  assertEquals([str("float32"), repr("float32"), str("a"), repr("a")], [
    "torch.float32",
    "torch.float32",
    "a",
    "'a'",
  ]);
  assertEquals([str(device("cpu")), repr(device("cpu"))], ["cpu", "device(type='cpu')"]);
  assertEquals(repr([true, null, 2n, tuple(1), size([2, 3])]), "[True, None, 2, (1,), torch.Size([2, 3])]");
  assertEquals(repr({ lr: 0.5, nesterov: false }), "{'lr': 0.5, 'nesterov': False}");
});

Deno.test("python: a shown tuple breaks where an element has several lines", () => {
  const x = dg.tensor([[1, 2], [3, 4]]);
  assertEquals(shown(tuple(x, 1)), "(tensor([[1., 2.],\n         [3., 4.]]),\n 1)");
  assertEquals(shown(tuple(1, 2)), "(1, 2)");
});

Deno.test("numpy: columns, precision, wrapping, dtypes", () => {
  assertEquals(
    str(numpy(Float64Array.of(-5, 1.6666666666666667, 0))),
    "[-5.          1.66666667  0.        ]",
  );
  assertEquals(repr(numpy(Float32Array.of(0.5))), "array([0.5], dtype=float32)");
  assertEquals(repr(numpy(Float32Array.of(5), [])), "array(5., dtype=float32)");
  const integers = numpy(BigInt64Array.of(1n, -12n, 3n, 4n), [2, 2]);
  assertEquals(str(integers), "[[  1 -12]\n [  3   4]]");
  assertEquals(repr(integers), "array([[  1, -12],\n       [  3,   4]])");
  assertEquals(str(numpy(Float64Array.from({ length: 20 }, (_, i) => i / 4))).split("\n").length, 2);
  assertThrows(() => str(numpy(Float64Array.of(1e-9, 1))), RangeError, "scientific");
});

Deno.test("lessons: transcripts, messages", () => {
  const cells = readExpected("03_intro_gradients");
  assertEquals([cells.length, cells[0]], [22, { title: "scalar", text: "tensor(6.)" }]);
  assertEquals(
    normalizeText("RuntimeError: requires_grad=True\n[UserWarning] a_b\na_b"),
    "Error: requiresGrad: true\n[UserWarning] aB\na_b",
  );
  assertThrows(() => messageOf(() => 1), Error, "nothing was thrown");
  assertEquals(
    messageOf(() => dg.tensor([1, 2]).item()),
    "a Tensor with 2 elements cannot be converted to Scalar",
  );
});
