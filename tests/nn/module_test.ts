/** Modules: what belongs to them, calling, hooks, state, text; and the types of a call. */
import { assert, assertEquals, assertNotStrictEquals, assertStrictEquals, assertThrows } from "@std/assert";
import * as dg from "../../mod.ts";

const { nn } = dg;

class Net extends nn.Module {
  hidden = new nn.Linear(2, 3);
  act = new nn.Tanh();
  out: dg.nn.Linear;
  scale = new nn.Parameter(dg.ones(1));
  mean = this.registerBuffer("mean", dg.zeros(1));
  note = "not a parameter";
  constructor(outputs = 1) {
    super();
    this.out = new nn.Linear(3, outputs);
  }
  forward(x: dg.Tensor, factor = 1): dg.Tensor {
    return this.out(this.act(this.hidden(x))).mul(this.scale).add(this.mean).mul(factor);
  }
}

Deno.test("a module is callable, with the types of its forward", () => {
  const net = new Net();
  const y: dg.Tensor = net(dg.ones(4, 2), 2);
  assertEquals(y.shape, [4, 1]);
  assertEquals(y.toArray(), net.forward(dg.ones(4, 2), 2).toArray());
  assertEquals(y.toArray(), net.call(dg.ones(4, 2), 2).toArray());
  assert(net instanceof Net && net instanceof nn.Module && typeof net === "function");
  // @ts-expect-error: forward takes a tensor
  assertThrows(() => net("x"), TypeError);
});

Deno.test("an instance has no properties of functions, so that fields may have their names", () => {
  class Named extends nn.Module {
    override name = "mine";
    override length = 3;
    forward(): void {}
  }
  const m = new Named();
  assertEquals([m.name, m.length, Object.keys(m)], ["mine", 3, ["training", "name", "length"]]);
  assertEquals("bind" in m, false);
});

Deno.test("fields that hold parameters and modules belong to the module, in order", () => {
  const net = new Net();
  const names = ["scale", "hidden.weight", "hidden.bias", "out.weight", "out.bias"];
  assertEquals(net.namedParameters().map(([n]) => n), names);
  assertEquals(net.parameters({ recurse: false }).length, 1);
  assertEquals(net.namedBuffers().map(([n]) => n), ["mean"]);
  assertEquals(net.namedModules().map(([n]) => n), ["", "hidden", "act", "out"]);
  assertEquals(Object.keys(net.stateDict()), ["scale", "mean", ...names.slice(1)]);
  assertStrictEquals(net.getSubmodule("out"), net.out);
  assertThrows(() => net.getSubmodule("out.x"), TypeError, "has no attribute `x`");
});

Deno.test("a parameter's field takes parameters only, whoever declared it", () => {
  const net = new Net() as unknown as Record<string, unknown> & dg.nn.Module;
  net.parameters();
  net.scale = dg.ones(1);
  assertThrows(() => net.parameters(), TypeError, "as parameter 'scale'");
  const linear = new nn.Linear(1, 1), weight = linear.weight;
  assertThrows(
    () => {
      (linear as { weight: unknown }).weight = 3;
    },
    TypeError,
    "cannot assign 'number' as parameter 'weight'",
  );
  assertStrictEquals(linear.weight, weight);
  linear.weight = new nn.Parameter(dg.zeros(1, 1));
  assertEquals(linear(dg.ones(1, 1)).item(), linear.bias!.item());
});

Deno.test("names are checked", () => {
  const net = new Net();
  assertThrows(() => net.registerParameter("forward", null), TypeError, "already exists");
  assertThrows(() => net.registerBuffer("", dg.ones(1)), TypeError, "can't be empty string");
  assertThrows(() => net.registerModule("a.b", new nn.ReLU()), TypeError, "can't contain");
  assertThrows(() => new nn.ModuleDict({ keys: new nn.ReLU() }), TypeError, "already exists");
});

Deno.test("state goes from one module to another, or nothing does", () => {
  const a = new Net(2), b = new Net(2);
  assertEquals(String(b.loadStateDict(a.stateDict())), "<All keys matched successfully>");
  assertEquals(b.out.weight.toArray(), a.out.weight.toArray());
  assertNotStrictEquals(b.out.weight.storage, a.out.weight.storage);
  const before = b.out.weight.toArray();
  const bad = { ...new Net(2).stateDict(), scale: dg.ones(5) };
  assertThrows(() => b.loadStateDict(bad), TypeError, "size mismatch for scale");
  assertEquals(b.out.weight.toArray(), before);
  const some = b.loadStateDict({ scale: dg.full([1], 7), more: dg.ones(1) }, { strict: false });
  assertEquals([some.missingKeys.length, some.unexpectedKeys], [5, ["more"]]);
  assertEquals(b.scale.item(), 7);
});

Deno.test("to() changes parameters, buffers and gradients in place", () => {
  const net = new Net(), { weight } = net.hidden;
  net(dg.ones(1, 2)).sum().backward();
  net.double();
  assertStrictEquals(net.hidden.weight, weight);
  assertEquals([weight.dtype, weight.grad!.dtype, net.mean.dtype], ["float64", "float64", "float64"]);
  assertEquals(net(dg.ones([1, 2], { dtype: "float64" })).dtype, "float64");
  assertThrows(() => net.to("int64"), TypeError, "desired dtype=int64");
  assertThrows(() => net.to("cuda" as never), TypeError, "cuda");
});

Deno.test("train, eval, requiresGrad_, zeroGrad and apply reach every module", () => {
  const net = new nn.Sequential(new Net(), new nn.Dropout());
  net.eval();
  assert(net.modules().every((m) => !m.training));
  net.train().requiresGrad_(false);
  assert(net.modules().every((m) => m.training) && net.parameters().every((p) => !p.requiresGrad));
  net.requiresGrad_();
  net(dg.ones(1, 2)).sum().backward();
  net.zeroGrad({ setToNone: false });
  assert(net.parameters().every((p) => p.grad!.abs().sum().item() === 0));
  net.zeroGrad();
  assert(net.parameters().every((p) => p.grad === null));
  const seen: string[] = [];
  net.apply((m) => void seen.push(m.typeName()));
  assertEquals(seen, ["Linear", "Tanh", "Linear", "Net", "Dropout", "Sequential"]);
});

Deno.test("hooks see and change inputs, outputs and gradients, until they are removed", () => {
  const layer = new nn.Linear(2, 2, false);
  nn.init.eye_(layer.weight);
  const x = dg.tensor([[1, 2]], { requiresGrad: true });
  const handles = [
    layer.registerForwardPreHook((_, [first]) => (first as dg.Tensor).mul(10)),
    layer.registerForwardHook((_m, _i, output) => (output as dg.Tensor).add(1)),
    layer.registerFullBackwardHook((_m, [g], [o]) => {
      assertEquals(o!.toArray(), [[1, 1]]);
      return [g!.mul(100)];
    }),
  ];
  const y = layer(x);
  assertEquals(y.detach().toArray(), [[11, 21]]);
  y.sum().backward();
  assertEquals(x.grad!.toArray(), [[1000, 1000]]);
  handles.forEach((h) => h.remove());
  assertEquals(layer(x).detach().toArray(), [[1, 2]]);
});

Deno.test("Sequential: places, slices, names, iteration", () => {
  const net = new nn.Sequential(new nn.Linear(2, 4), new nn.ReLU(), new nn.Linear(4, 1));
  assertStrictEquals(net[0], net.at(-3));
  assertEquals([net.length, net.slice(1).length, [...net].length], [3, 2, 3]);
  assertStrictEquals(net.slice(-1)[0], net[2]);
  assertThrows(() => net.at(3), RangeError, "out of range");
  net.insert(1, new nn.Tanh()).append(new nn.Sigmoid());
  assertEquals([...net].map((m) => m.typeName()), ["Linear", "Tanh", "ReLU", "Linear", "Sigmoid"]);
  assertEquals(new nn.Sequential()(dg.ones(1)).item(), 1);
});

Deno.test("lists and dictionaries of modules own them, and compute nothing themselves", () => {
  class Many extends nn.Module {
    layers = new nn.ModuleList([new nn.Linear(1, 1), new nn.Linear(1, 1)]);
    heads = new nn.ModuleDict({ a: new nn.Linear(1, 2) });
    forward(x: dg.Tensor): dg.Tensor {
      for (const layer of this.layers) x = layer(x);
      return this.heads.item("a")(x);
    }
  }
  const m = new Many();
  assertEquals(m.parameters().length, 6);
  assertEquals(m(dg.ones(1, 1)).shape, [1, 2]);
  assertEquals([m.heads.has("a"), m.heads.has("b"), m.heads.keys()], [true, false, ["a"]]);
  m.heads.pop("a");
  assertEquals([m.heads.length, m.parameters().length], [0, 4]);
  assertThrows(() => m.layers(), TypeError, "missing the required");
});

Deno.test("functionalCall computes with other tensors, and puts the old ones back", () => {
  const net = new Net(), weight = dg.zeros(1, 3, { requiresGrad: true }), bias = dg.full([1], 4);
  const y = nn.functionalCall(net, { "out.weight": weight, "out.bias": bias }, dg.ones(1, 2));
  assertEquals(y.item(), 4);
  y.backward();
  assert(weight.grad !== null && net.out.weight.grad === null);
  assertThrows(() => nn.functionalCall(net, { nothing: bias }, dg.ones(1, 2)), TypeError, "'nothing'");
  assert(net.out.weight instanceof nn.Parameter && net.out.bias instanceof nn.Parameter);
  assertEquals(net.parameters().length, 5);
});

Deno.test("parameters print as such, and share memory with what they are made of", () => {
  const data = dg.zeros(2), p = new nn.Parameter(data);
  data.fill_(3);
  assertEquals(String(p), "Parameter containing:\ntensor([3., 3.], requires_grad=True)");
  assertThrows(() => new nn.Parameter(dg.tensor([1n])), TypeError, "floating point");
  assert(p.isLeaf && p.mul(2).gradFn !== null);
});

Deno.test("gradients through modules agree with differences", () => {
  dg.manualSeed(8);
  const net = new nn.Sequential(new nn.Linear(2, 3), new nn.Tanh(), new nn.Linear(3, 2)).double();
  const target = dg.rand([4, 2], { dtype: "float64" });
  const x = dg.rand([4, 2], { dtype: "float64" }).requiresGrad_();
  const losses = [new nn.MSELoss(), new nn.SmoothL1Loss({ beta: 0.1 }), new nn.HuberLoss(), new nn.L1Loss()];
  for (const loss of losses) {
    assert(dg.autograd.gradcheck((x) => loss(net(x), target), [x, ...net.parameters()]), String(loss));
  }
});

Deno.test("vectors of parameters go both ways", () => {
  const net = new Net(), { parametersToVector, vectorToParameters } = nn.utils;
  const v = parametersToVector(net.parameters());
  assertEquals(v.shape, [1 + 6 + 3 + 3 + 1]);
  vectorToParameters(dg.arange(14), net.parameters());
  assertEquals(parametersToVector(net.parameters()).detach().toArray(), dg.arange(14).toArray());
});
