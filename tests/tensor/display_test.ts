/** Tensors in notebooks: what the card says, that its numbers are PyTorch's, and how much it reads and weighs. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { decode } from "npm:fast-png@8.0.0";
import * as dg from "../../mod.ts";
import { DISPLAY, isDisplayable } from "../../src/display/mime.ts";
import { checkXML } from "../graph/helpers.ts";

function html(t: dg.Tensor): string {
  const bundle = t[DISPLAY]();
  assertEquals(Object.keys(bundle), ["text/plain", "text/html"]);
  assertEquals(bundle["text/plain"], t.toString());
  const card = String(bundle["text/html"]);
  checkXML(card.replaceAll("&nbsp;", " ").replace(/<img ([^>]*)>/g, "<img $1/>"));
  assert(card.length < 30_000, `${card.length} characters`);
  return card;
}

/** The text of the cells of each table, row by row, heads included. */
function tables(card: string): string[][][] {
  return [...card.matchAll(/<table.*?<\/table>/gs)].map(([table]) =>
    [...table.matchAll(/<tr.*?<\/tr>/gs)].map(([row]) =>
      [...row.matchAll(/<t[dh][^>]*>(.*?)<\/t[dh]>/gs)].map(([, text]) => text)
    )
  );
}

function images(card: string): { width: number; height: number; at: (x: number, y: number) => number[] }[] {
  return [...card.matchAll(/alt="heat map[^>]*base64,([^"]*)"/g)].map(([, data]) => {
    const { width, height, data: pixels, palette } = decode(Uint8Array.fromBase64(data));
    return { width, height, at: (x, y) => palette![pixels[y * width + x]].slice(0, 3) };
  });
}

/** The card without tags. */
function words(card: string): string {
  return card.replace(/<[^>]*>/g, " ").replace(/&nbsp;/g, " ").replace(/\s+/g, " ").trim();
}

function header(t: dg.Tensor): string {
  return /margin-bottom:3px">(.*?)<\/div>/.exec(html(t))![1];
}

Deno.test("the header", () => {
  const w = dg.ones(3, 4, { requiresGrad: true });
  assertEquals(header(w), "float32 [3, 4] · cpu · requires_grad");
  assertEquals(header(w.mul(2)), "float32 [3, 4] · cpu · grad_fn=&lt;MulBackward0&gt;");
  assertEquals(header(dg.tensor(3n)), "int64 [] · cpu");
  assertEquals(header(dg.zeros(0, 3, { dtype: "float64" })), "float64 [0, 3] · cpu");
  class Parameter extends dg.Tensor {
    override get isParameter(): boolean {
      return true;
    }
  }
  const p = new Parameter(dg.ones(2).storage, 0, [2], [1]).requiresGrad_();
  assertEquals(header(p), "Parameter · float32 [2] · cpu · requires_grad");
  assert(isDisplayable(w));
});

Deno.test("scalars, vectors and matrices, in PyTorch's notation", () => {
  assertEquals(words(html(dg.tensor(2.5))), "float32 [] · cpu 2.5000");
  assertEquals(words(html(dg.tensor(true))), "bool [] · cpu True");
  assertEquals(words(html(dg.zeros(0))), "float32 [0] · cpu no elements");
  assertEquals(words(html(dg.zeros(2, 0, 3))), "float32 [2, 0, 3] · cpu no elements");
  assertEquals(tables(html(dg.tensor([1, -2.5]))), [[["0", "1"], ["1.0000", "-2.5000"]]]);
  assertEquals(tables(html(dg.tensor([1, 2]))), [[["0", "1"], ["1.", "2."]]]);
  assertEquals(tables(html(dg.tensor([[1e-6, 1]]))), [[["", "0", "1"], ["0", "1.0000e-06", "1.0000e+00"]]]);
  assertEquals(tables(html(dg.tensor([[1n, -20n], [9007199254740993n, 4n]]))), [[
    ["", "0", "1"],
    ["0", "1", "-20"],
    ["1", "9007199254740993", "4"],
  ]]);
  assertEquals(tables(html(dg.tensor([true, false])))[0][1], ["True", "False"]);
  // A view is shown by its own order.
  assertEquals(tables(html(dg.arange(6n).view(2, 3).t())), [[
    ["", "0", "1"],
    ["0", "0", "3"],
    ["1", "1", "4"],
    ["2", "2", "5"],
  ]]);
});

Deno.test("every number of a matrix that is shown whole", () => {
  const t = dg.arange(144n).view(12, 12), [table] = tables(html(t));
  assertEquals(table.slice(1).map((row) => row.slice(1).map(Number)), t.toArray() as number[][]);
  assertEquals(images(html(t)), []);
});

Deno.test("NaN and infinities are marked", () => {
  const card = html(dg.tensor([NaN, Infinity, -Infinity, 1.5]));
  assertEquals(tables(card)[0][1], ["nan", "inf", "-inf", "1.5000"]);
  assertEquals([...card.matchAll(/font-weight:bold">([^<]*)</g)].map(([, text]) => text), [
    "nan",
    "inf",
    "-inf",
  ]);
});

Deno.test("a large matrix: its corners, and a heat map", () => {
  const t = dg.arange(40 * 30).view(40, 30).sub(600).clone();
  t.typedArray()[35] = NaN; // row 1, column 5
  const card = html(t), [table] = tables(card), [image] = images(card);
  assertEquals(table[0], ["", "0", "1", "2", "3", "⋯", "26", "27", "28", "29"]);
  assertEquals(table.map((row) => row[0]), ["", "0", "1", "2", "3", "⋮", "36", "37", "38", "39"]);
  assertEquals(table[1].slice(1), [
    "-600.",
    "-599.",
    "-598.",
    "-597.",
    "⋯",
    "-574.",
    "-573.",
    "-572.",
    "-571.",
  ]);
  assertEquals(table[5].slice(1), ["⋮", "⋮", "⋮", "⋮", "⋱", "⋮", "⋮", "⋮", "⋮"]);
  assertEquals(table[9].slice(-1), ["599."]);
  assertEquals([image.width, image.height], [30, 40]);
  assertEquals(image.at(0, 0), [0x05, 0x3e, 0x66]); // the lowest
  assertEquals(image.at(29, 39), [0x8a, 0x37, 0x00]); // the highest
  assertEquals(image.at(0, 20), [0xf7, 0xf7, 0xf7]); // 0
  assertEquals(image.at(5, 1), [255, 0, 255]); // NaN
  assertMatch(words(card), /-600 600 not finite$/);
  const plain = html(dg.arange(40 * 30).view(40, 30));
  assertMatch(words(plain), / 0 1199$/);
  assertEquals(images(plain)[0].at(0, 0), [0x44, 0x01, 0x54]);
  assertEquals(images(plain)[0].at(29, 39), [0xfd, 0xe7, 0x25]);
});

Deno.test("a long vector, a constant, and nothing finite", () => {
  const card = html(dg.arange(1000n));
  assertEquals(tables(card), [[
    ["0", "1", "2", "3", "⋯", "996", "997", "998", "999"],
    ["0", "1", "2", "3", "⋯", "996", "997", "998", "999"],
  ]]);
  assertEquals([images(card)[0].width, images(card)[0].height], [128, 1]);
  assertMatch(words(card), /3 996 · 128 samples$/);
  assertMatch(words(html(dg.ones(50, 2))), /all 1$/);
  assertMatch(words(html(dg.full([50, 2], NaN))), /nan not finite$/);
  assertMatch(words(html(dg.full([13], 1e-9).mul(dg.arange(13)))), /0 1\.20e-08$/);
});

Deno.test("more dimensions: the first slices", () => {
  const card = html(dg.arange(4 * 2 * 2 * 3).view(4, 2, 2, 3));
  assertEquals(tables(card).map((table) => table[1][1]), ["0.", "6.", "12."]);
  assertMatch(words(card), /\[0, 0\].*\[0, 1\].*\[1, 0\].*first 3 of 8 slices$/);
  const images8 = html(dg.rand(64, 1, 28, 28));
  assertEquals(tables(images8).length, 1);
  assertEquals(images(images8).map(({ width, height }) => [width, height]), Array(8).fill([28, 28]));
  assertMatch(words(images8), /\[7, 0\].* · first 8 of 64 slices$/);
  const two = html(dg.rand(2, 100, 10));
  assertEquals(images(two).length, 2);
  assertMatch(words(two), / · 32 × 10 samples each$/);
});

Deno.test("reads only what it shows, and stays small", () => {
  const extremes = BigInt64Array.from({ length: 144 }, () => -(2n ** 63n));
  const large = [
    dg.rand(1000, 1000),
    dg.rand(1_000_000),
    dg.rand(10, 10, 100, 100).mul(1e-20),
    dg.fromTypedArray(extremes).view(12, 12),
    dg.rand(5, 1, 1, 300, 300),
    dg.full([12, 12], NaN),
  ];
  for (const t of large) {
    let reads = 0;
    const at = t.at;
    t.at = function (index) {
      reads++;
      return at.call(this, index);
    };
    html(t); // which makes the text twice
    assert(reads <= 20_000, `${reads} reads for ${t.shape}`);
  }
});

Deno.test("nothing that a viewer would run or strip", () => {
  class Evil extends dg.autograd.Function {
    static override forward(_: dg.autograd.FunctionContext, x: dg.Tensor): dg.Tensor {
      return x.clone();
    }
    static override backward(_: dg.autograd.FunctionContext, g: dg.Tensor): dg.Tensor {
      return g;
    }
  }
  Object.defineProperty(Evil, "name", { value: "<img src=x onerror=alert(1)>" });
  const card = html(Evil.apply(dg.ones(20, 20, { requiresGrad: true })));
  assert(card.includes("grad_fn=&lt;&lt;img src=x onerror=alert(1)&gt;Backward&gt;"));
  assert(!/<script|<style|<svg|class=|background:(#fff|white)/.test(card));
});
