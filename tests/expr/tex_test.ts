/** Formulas as LaTeX. */
import { assertEquals, assertThrows } from "@std/assert";
import { applyLoosely, constant, input } from "../../src/expr/expr.ts";
import { differentiate } from "../../src/expr/differentiate.ts";
import { Formula } from "../../src/expr/formula.ts";
import { lowerTex, texName } from "../../src/expr/lower_tex.ts";
import { freeNames, functionNames, parse } from "../../src/expr/parse.ts";
import { compositions, primitives } from "../../src/expr/primitives.ts";

const tex = (source: string): string => lowerTex(parse(source, freeNames(source)));
const slope = (source: string, by: string): string =>
  lowerTex(differentiate(parse(source, freeNames(source)), by, constant(1)));

function check(table: Record<string, string>, write = tex): void {
  for (const [source, expected] of Object.entries(table)) assertEquals(write(source), expected, source);
}

Deno.test("names: Greek letters, indices, words", () => {
  assertEquals(
    ["x", "x1", "theta", "theta_0", "Omega", "loss", "w_ij", "learning_rate", "eta2", "_", "a_b_2"].map(
      texName,
    ),
    [
      "x",
      "x_{1}",
      "\\theta",
      "\\theta_{0}",
      "\\Omega",
      "\\mathrm{loss}",
      "w_{\\mathrm{ij}}",
      "\\mathrm{learning}_{\\mathrm{rate}}",
      "\\eta_{2}",
      "\\mathrm{\\_}",
      "a_{b,2}",
    ],
  );
});

Deno.test("brackets stand where they are needed, and only there", () => {
  check({
    "(a + b) * c": "c \\left(a + b\\right)",
    "a + b * c": "a + b c",
    "a + (b + c)": "a + b + c",
    "a - (b + c)": "a - \\left(b + c\\right)",
    "a - (b - c)": "a - \\left(b - c\\right)",
    "-(a - b)": "b - a",
    "-(a + b)": "-\\left(a + b\\right)",
    "-(a + b) * c": "-c \\left(a + b\\right)",
    "-a ** 2": "-a^{2}",
    "(-a) ** 2": "a^{2}",
    "(a + b) ** 2": "\\left(a + b\\right)^{2}",
    "a ** b ** c": "a^{b^{c}}",
    "(a ** b) ** c": "\\left(a^{b}\\right)^{c}",
    "a + (x > 0 ? 1 : 2)":
      "a + \\left(\\begin{cases} 1 & \\text{if } x > 0 \\\\ 2 & \\text{otherwise} \\end{cases}\\right)",
    "(x > 0 ? 1 : 2) - a":
      "\\left(\\begin{cases} 1 & \\text{if } x > 0 \\\\ 2 & \\text{otherwise} \\end{cases}\\right) - a",
    "a > 0 && (b < 1 || c == 2)": "a > 0 \\land \\left(b < 1 \\lor c = 2\\right)",
    "!(a > 0)": "\\lnot \\left(a > 0\\right)",
  });
});

Deno.test("products, fractions, roots and powers are written as by hand", () => {
  check({
    "x * 3": "3 x",
    "2 * x * 3": "6 x",
    "-x ** 2 + 3 * x - 4": "3 x - x^{2} - 4",
    "x * x * y": "x^{2} y",
    "x / y / z": "\\frac{x}{y z}",
    "a / (b / c)": "\\frac{a c}{b}",
    "x / 2 * (1 + y)": "\\frac{x \\left(1 + y\\right)}{2}",
    "-(a + b) / c": "-\\frac{a + b}{c}",
    "((x - mu) / sigma) ** 2 / 2": "\\frac{\\left(x - \\mu\\right)^{2}}{2 \\sigma^{2}}",
    "sqrt(x) + x ** 0.5 + x ** (1 / 3)": "\\sqrt{x} + \\sqrt{x} + \\sqrt[3]{x}",
    "x ** -1 + x ** -2 + x ** -0.5 + rsqrt(x)":
      "\\frac{1}{x} + \\frac{1}{x^{2}} + \\frac{1}{\\sqrt{x}} + \\frac{1}{\\sqrt{x}}",
    "exp(x) ** 2": "e^{2 x}",
    "sin(x) ** 2 * log(x)": "\\sin^{2}\\left(x\\right) \\ln\\left(x\\right)",
    "square(x + 1)": "\\left(x + 1\\right)^{2}",
    "2 * 2 ** x": "2 \\cdot 2^{x}",
    "loss * weight": "\\mathrm{loss} \\, \\mathrm{weight}",
  });
});

Deno.test("numbers: what is a fraction or a multiple of a known constant is written so", () => {
  check({
    "x + pi": "x + \\pi",
    "x / 3 + x * (2 / 3)": "\\frac{x}{3} + \\frac{2 x}{3}",
    "x * (pi / 2)": "\\frac{\\pi x}{2}",
    "x / sqrt(2 * pi)": "\\frac{x}{\\sqrt{2 \\pi}}",
    "x * log(2)": "\\ln\\left(2\\right) x",
    "0.1 * x": "0.1 x",
    "1e-7 * x + 1.5e20": "10^{-7} x + 1.5 \\cdot 10^{20}",
    "x * 0.7978845608": "0.7978845608 x",
    "min(x, inf) - nan": "\\min\\left(x, \\infty\\right) - \\mathrm{NaN}",
    "x - -2": "x + 2",
  });
});

Deno.test("functions have their usual names", () => {
  check({
    "log1p(-x)": "\\ln\\left(1 - x\\right)",
    "expm1(x) * y": "y \\left(e^{x} - 1\\right)",
    "softplus(x)": "\\ln\\left(1 + e^{x}\\right)",
    "abs(x) + floor(x) + ceil(x)":
      "\\left|x\\right| + \\left\\lfloor x \\right\\rfloor + \\left\\lceil x \\right\\rceil",
    "asin(x) + atan2(x, y)": "\\arcsin\\left(x\\right) + \\operatorname{atan2}\\left(x, y\\right)",
    "lgamma(x)": "\\ln\\left|\\Gamma\\left(x\\right)\\right|",
    "polygamma(2, x)": "\\psi^{(2)}\\left(x\\right)",
    "x % 3": "x \\bmod 3",
    "where(x > 0, x, where(x > -1, 0, -1))":
      "\\begin{cases} x & \\text{if } x > 0 \\\\ 0 & \\text{if } x > -1 \\\\ -1 & \\text{otherwise} \\end{cases}",
  });
});

Deno.test("derivatives come out short", () => {
  const by = (source: string): string => slope(source, freeNames(source)[0]);
  check({
    "x ** 3": "3 x^{2}",
    "x / 2 * (1 + erf(x / sqrt(2)))":
      "\\frac{x e^{-\\frac{x^{2}}{2}}}{\\sqrt{2 \\pi}} + \\frac{1 + \\operatorname{erf}\\left(\\frac{x}{\\sqrt{2}}\\right)}{2}",
    "x > 0 ? x ** 2 : -x": "\\begin{cases} 2 x & \\text{if } x > 0 \\\\ -1 & \\text{otherwise} \\end{cases}",
    "2 ** (x + 1)": "\\ln\\left(2\\right) \\cdot 2^{x + 1}",
  }, by);
});

Deno.test("every function of the language has a spelling, with balanced brackets", () => {
  for (const name of functionNames()) {
    const { params } = compositions[name] ?? primitives[name];
    const written = lowerTex(parse(`${name}(${params})`, params as string[]));
    assertEquals(written.split("{").length, written.split("}").length, name);
    assertEquals(written.split("\\left").length, written.split("\\right").length, name);
  }
});

Deno.test("shared parts are not written out without end", () => {
  let e = input("x");
  for (let i = 0; i < 40; i++) e = applyLoosely("sin", applyLoosely("add", e, applyLoosely("exp", e)));
  assertThrows(() => lowerTex(e), RangeError, "longer than 100000 characters");
});

Deno.test("a formula shows itself as mathematics and as its source", () => {
  const f = new Formula(parse("x ** 2", ["x"]), { tex: "f(x)", text: "f(x)" });
  assertEquals(`${f}`, "f(x) = x^{2}");
  assertEquals(f.right, "x^{2}");
  assertEquals(Deno.inspect(f), "f(x) = x ** 2");
  assertEquals(f.toBundle(), {
    "text/plain": "f(x) = x ** 2",
    "text/markdown": "$$f(x) = x^{2}$$",
    "text/latex": "$$f(x) = x^{2}$$",
  });
});
