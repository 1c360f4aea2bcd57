import { assert, assertAlmostEquals, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import * as plot from "../../src/plot/plot.ts";
import * as dg from "../../mod.ts";
import { count } from "./helpers.ts";

/** As much of a tensor as plots know. */
class FakeTensor {
  constructor(readonly values: unknown) {}
  toArray(): unknown {
    return this.values;
  }
  item(): number {
    if (Array.isArray(this.values)) throw new RangeError("more than one element");
    return this.values as number;
  }
}

// deno-lint-ignore no-explicit-any
const wrong = (value: unknown): any => value;
const numbers = (value: unknown): number[] => Array.from(value as ArrayLike<number>);

Deno.test("line: positions, rows, series, tensors, typed arrays, bigints", () => {
  assertEquals(numbers(plot.line([5, 6]).data[0].x), [0, 1]);
  assertEquals(numbers(plot.line([2, 4], [5, 6]).data[0].x), [2, 4]);
  assertEquals(numbers(plot.line(new FakeTensor([1, 2])).data[0].y), [1, 2]);
  assertEquals(numbers(plot.line(new BigInt64Array([1n, 2n])).data[0].y), [1, 2]);
  const rows = plot.line([0, 10], new FakeTensor([[1, 2], [3, 4]]), { name: ["a", "b"] });
  assertEquals(rows.data.map((trace) => [trace.name, numbers(trace.x), numbers(trace.y)]), [
    ["a", [0, 10], [1, 2]],
    ["b", [0, 10], [3, 4]],
  ]);
  const series = plot.line([{ y: [1, 2], name: "a", color: "red" }, { x: [5], y: [6] }]);
  assertEquals(series.data.map((trace) => trace.showlegend), [true, false]);
});

Deno.test("data is copied: changing the array later does not change the figure", () => {
  const y = [1, 2];
  const figure = plot.line(y);
  y[0] = 9;
  assertEquals(numbers(figure.data[0].y), [1, 2]);
});

Deno.test("bad data is named with its values", () => {
  assertThrows(
    () => plot.line([1, 2, 3], [1, 2]),
    TypeError,
    "line: x and y must have the same length, got 3 and 2",
  );
  assertThrows(() => plot.line([]), RangeError, "line: y is empty");
  assertThrows(() => plot.line(wrong([1, "a"])), TypeError, `line: y[1] must be a number, got "a" (string)`);
  assertThrows(() => plot.line(wrong("abc")), TypeError, `got "abc" (string)`);
  assertThrows(() => plot.line(wrong(undefined)), TypeError, "must be an array or a tensor, got undefined");
  assertThrows(() => plot.line([[1, 2], [3]]), TypeError, "got 2 in row 0 and 1 in row 1");
  assertThrows(() => plot.line([[1], [2]], { name: ["a"] }), TypeError, "got 2 and 1");
  assertThrows(() => plot.line([1], { title: wrong(3) }), TypeError, "title must be a string, got number");
  assertThrows(() => plot.line([1], { legend: wrong("left") }), RangeError, `got "left"`);
  assertThrows(() => plot.line([1], { xRange: [2, 1] }), RangeError, "got [2, 1]");
  assertThrows(() => plot.line([1], { logY: true, yRange: [0, 1] }), RangeError, "above 0, got [0, 1]");
  assertThrows(() => plot.scatter([1], [1, 2]), TypeError, "got 1 and 2");
  assertThrows(() => plot.scatter([[1, 2, 3]]), TypeError, "got shape [1, 3]");
  assertThrows(() => plot.scatter([1], [1], { size: 0 }), RangeError, "got 0");
  assertThrows(() => plot.bar(["a"], [1, 2]), TypeError, "got 1 and 2");
  assertThrows(() => plot.histogram([NaN, Infinity]), RangeError, "none of the 2 values is finite");
  assertThrows(() => plot.histogram([1], { bins: 0 }), RangeError, "got 0");
  assertThrows(
    () => plot.heatmap([1, 2] as never),
    TypeError,
    "must have two dimensions, got one of length 2",
  );
  assertThrows(
    () => plot.heatmap([[1, 2]], { x: ["a"] }),
    TypeError,
    "x and columns must have the same length, got 1 and 2",
  );
  assertThrows(() => plot.contour([0, 1], [0, 1], [[1, 2]]), TypeError, "got 2 and 1");
  assertThrows(() => plot.confusionMatrix([[1, 2]]), TypeError, "got 1 rows and 2 columns");
  assertThrows(() => plot.confusionMatrix([[-1]]), RangeError, "got -1");
  assertThrows(() => plot.image([[[1, 2]]]), TypeError, "got 2 channels");
  assertThrows(() => plot.fn(Math.sin, [1, 1]), RangeError, "got [1, 1]");
  assertThrows(() => plot.fn(Math.sin, [0, 1], { points: 1 }), RangeError, "got 1");
  assertThrows(() => plot.fn(() => "a", [0, 1]), TypeError, `must give a number, got "a" (string)`);
  assertThrows(() => plot.grid(wrong([])), TypeError, "expected rows of figures");
  assertThrows(() => plot.grid([[wrong(1)]]), TypeError, "row 0, column 0, got number");
  assertThrows(() => plot.grid([[plot.line([1])]], { columns: [1, 2] }), RangeError, "[1, 2]");
  assertThrows(
    () => plot.gradientDescent({ objective: Math.abs, thetas: [NaN] }),
    RangeError,
    "no finite value",
  );
  assertThrows(() => plot.lossCurve({}), RangeError, "no losses");
});

Deno.test("scatter: a trace a class, colours by value", () => {
  const groups = plot.scatter([1, 2, 3], [4, 5, 6], { group: [10, 9, 10] });
  assertEquals(groups.data.map((trace) => [trace.name, trace.x]), [["9", [2]], ["10", [1, 3]]]);
  const byValue = plot.scatter([[1, 2], [3, 4]], { color: [0.5, 1] }).data[0];
  assertEquals([numbers(byValue.x), numbers(byValue.y)], [[1, 3], [2, 4]]);
  assertEquals(numbers((byValue.marker as { color: unknown }).color), [0.5, 1]);
});

Deno.test("histogram counts like NumPy: the last bin holds its upper end, density has area 1", () => {
  const values = [0, 0.5, 1, 1, 2, 3, 4];
  const { x, y } = plot.histogram(values, { bins: 4 }).data[0];
  assertEquals([numbers(x), numbers(y)], [[0.5, 1.5, 2.5, 3.5], [2, 2, 1, 2]]);
  const density = plot.histogram(values, { bins: 4, range: [0, 2], density: true }).data[0];
  assertAlmostEquals(numbers(density.y).reduce((a, b) => a + b) * 0.5, 1);
  assertEquals(numbers(plot.histogram([3, 3, 3]).data[0].y).reduce((a, b) => a + b), 3);
});

Deno.test("titles keep plotly's own tags and show other < as they are", () => {
  const figure = plot.line([1], { title: "x<sub>1</sub> < <T> & <b>bold</b>" });
  assertEquals((figure.layout.title as { text: string }).text, "x<sub>1</sub> &lt; &lt;T> & <b>bold</b>");
  assertEquals(figure.title, "x1 < <T> & bold");
});

Deno.test("logarithmic axes: ranges in powers of ten, ticks to fit the data", () => {
  const axis = (figure: plot.Figure): Record<string, unknown> =>
    figure.toJSON().layout.yaxis as Record<string, unknown>;
  assertEquals(axis(plot.line([1, 10], { logY: true, yRange: [1, 1000] })).range, [0, 3]);
  assertEquals(axis(plot.line([1, 20], { logY: true })).dtick, "D2");
  assertEquals(axis(plot.line([1e-9, 1e9], { logY: true })).dtick, 3);
});

Deno.test("heatmap: rows from the top, numbers in cells", async () => {
  const figure = plot.heatmap([[1, -2], [3, 4.56789]], { values: true, x: ["a", "b"] });
  assertEquals((figure.layout.yaxis as { autorange: string }).autorange, "reversed");
  const svg = await figure.toSVG();
  for (const text of ["−2", "4.568"]) assertStringIncludes(svg, `>${text}<`);
  assertEquals(count(svg, /<image /g), 1);
});

Deno.test("contour: of a function, with results that have item()", () => {
  const figure = plot.contour([0, 1, 2], [0, 1], (x, y) => new FakeTensor(x + 10 * y));
  assertEquals((figure.data[0].z as Float64Array[]).map((row) => [...row]), [[0, 1, 2], [10, 11, 12]]);
});

Deno.test("image: grey, and colours from 0 to 1 or to 255", async () => {
  assertEquals(plot.image([[0, 1]]).data[0].type, "heatmap");
  assertEquals(plot.image([[[0, 0.5, 1]]]).data[0].z, [[[0, 128, 255]]]);
  assertEquals(plot.image([[[0, 128, 255]]]).data[0].z, [[[0, 128, 255]]]);
  const large = Array.from({ length: 20 }, () => Array.from({ length: 20 }, () => [1, 0, 0]));
  assertEquals(count(await plot.image(large).toSVG(), /<image /g), 1);
});

Deno.test("confusionMatrix: counts or shares of each row, names on both axes", async () => {
  const svg = await plot.confusionMatrix([[3, 1], [0, 4]], ["cat", "dog"]).toSVG();
  assertEquals([count(svg, />cat</g), count(svg, />dog</g), count(svg, />3</g)], [2, 2, 1]);
  const shares = plot.confusionMatrix([[3, 1], [0, 0]], undefined, { normalize: true }).data[0]
    .z as Float64Array[];
  assertEquals(shares.map((row) => [...row]), [[0.75, 0.25], [0, 0]]);
});

Deno.test("fn: of numbers, of numbers to tensors, of tensors", () => {
  const ys = (f: plot.Drawable): number[] => numbers(plot.fn(f, [0, 2], { points: 3 }).data[0].y);
  assertEquals(ys((x: number) => x * x), [0, 1, 4]);
  assertEquals(ys((x: number) => dg.mul(2, x)), [0, 2, 4]);
  assertEquals(ys((x: dg.Tensor) => x.add(1)), [1, 2, 3], "of all points at once");
  assertEquals(ys((x: dg.Tensor) => x.sum().mul(3)), [0, 3, 6], "of one point after the other");
  assertThrows(
    () =>
      ys(() => {
        throw new RangeError("its own");
      }),
    RangeError,
    "its own",
  );
  assertEquals(plot.fn({ a: Math.sin, b: Math.cos }, [0, 1]).data.map((trace) => trace.name), ["a", "b"]);
});

Deno.test("contour: a function of two tensors", () => {
  const figure = plot.contour([0, 1], [0, 2], (x: dg.Tensor, y: dg.Tensor) => x.mul(x).add(y));
  assertEquals((figure.data[0].z as Float64Array[]).map((row) => [...row]), [[0, 1], [2, 3]]);
});

Deno.test("tangent: the slope of a function of tensors is its gradient", () => {
  const figure = plot.tangent((x: dg.Tensor) => x.pow(3), [1, -2]);
  assertEquals(figure.data.slice(1).map((trace) => trace.name), ["slope 3 at x = 1", "slope 12 at x = −2"]);
});

Deno.test("line: through every point, unless there are very many", () => {
  const simplify = (n: number): unknown =>
    (plot.line(new Float64Array(n)).data[0].line as plot.Trace).simplify;
  assertEquals([simplify(5000), simplify(5001)], [false, undefined]);
});

Deno.test("a legend above the picture has room for its rows", () => {
  const top = (names: string[]): number => {
    const figure = plot.line(names.map((name) => ({ y: [1, 2], name })), { legend: "top", title: "T" });
    return (figure.toJSON().layout.margin as { t: number }).t;
  };
  const one = top(["f(x)", "g(x)"]);
  const long = "the slope at x = -3 is -0.6";
  assert(top([long, long, long, long]) >= one + 19, "two rows");
  assertEquals(top([long, long]), one, "they fit side by side");
});

Deno.test("tangent: slopes by differences or as given, lines through the points", async () => {
  const cube = (x: number): number => x ** 3;
  const names = (figure: plot.Figure): unknown[] => figure.data.slice(1).map((trace) => trace.name);
  assertEquals(names(plot.tangent(cube, [1, -2])), ["slope 3 at x = 1", "slope 12 at x = −2"]);
  assertEquals(names(plot.tangent(cube, 1, { derivative: () => 7 })), ["slope 7 at x = 1"]);
  const figure = plot.tangents(cube, [0, 3], [{ x: 1, y: 1, slope: 3 }], { title: "Cube" });
  const [x, y] = [numbers(figure.data[1].x), numbers(figure.data[1].y)];
  assertEquals((y[2] - y[0]) / (x[2] - x[0]), 3);
  assertEquals([x[1], y[1]], [1, 1]);
  assertEquals(
    (figure.layout.xaxis as { range: number[] }).range,
    [0, 3],
    "tangents do not widen the picture",
  );
  const svg = await figure.toSVG();
  assertEquals(count(svg, /<path [^>]*class="js-line"/g), 2 + 2, "curve and tangent, and both in the legend");
});

Deno.test("gradientDescent: objective, steps, true and final parameter, objective by iteration", async () => {
  const objective = (theta: number): number => (theta - 2) ** 2;
  const figure = plot.gradientDescent({ objective, thetas: [0, 1, 1.5], thetaTrue: 2 }, { title: "Descent" });
  assertEquals(figure.data.map((trace) => [trace.name, trace.xaxis]), [
    [undefined, "x"],
    [undefined, "x"],
    ["minimum θ = 2", "x"],
    ["after 2 steps θ = 1.5", "x"],
    [undefined, "x2"],
  ]);
  assertEquals(numbers(figure.data[1].y), [4, 1, 0.25]);
  assertEquals(numbers(figure.data[4].y), [4, 1, 0.25]);
  const svg = await figure.toSVG();
  assertEquals(count(svg, /<path [^>]*class="point/g), 3 + 1 + 1 + 3);
  for (const text of ["iteration", "objective", "θ", "Descent"]) assertStringIncludes(svg, `>${text}<`);
});

Deno.test("descent2d: levels, path, start and minimum", async () => {
  const figure = plot.descent2d({
    objective: (x, y) => x * x + y * y,
    path: [[2, 2], [1, 1], [0.5, 0.5]],
    minimum: [0, 0],
  });
  assertEquals(figure.data.map((trace) => trace.name), [undefined, "2 steps", "start", "minimum"]);
  const xs = numbers(figure.data[0].x);
  assertEquals([xs[0], xs.at(-1)], [-0.5, 2.5]);
  const svg = await figure.toSVG();
  assertEquals(count(svg, /<path [^>]*class="point/g), 3 + 1 + 1);
  assert(count(svg, /<g class="contourfill/g) === 1);
});

Deno.test("lossCurve: one row, or rows by name", () => {
  assertEquals(plot.lossCurve([3, 2, 1]).data[0].mode, "lines+markers");
  const figure = plot.lossCurve({ train: [2, 1], valid: new FakeTensor([3, 2]) }, { log: true });
  assertEquals(figure.data.map((trace) => trace.name), ["train", "valid"]);
  assertEquals((figure.layout.yaxis as { type: string }).type, "log");
});

Deno.test("grid: each panel has its own axes, legend, title and colours; panels may be grids", async () => {
  const a = plot.line([{ y: [1, 2], name: "first" }], { title: "A" });
  const b = plot.heatmap([[1, 2], [3, 4]], { title: "B" });
  const figure = plot.grid([[a, b], [null, plot.grid([[plot.bar([1, 2]), plot.line([3, 4])]])]], {
    title: "All",
  });
  assertEquals(figure.data.map((trace) => trace.xaxis), ["x", "x2", "x3", "x4"]);
  const axes = figure.layout as Record<string, { domain: [number, number] }>;
  const ends = ["xaxis", "xaxis2", "xaxis3", "xaxis4"].map((key) => axes[key].domain);
  for (const [from, to] of ends) assert(from >= 0 && to <= 1 && from < to);
  assert(ends[0][1] < ends[1][0] && ends[2][1] < ends[3][0] && ends[2][0] > 0.5, JSON.stringify(ends));
  assert(axes.yaxis.domain[0] > axes.yaxis3.domain[1], "the first row is above the second");
  const colors = figure.data.map((trace) => (trace.marker as { color?: string } | undefined)?.color);
  assertEquals(colors[0], colors[2]);
  assertEquals(a.data[0].xaxis, undefined, "the given figures are not changed");
  const svg = await figure.toSVG();
  assertEquals(count(svg, /<g class="subplot /g), 4);
  for (const text of ["All", "A", "B", "first"]) assertStringIncludes(svg, text);
});
