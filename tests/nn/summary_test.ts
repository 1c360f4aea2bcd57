/** Networks as tables. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import * as dg from "../../mod.ts";
import { withNotebook } from "../display/helpers.ts";

const { nn } = dg;

class Net extends nn.Module {
  encoder = new nn.Sequential(new nn.Linear(4, 8), new nn.Dropout(0.5), new nn.Tanh());
  head = new nn.Linear(8, 1200);
  unused = new nn.Linear(2, 2);
  again = this.head;
  mean = this.registerBuffer("mean", dg.zeros(3));
  forward(x: dg.Tensor): [dg.Tensor, dg.Tensor] {
    const hidden = this.encoder(x);
    return [this.head(hidden), hidden];
  }
}

Deno.test("summary: modules as a tree, shapes of an example, parameters, shared ones once", () => {
  const net = new Net();
  net.unused.requiresGrad_(false);
  const made = nn.summary(net, [2, 4]);
  const lines = String(made).split("\n");
  assertMatch(lines[0], /^module +output shape +parameters$/);
  assertEquals(lines.slice(2, -2).map((line) => line.replace(/ {2,}/g, " | ")), [
    "Net | ([2, 1200], [2, 8])",
    "├─ encoder: Sequential | [2, 8]",
    "│ | ├─ 0: Linear | [2, 8] | 40",
    "│ | ├─ 1: Dropout | [2, 8]",
    "│ | └─ 2: Tanh | [2, 8]",
    "├─ head: Linear | [2, 1200] | 10,800",
    "├─ unused: Linear | 6",
    "└─ again: Linear | [2, 1200] | shared",
  ]);
  assertEquals(lines.at(-1), "10,846 parameters, 10,840 trainable, 3 in buffers, 43.4 kB");
  assertEquals([made.parameters, made.trainable, made.buffers, made.bytes], [10846, 10840, 3, 43396]);
});

Deno.test("summary leaves the model as it was: modes, hooks, random numbers, gradients", () => {
  const net = new Net();
  net.encoder.eval();
  dg.manualSeed(1);
  nn.summary(net, dg.ones(2, 4));
  const next = dg.rand(1).item();
  dg.manualSeed(1);
  assertEquals(next, dg.rand(1).item());
  assertEquals([net.training, net.encoder.training, net.head.training], [true, false, true]);
  assert(net.parameters().every((p) => p.grad === null));
  assertThrows(() => nn.summary(net, [2, 5]));
  assertEquals([net.training, net.encoder.training], [true, false]);
});

Deno.test("summary without an example, of another dtype, of one module", () => {
  const layer = new nn.Linear(3, 2).double();
  assertEquals(String(nn.summary(layer)).split("\n").slice(2), [
    "Linear            8",
    "───────────────────",
    "8 parameters, 64 B",
  ]);
  assertEquals(nn.summary(layer, [5, 3]).rows, [
    { path: "", type: "Linear", depth: 0, parameters: 8, outputShape: "[5, 2]", shared: false },
  ]);
});

Deno.test("summaries and modules show themselves in notebooks", async () => {
  const layer = new nn.Linear(3, 2);
  const sent = await withNotebook(() => {
    void dg.display(nn.summary(layer));
    void dg.display(layer);
  });
  const [table, module] = sent.map(({ content }) => content.data as Record<string, string>);
  assertMatch(table["text/html"], /<td [^>]*>Linear<\/td>/);
  assertEquals(module["text/html"], table["text/html"]);
  assertEquals(module["text/plain"], "Linear(in_features=3, out_features=2, bias=True)");
});

Deno.test("summary names what is wrong with its arguments", () => {
  // deno-lint-ignore no-explicit-any
  const wrong = (value: unknown): any => value;
  assertThrows(() => nn.summary(wrong({})), TypeError, "expected a Module, got Object");
  assertThrows(() => nn.summary(new nn.Linear(1, 1), wrong(3)), TypeError, "got number");
  assertThrows(() => nn.summary(new nn.Linear(1, 1), [1.5]), TypeError, "got Array");
});
