/** Every call of the golden files in a compiled function, on operands that are not computed yet: the same answers, gradients and errors. */
import { assert, assertEquals } from "@std/assert";
import * as dg from "../../mod.ts";
import { isTensor, tensorsOf } from "../golden/api.ts";
import { dtypesIn } from "../golden/codec.ts";
import { dtypeExists } from "../golden/api.ts";
import { CALL_FILES } from "../golden/files.ts";
import { resolve } from "../golden/names.ts";
import { argumentsOf, type CallCase, callsByOp, readGolden } from "../golden/runner.ts";

/** An operand that a recorded operation makes, where operations are recorded. */
function late(x: unknown): unknown {
  if (Array.isArray(x)) return x.map(late);
  return isTensor(x) && (x as unknown as dg.Tensor).isFloatingPoint()
    ? (x as unknown as dg.Tensor).mul(1)
    : x;
}

/** Everything that can be seen of a call. */
function seen(c: CallCase, wrap: <F extends (...args: unknown[]) => unknown>(fn: F) => F): unknown {
  const call = resolve(c.op)!, args = argumentsOf(c);
  dg.manualSeed(5);
  const warned = dg.setWarningHandler(() => {});
  try {
    const fn = wrap((...given: unknown[]) => {
      const inner = given.map(late);
      const out = call(...inner);
      return [out, inner, tensorsOf(inner).map((t) => (t as unknown as dg.Tensor).version)];
    });
    const [out, inner, versions] = fn(...args) as [unknown, unknown[], number[]];
    const outs = [...tensorsOf(out), ...tensorsOf(inner)] as unknown as dg.Tensor[];
    const roots = outs.filter((t) => t.requiresGrad);
    const names = outs.map((t) => t.gradFn?.name() ?? null);
    if (roots.length > 0) dg.autograd.backward(roots, roots.map((t) => dg.onesLike(t.detach()).mul(0.5)));
    const leaves = tensorsOf(args) as unknown as dg.Tensor[];
    return [
      outs.map((t) => [t.dtype, t.shape, t.strides, t.requiresGrad, t.detach().toArray()]),
      leaves.map((t) => t.grad?.toArray() ?? null),
      leaves.map((t) => t.detach().toArray()),
      versions,
      names,
      tensorsOf(out).length === 0 ? out : null,
    ];
  } catch (error) {
    return `${error}`;
  } finally {
    dg.setWarningHandler(warned);
  }
}

/** The first place where two answers differ by more than rounding. */
function difference(a: unknown, b: unknown, path = ""): string | null {
  if (typeof a === "number" && typeof b === "number") {
    const near = Object.is(a, b) || a === b || Math.abs(a - b) <= 1e-5 * (1 + Math.abs(b));
    return near ? null : `${path}: ${a}, not ${b}`;
  }
  if (Array.isArray(a) && Array.isArray(b) && a.length === b.length) {
    for (let i = 0; i < a.length; i++) {
      const found = difference(a[i], b[i], `${path}.${i}`);
      if (found !== null) return found;
    }
    return null;
  }
  const texts = [a, b].map((x) => typeof x === "string" ? x : JSON.stringify(x) ?? String(x));
  return texts[0] === texts[1] ? null : `${path}: ${texts[0].slice(0, 300)}, not ${texts[1].slice(0, 300)}`;
}

for (const name of CALL_FILES) {
  Deno.test(`calls of ${name} are the same in a compiled function`, () => {
    const file = readGolden(name), problems: string[] = [];
    let count = 0;
    for (const [op, cases] of callsByOp(file)) {
      if (resolve(op) === undefined) continue;
      for (const c of cases) {
        if (!dtypesIn(c as never).every(dtypeExists)) continue;
        count++;
        const found = difference(seen(c, (fn) => dg.compile(fn) as typeof fn), seen(c, (fn) => fn));
        if (found !== null) problems.push(`${c.id}: ${found}`);
      }
    }
    assert(count > 0);
    assertEquals(problems.slice(0, 20), []);
  });
}
