/** Pictures of graphs: boxes, lines, DOT, SVG, files and notebook bundles. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import * as dg from "../../mod.ts";
import { DISPLAY, type MimeBundle } from "../../src/display/mime.ts";
import { captureConsole, withNotebook } from "../display/helpers.ts";
import { pixels, withFolder } from "../plot/helpers.ts";
import { boxes, checkXML, lines, textsOf } from "./helpers.ts";

const { makeDot } = dg.graph;

function leaves(...shapes: number[][]): dg.Tensor[] {
  return shapes.map((shape) => dg.ones(shape, { requiresGrad: true }));
}

function lesson(): { y: dg.Tensor; params: Record<string, dg.Tensor> } {
  const [x, c] = leaves([], []);
  return { y: c.mul(x.sin()).add(x).add(c), params: { x, c } };
}

Deno.test("c * sin(x) + x + c, box by box and line by line", () => {
  const { y, params } = lesson();
  const graph = makeDot(y, { params });
  assertEquals(boxes(graph), [
    "output ()",
    "operation AddBackward0",
    "operation AddBackward0",
    "operation AccumulateGrad",
    "leaf c ()",
    "operation MulBackward0",
    "operation AccumulateGrad",
    "leaf x ()",
    "operation SinBackward0",
  ]);
  assertEquals(lines(graph), [
    "c -> AccumulateGrad",
    "x -> AccumulateGrad",
    "AddBackward0 -> output",
    "AddBackward0 -> AddBackward0",
    "AccumulateGrad -> AddBackward0",
    "MulBackward0 -> AddBackward0",
    "AccumulateGrad -> AddBackward0",
    "AccumulateGrad -> MulBackward0",
    "SinBackward0 -> MulBackward0",
    "AccumulateGrad -> SinBackward0",
  ]);
  // By id, since both leaves have an AccumulateGrad.
  const id = (name: string) => graph.nodes.filter((node) => node.name === name).map((node) => node.id);
  const [accumulateC, accumulateX] = id("AccumulateGrad"),
    [mul] = id("MulBackward0"),
    [sin] = id("SinBackward0");
  const has = (from: string, to: string) => graph.edges.some((e) => e.from === from && e.to === to);
  assert(has(id("c")[0], accumulateC) && has(id("x")[0], accumulateX));
  assert(has(accumulateC, mul) && has(accumulateX, sin) && !has(accumulateX, mul));
});

Deno.test("a mean-squared error with what its operations remember", async () => {
  const [X, theta] = leaves([100, 5], [5]);
  const loss = X.mean(1).sub(X.mv(theta)).pow(2).mean();
  const params: [string, dg.Tensor][] = [["X_train", X], ["theta", theta]];
  const graph = makeDot(loss, { params, showAttrs: true });
  const attributes = Object.fromEntries(
    graph.nodes.filter((node) => node.attributes.length > 0).map((node) => [node.name, node.attributes]),
  );
  assertEquals(attributes, {
    MeanBackward0: [["selfSymNumel", "100"], ["selfSymSizes", "[100]"]],
    PowBackward0: [["exponent", "2"], ["self", "[saved tensor (100)]"]],
    SubBackward0: [["alpha", "1"]],
    MeanBackward1: [["dim", "[1]"], ["keepdim", "false"], ["selfSymNumel", "500"], [
      "selfSymSizes",
      "[100, 5]",
    ]],
    MvBackward0: [["self", "[saved tensor (100, 5)]"], ["vec", "[saved tensor (5)]"]],
  });
  const svg = await graph.toSVG();
  checkXML(svg);
  const texts = textsOf(svg);
  for (const text of ["X_train", "(100, 5)", "theta", "MvBackward0", "[saved tensor (100, 5)]", "false"]) {
    assert(texts.includes(text), `${text} is missing in ${texts.join(" | ")}`);
  }
  const cut = makeDot(loss, { showAttrs: true, maxAttrChars: 8 });
  assertEquals(cut.nodes.find((n) => n.name === "MvBackward0")!.attributes[0], ["self", "[save..."]);
  assertEquals(makeDot(loss).nodes.find((n) => n.name === "MvBackward0")!.attributes, []);
});

Deno.test("saved tensors", () => {
  const [w] = leaves([3]);
  const x = dg.ones(3), h = w.mul(x).tanh(), y = h.sum();
  const graph = makeDot(y, { params: { w }, showSaved: true });
  assertEquals(boxes(graph).filter((box) => /^(saved|result)/.test(box)), [
    "result result (3)",
    "saved other (3)",
  ]);
  assertEquals(lines(graph).filter((line) => line.includes("(saved")), [
    "result -> TanhBackward0 (saved)",
    "other -> MulBackward0 (saved)",
  ]);
  const shared = makeDot(h.mul(h).sum(), { showSaved: true });
  assertEquals(lines(shared).filter((line) => line.includes("(saved")).slice(0, 3), [
    "result -> TanhBackward0 (saved)",
    "result -> MulBackward0 (saved other)",
    "result -> MulBackward0 (saved self)",
  ]);
  // A leaf, an output and a named constant keep their boxes and names.
  const named = makeDot([y, h], { params: { w, x }, showSaved: true });
  assertEquals(boxes(named).filter((box) => !box.startsWith("operation")), [
    "output ()",
    "output (3)",
    "leaf w (3)",
    "saved x (3)",
  ]);
  assert(lines(named).includes("output -> TanhBackward0 (saved result)"));
  assert(lines(named).includes("x -> MulBackward0 (saved other)"));
  const square = makeDot(w.mul(w), { params: { w }, showSaved: true });
  assertEquals(lines(square).filter((line) => line.includes("saved")), [
    "w -> MulBackward0 (saved other)",
    "w -> MulBackward0 (saved self)",
  ]);
  y.backward();
  assert(boxes(makeDot(y, { showSaved: true, showAttrs: true })).every((box) => !box.startsWith("saved")));
});

Deno.test("what a function of one's own saved", () => {
  class Product extends dg.autograd.Function {
    static override forward(ctx: dg.autograd.FunctionContext, a: dg.Tensor, b: dg.Tensor): dg.Tensor {
      ctx.saveForBackward(a, b);
      return a.mul(b);
    }
    static override backward(ctx: dg.autograd.FunctionContext, g: dg.Tensor): dg.Tensor[] {
      const [a, b] = ctx.savedTensors;
      return [g.mul(b), g.mul(a)];
    }
  }
  const [a] = leaves([3]), y = Product.apply(a, dg.ones(3)).sum();
  const graph = makeDot(y, { params: { a }, showAttrs: true, showSaved: true });
  const product = graph.nodes.find((node) => node.name === "ProductBackward")!;
  assertEquals(product.attributes, [["savedTensors", "[saved tensors]"]]);
  assertEquals(lines(graph).filter((line) => line.includes("(saved")), [
    "a -> ProductBackward (saved savedTensors[0])",
    "savedTensors[1] -> ProductBackward (saved)",
  ]);
  y.backward();
  const after = makeDot(y, { showAttrs: true, showSaved: true }).nodes;
  assertEquals(after.find((node) => node.name === "ProductBackward")!.attributes, []);
});

Deno.test("outputs that are views, leaves, constants, or several", () => {
  const [w] = leaves([2, 3]);
  const h = w.exp(), view = h.view(6);
  const graph = makeDot(view, { params: { w, view } });
  assert(boxes(graph).includes("output view (6)") && boxes(graph).includes("base (2, 3)"));
  assertEquals(lines(graph).filter((line) => line.includes("base")), [
    "base -> view (view)",
    "ExpBackward0 -> base",
  ]);
  assertEquals(boxes(makeDot(w)), ["output (2, 3)"]);
  assertEquals(boxes(makeDot(dg.ones(2))), ["output (2)"]);
  const two = makeDot([h.sum(), h.mean(), h.sum()]);
  assertEquals(boxes(two).filter((box) => box.startsWith("output")).length, 3);
  assertEquals(boxes(two).filter((box) => box.includes("Exp")).length, 1);
  assertEquals(boxes(makeDot([h, h])).filter((box) => box.startsWith("output")).length, 1);
});

Deno.test("a network, with the names that a module gives", async () => {
  const [W1, b1, W2, b2] = leaves([16, 4], [16], [1, 16], [1]);
  const y = dg.ones(32, 4).mm(W1.t()).add(b1).tanh().mm(W2.t()).add(b2);
  const named = { "fc1.weight": W1, "fc1.bias": b1, "fc2.weight": W2, "fc2.bias": b2 };
  const namedParameters = () => Object.entries(named);
  const module = { namedParameters }, callable = Object.assign(() => y, module);
  const all = [named, namedParameters(), new Map(namedParameters()), module, callable];
  const graphs = all.map((params) => makeDot(y, { params }));
  assertEquals(new Set(graphs.map((graph) => graph.source)).size, 1);
  assertEquals(boxes(graphs[0]).filter((box) => box.startsWith("leaf")).toSorted(), [
    "leaf fc1.bias (16)",
    "leaf fc1.weight (16, 4)",
    "leaf fc2.bias (1)",
    "leaf fc2.weight (1, 16)",
  ]);
  const svg = await graphs[0].toSVG();
  checkXML(svg);
  assertEquals(svg.match(/class="node"/g)!.length, graphs[0].nodes.length);
  assertEquals(svg.match(/class="edge"/g)!.length, graphs[0].edges.length);
});

Deno.test("what users write is shown as it is", async () => {
  const [a, b] = leaves([1], [1]);
  const evil = `<script>"x"</script> & \\N &lt; \\l {|}`;
  const params = { [evil]: a, "line\nbreak\u0000 \ud800 日本 ü": b };
  const y = a.mul(b);
  for (const showAttrs of [false, true]) {
    const svg = await makeDot(y, { params, showAttrs, showSaved: true }).toSVG();
    checkXML(svg);
    assert(!svg.includes("<script"));
    const texts = textsOf(svg);
    assert(texts.includes(evil), texts.join(" | "));
    assert(texts.includes("line break\ufffd \ufffd 日本 ü"), texts.join(" | "));
  }
  const graph = makeDot(y, { params });
  const bundle = await graph[DISPLAY]();
  assert(!String(bundle["text/html"]).includes("<script"));
});

Deno.test("DOT: colours, direction, size", () => {
  const { y, params } = lesson();
  const graph = makeDot(y, { params });
  assertEquals(String(graph), graph.source);
  assertMatch(graph.source, /^digraph \{\n[\s\S]*\n\}\n$/);
  assertStringIncludes(graph.source, 'n4 [label="c\\n()" fillcolor="lightblue"]');
  assertStringIncludes(graph.source, 'label="()" fillcolor="darkolivegreen1"');
  assertStringIncludes(graph.source, 'rankdir="TB" size="12,12"');
  assertStringIncludes(makeDot(y, { rankdir: "LR" }).source, 'rankdir="LR"');
  let deep = params.x;
  for (let i = 0; i < 100; i++) deep = deep.neg();
  assertMatch(makeDot(deep).source, /size="30\.[\d.]+,30\.[\d.]+"/); // 103 boxes and 102 lines
});

Deno.test("deep and large graphs are cut, and say so", async () => {
  const [x] = leaves([]);
  let chain = x, comb = x;
  for (let i = 0; i < 10_000; i++) chain = chain.neg(), comb = comb.add(x);
  const graph = makeDot(chain, { maxNodes: 5 });
  assertEquals(boxes(graph), ["output ()", ...Array(5).fill("operation NegBackward0"), "more ..."]);
  assertStringIncludes(graph.source, "graph of 10001 nodes, drawing the 5 nearest to the output");
  assertEquals(makeDot(chain).nodes.length, 502);
  assert(textsOf(await makeDot(chain).toSVG()).length > 500);
  // Every operation of the comb uses the leaf: lines across all ranks.
  const cut = makeDot(comb);
  assert(cut.nodes.length > 50 && cut.nodes.length < 150, String(cut.nodes.length));
  checkXML(await cut.toSVG());
  assertEquals(makeDot(comb, { maxNodes: Infinity }).nodes.length, 10_003);
  // Graphviz gives up on more; the next picture is drawn all the same.
  await assertRejects(
    () => makeDot(comb, { maxNodes: 250 }).toSVG(),
    RangeError,
    "fewer operations with maxNodes",
  );
  checkXML(await makeDot(x.neg()).toSVG());
});

Deno.test("the background is transparent, the PNG white, and both are the same each time", async () => {
  const { y, params } = lesson();
  const svg = await makeDot(y, { params }).toSVG();
  assertEquals(await makeDot(y, { params }).toSVG(), svg);
  assert(!/<polygon fill="white"/.test(svg));
  assert(svg.startsWith("<svg ") && !svg.includes("<!--"));
  assertStringIncludes(svg, "<title>c ()</title>");
  const [one, two] = [await makeDot(y).toPNG({ scale: 1 }), await makeDot(y).toPNG()].map(pixels);
  assert(Math.abs(two.width - 2 * one.width) <= 2);
  assert(two.colors.get("255,255,255")! > 0.3 * two.width * two.height);
  assert(two.colors.get("202,255,112")! > 1000); // the output
  assert(two.colors.get("211,211,211")! > 1000); // the operations
  await assertRejects(() => makeDot(y).toPNG({ scale: 0 }), RangeError, "scale must be above 0");
});

Deno.test("files", async () => {
  const { y, params } = lesson();
  const graph = makeDot(y, { params });
  await withFolder(async (folder) => {
    for (const kind of ["svg", "png", "html", "dot", "SVG"]) await graph.save(`${folder}/g.${kind}`);
    assertEquals(await Deno.readTextFile(`${folder}/g.svg`), await graph.toSVG());
    assertEquals(await Deno.readTextFile(`${folder}/g.dot`), graph.source);
    assertEquals([...(await Deno.readFile(`${folder}/g.png`)).slice(1, 4)], [80, 78, 71]);
    const page = await Deno.readTextFile(`${folder}/g.html`);
    assertMatch(page, /^<!doctype html>[\s\S]*<svg [\s\S]*AccumulateGrad[\s\S]*<\/html>\n$/);
    await assertRejects(() => graph.save(`${folder}/g.pdf`), TypeError, "cannot save a graph as .pdf");
    await assertRejects(() => graph.save(`${folder}/none/g.svg`), Deno.errors.NotFound);
    const names = [...Deno.readDirSync(folder)].map((entry) => entry.name).toSorted();
    assertEquals(names.filter((name) => name.toLowerCase() !== "g.svg"), ["g.dot", "g.html", "g.png"]);
  });
});

Deno.test("in a notebook and on a terminal", async () => {
  const { y, params } = lesson();
  const graph = makeDot(y, { params });
  const bundle = await graph[DISPLAY]();
  assertMatch(String(bundle["text/plain"]), /^Graph \(9 nodes, 10 edges\)\nAddBackward0 alpha=1\n/);
  const html = String(bundle["text/html"]);
  assert(!/<script|<svg/.test(html));
  const image = /<img alt="([^"]*)" [^>]*src="data:image\/svg\+xml;base64,([^"]*)">/.exec(html)!;
  assertEquals(image[1], "Computation graph: 9 nodes, 10 edges");
  assertEquals(new TextDecoder().decode(Uint8Array.fromBase64(image[2])), await graph.toSVG());
  assert(pixels(Uint8Array.fromBase64(String(bundle["image/png"]))).width > 200);
  const sent = await withNotebook(() => graph.show());
  assertEquals((sent[0].content.data as MimeBundle)["text/html"], html);
  assertEquals(await captureConsole("log", () => graph.show()), [Deno.inspect(graph)]);
  assertEquals(Deno.inspect(graph), bundle["text/plain"]);
});

Deno.test("a picture too large for a message becomes a word about it", async () => {
  const [x] = leaves([]);
  let y = x;
  for (let i = 0; i < 3000; i++) y = y.neg();
  const bundle = await makeDot(y, { maxNodes: 2500 })[DISPLAY]();
  assertMatch(String(bundle["text/html"]), /^<div>Computation graph: 2502 nodes, .* too large .*<\/div>$/);
  assert(JSON.stringify(bundle).length < 50_000);
});

Deno.test("what is refused", () => {
  const w = dg.ones(1);
  // deno-lint-ignore no-explicit-any
  const bad: any = "w";
  assertThrows(
    () => makeDot(bad),
    TypeError,
    "makeDot: expected a Tensor or several in an array, got string",
  );
  assertThrows(() => makeDot(w, { rankdir: bad }), RangeError, "rankdir must be TB, LR, BT or RL, got w");
  assertThrows(() => makeDot(w, { maxNodes: -1 }), RangeError, "maxNodes must be a whole number from 1");
  assertThrows(() => makeDot(w, { maxAttrChars: 2.5 }), RangeError, "got 2.5");
  assertThrows(() => makeDot(w, { showAttr: true } as never), TypeError, `no option "showAttr"`);
  assertEquals(boxes(makeDot(w, { params: undefined, rankdir: undefined, maxNodes: undefined })), [
    "output (1)",
  ]);
});
