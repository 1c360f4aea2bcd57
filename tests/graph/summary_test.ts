/** The text of graphs, against the graphs that PyTorch builds for the lessons. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as dg from "../../mod.ts";

const { summary } = dg.graph;

function leaves(...shapes: number[][]): dg.Tensor[] {
  return shapes.map((shape) => dg.ones(shape, { requiresGrad: true }));
}

Deno.test("c * sin(x) + x + c with a constant c", () => {
  const x = dg.tensor(2, { requiresGrad: true }), c = dg.tensor(5);
  assertEquals(
    summary(c.mul(x.sin()).add(x).add(c)),
    `\
AddBackward0 alpha=1
  AddBackward0 alpha=1
    MulBackward0 other=null, self=[saved tensor ()]
      null
      SinBackward0 self=[saved tensor ()]
        AccumulateGrad leaf ()
    AccumulateGrad (seen)
  null`,
  );
});

Deno.test("c * sin(x) + x + c where both are wanted, with names", () => {
  const [x, c] = leaves([], []);
  assertEquals(
    summary(c.mul(x.sin()).add(x).add(c), { params: { x, c } }),
    `\
AddBackward0 alpha=1
  AddBackward0 alpha=1
    MulBackward0 other=[saved tensor ()], self=[saved tensor ()]
      AccumulateGrad c ()
      SinBackward0 self=[saved tensor ()]
        AccumulateGrad x ()
    AccumulateGrad (seen)
  AccumulateGrad (seen)`,
  );
});

Deno.test("a mean-squared error", () => {
  const [X, theta] = leaves([100, 5], [5]);
  assertEquals(
    summary(X.mean(1).sub(X.mv(theta)).pow(2).mean(), { params: [["X_train", X], ["theta", theta]] }),
    `\
MeanBackward0 selfSymNumel=100, selfSymSizes=[100]
  PowBackward0 exponent=2, self=[saved tensor (100)]
    SubBackward0 alpha=1
      MeanBackward1 dim=[1], keepdim=false, selfSymNumel=500, selfSymSizes=[100, 5]
        AccumulateGrad X_train (100, 5)
      MvBackward0 self=[saved tensor (100, 5)], vec=[saved tensor (5)]
        AccumulateGrad (seen)
        AccumulateGrad theta (5)`,
  );
});

Deno.test("without a graph, and with several outputs", () => {
  const [w] = leaves([2]);
  assertEquals(summary(w), "leaf (2)");
  assertEquals(summary(w, { params: { w } }), "w (2)");
  assertEquals(summary(dg.ones(2, 3)), "no gradient (2, 3)");
  assertEquals(
    summary([w.exp(), w, w.neg()]),
    "leaf (2)\nExpBackward0 result=[saved tensor (2)]\n  AccumulateGrad leaf (2)\nNegBackward0\n  AccumulateGrad (seen)",
  );
});

Deno.test("freed or overwritten tensors are left out, plain values stay", () => {
  const [w] = leaves([2, 3]);
  const y = w.mul(w).sum(1).sum();
  y.backward();
  assertEquals(
    summary(y, { params: { w } }),
    "SumBackward0 selfSymSizes=[2]\n  SumBackward1 dim=[1], keepdim=false, selfSymSizes=[2, 3]\n    MulBackward0\n" +
      "      AccumulateGrad w (2, 3)\n      AccumulateGrad (seen)",
  );
  const e = w.exp(), p = e.prod(1);
  assertEquals(
    summary(p).split("\n")[0],
    "ProdBackward1 dim=1, keepdim=false, result=[saved tensor (2)], self=[saved tensor (2, 3)]",
  );
  e.zero_();
  assertEquals(summary(p).split("\n")[0], "ProdBackward1 dim=1, keepdim=false");
});

Deno.test("a graph 20,000 deep, and the limit", () => {
  const [w] = leaves([]);
  let y = w;
  for (let i = 0; i < 20_000; i++) y = y.neg();
  const all = summary(y, { maxNodes: Infinity }).split("\n");
  assertEquals(all.length, 20_001);
  assertEquals(all.at(-1)!.trim(), "[depth 20000] AccumulateGrad leaf ()");
  assert(all.every((line) => line.length < 150));
  const some = summary(y, { maxNodes: 10 }).split("\n");
  assertEquals(some.length, 11);
  assertEquals(some[10], "... 10 of 20001 nodes shown: maxNodes shows more");
  assertEquals(summary(y).split("\n").length, 1001);
});

Deno.test("names on one line", () => {
  const [w] = leaves([1]);
  assertEquals(
    summary(w.neg(), { params: { "a\nb\u0007": w } }),
    "NegBackward0\n  AccumulateGrad a b\ufffd (1)",
  );
});

Deno.test("a network", () => {
  const [W1, b1, W2, b2] = leaves([16, 4], [16], [1, 16], [1]);
  const y = dg.ones(32, 4).mm(W1.t()).add(b1).tanh().mm(W2.t()).add(b2);
  const names = summary(y, { params: { W1, b1, W2, b2 } }).split("\n").map((line) =>
    line.replace(/^( *\w+)( \w+=.*)$/, "$1")
  );
  assertEquals(names, [
    "AddBackward0",
    "  MmBackward0",
    "    TanhBackward0",
    "      AddBackward0",
    "        MmBackward0",
    "          null",
    "          TBackward0",
    "            AccumulateGrad W1 (16, 4)",
    "        AccumulateGrad b1 (16)",
    "    TBackward0",
    "      AccumulateGrad W2 (1, 16)",
    "  AccumulateGrad b2 (1)",
  ]);
});

Deno.test("a network of modules", () => {
  const { Linear, Sequential, Tanh } = dg.nn;
  const model = new Sequential(new Linear(4, 8), new Tanh(), new Linear(8, 1));
  const text = summary(model.call(dg.ones(3, 4)), { params: model.namedParameters() });
  assertEquals(text.split("\n").map((line) => line.replace(/^( *\w+)( \w+=.*)$/, "$1")), [
    "AddmmBackward0",
    "  AccumulateGrad 2.bias (1)",
    "  TanhBackward0",
    "    AddmmBackward0",
    "      AccumulateGrad 0.bias (8)",
    "      null",
    "      TBackward0",
    "        AccumulateGrad 0.weight (8, 4)",
    "  TBackward0",
    "    AccumulateGrad 2.weight (1, 8)",
  ]);
  assertEquals(summary(model.call(dg.ones(3, 4)), { params: model }), text);
});

Deno.test("what is refused", () => {
  // deno-lint-ignore no-explicit-any
  const bad: any = 3, w = dg.ones(1);
  assertThrows(
    () => summary(bad),
    TypeError,
    "summary: expected a Tensor or several in an array, got number",
  );
  assertThrows(() => summary([]), TypeError, "got an empty array");
  assertThrows(() => summary([w, bad]), TypeError, "got an array of other things");
  assertThrows(() => summary(w, { maxNodes: 0 }), RangeError, "maxNodes must be a whole number from 1");
  assertThrows(() => summary(w, { maxNodes: bad + "" as never }), TypeError, "must be a number, got string");
  assertThrows(
    () => summary(w, { parms: {} } as never),
    TypeError,
    `no option "parms": use params, maxNodes`,
  );
  assertThrows(() => summary(w, { params: w as never }), TypeError, "got a Tensor");
  assertThrows(
    () => summary(w, { params: { w: bad } }),
    TypeError,
    `a Tensor under the name "w", got number`,
  );
  assertThrows(() => summary(w, { params: [bad] }), TypeError, "pairs of a name and a tensor");
  assertThrows(() => summary(w, { params: bad }), TypeError, "got number");
  assertThrows(() => summary(w, { params: () => [] } as never), TypeError, "got function");
});
