/** Large row-major tensors, which are computed four elements an invocation, against the CPU. */
import { assert, assertEquals } from "@std/assert";
import * as dg from "../../../mod.ts";
import { runPointwise } from "../../../src/backend/webgpu/pointwise.ts";
import { parse } from "../../../src/expr/parse.ts";
import { program } from "../../../src/expr/program.ts";
import { empty, gpuTest, lcg, operand, run, ulps, values } from "./helpers.ts";

gpuTest("four elements an invocation: dtypes, single elements, views, in place", () => {
  for (const n of [1023, 1024, 1027, 4096, 70_000]) {
    const x = dg.randn(n + 8), y = dg.randn(n + 8), k = dg.randint(-5n, 6n, [n + 8]).to("int32");
    const on = (t: dg.Tensor) => t.to("webgpu");
    const all = [x, y, k], there = all.map(on);
    for (const start of [0, 1, 4]) {
      const [a, b, i] = all.map((t) => t.narrow(0, start, n));
      const [p, q, j] = there.map((t) => t.narrow(0, start, n));
      const pairs: [dg.Tensor, dg.Tensor][] = [
        [a.mul(b).add(2), p.mul(q).add(2)],
        [a.add(i), p.add(j)],
        [i.mul(3n), j.mul(3n)],
        [a.gt(b), p.gt(q)],
        [dg.where(a.gt(0), b, a), dg.where(p.gt(0), q, p)],
        [a.mul(b.select(0, 5)), p.mul(q.select(0, 5))],
        [a.to("int32"), p.to("int32")],
        [a.clone().add_(b).mul_(a), p.clone().add_(q).mul_(p)],
      ];
      for (let round = 0; round < 2; round++) { // the second time by the short way
        assertEquals(p.mul(q).cpu().toArray(), a.mul(b).toArray());
      }
      for (const [want, got] of pairs) {
        assertEquals(got.dtype, want.dtype);
        assert(
          dg.allclose(got.cpu().to("float64"), want.to("float64"), { rtol: 1e-6, atol: 1e-6 }),
          `${n} from ${start}`,
        );
      }
    }
    // what lies around a part that is written stays
    const whole = on(x), part = whole.narrow(0, 4, n);
    part.mul_(2);
    const back = whole.cpu().toArray() as number[], old = x.toArray() as number[];
    assertEquals(back, old.map((v, at) => at < 4 || at >= n + 4 ? v : 2 * v));
  }
});

gpuTest("four elements an invocation: arguments that are rare among others", (gpu) => {
  const random = lcg(21), n = 4096;
  // none, one, several or all of four neighbours are large, or no numbers at all
  const rare = [6000, -6000.5, 1e5, -3e9, 1e20, -1.7e30, 3e38, 2 ** 121, Infinity, -Infinity, NaN, 2 ** 23];
  for (const share of [0, 0.02, 0.4, 1]) {
    const x = Float32Array.from(
      { length: n },
      (_, i) => random() < share ? rare[i % rare.length] * (1 + Math.floor(i / 7) / n) : random() * 40 - 20,
    );
    const y = Float32Array.from({ length: n }, () => random() - 0.5);
    for (
      const [text, f] of [["sin(x) + y", Math.sin], ["y + cos(x)", Math.cos], [
        "tan(x) + y",
        Math.tan,
      ]] as const
    ) {
      const in1 = operand(gpu, "float32", x), in2 = operand(gpu, "float32", y);
      const p = program(["x", "y"], text), apart = run(gpu, p, [in1, in2], n, "float32");
      runPointwise(gpu, p, [in1, in2], [in1], [n], "float32"); // in place
      const got = values(gpu, in1, n);
      assertEquals(got, apart);
      for (let i = 0; i < n; i++) {
        const want = f(x[i]) + y[i], size = 1e-6 * Math.abs(f(x[i])) + 1e-7;
        const close = Number.isNaN(want) ? Number.isNaN(got[i]) : Math.abs(got[i] as number - want) <= size;
        assert(close, `${text} at ${x[i]}, ${y[i]}: ${got[i]}, not ${want}`);
      }
    }
    // two functions, of which each has rare arguments of its own, and two results
    const p = program(["x", "y"], ["sin(x)", "cos(x * y)"].map((t) => parse(t, ["x", "y"])));
    const outs = [empty(gpu, "float32", [n]), empty(gpu, "float32", [n])];
    runPointwise(gpu, p, [operand(gpu, "float32", x), operand(gpu, "float32", y)], outs, [n], "float32");
    const [s, c] = outs.map((out) => values(gpu, out, n));
    for (let i = 0; i < n; i++) {
      assert(ulps(s[i] as number, Math.sin(x[i])) <= 2.5, `sin(${x[i]}) = ${s[i]}`);
      const at = Math.fround(x[i] * y[i]);
      assert(ulps(c[i] as number, Math.cos(at)) <= 2.5, `cos(${at}) = ${c[i]}`);
    }
  }
});

gpuTest("four elements an invocation: broadcast, transposed, flipped and cut operands", () => {
  const x = dg.randn([40, 6, 24]), k = dg.randint(-9n, 10n, [40, 6, 24]).to("int32");
  const row = dg.randn([27]),
    column = dg.randn([40, 1, 1]),
    channel = dg.randint(-9n, 10n, [6, 1]).to("int32");
  const all = [x, k, row, column, channel], there = all.map((t) => t.to("webgpu"));
  type Three = (
    x: dg.Tensor,
    k: dg.Tensor,
    row: dg.Tensor,
    column: dg.Tensor,
    channel: dg.Tensor,
  ) => dg.Tensor;
  const cases: Record<string, Three> = {
    row: (x, _, row) => x.mul(row.narrow(0, 0, 24)),
    "row that no vector begins with": (x, _, row) => x.mul(row.narrow(0, 3, 24)),
    column: (x, _, __, column) => x.sub(column),
    "channel of another type": (x, _, __, ___, channel) => x.mul(channel),
    "all of them": (x, k, row, column, channel) =>
      x.mul(row.narrow(0, 1, 24)).add(k.mul(channel)).add(column),
    cut: (x) => x.narrow(2, 4, 16).add(x.narrow(2, 8, 16)),
    "cut by one": (x) => x.narrow(2, 4, 16).add(x.narrow(2, 5, 16)),
    "cut elsewhere": (x, k) => x.narrow(0, 7, 20).mul(k.narrow(0, 1, 20)),
    "by two": (x) => x.narrow(2, 0, 20).add(x.flip([2]).narrow(2, 1, 20)),
    transposed: (x) => x.transpose(0, 2).add(x.transpose(0, 2).contiguous()),
    "transposed and not": (x, k) =>
      x.reshape(240, 24).narrow(0, 0, 96).reshape(48, 48).t().mul(
        k.flatten().narrow(0, 0, 2304).view(48, 48),
      ),
    "odd rows": (x) => x.narrow(2, 0, 23).mul(2).add(x.narrow(2, 1, 23)),
    "an odd number of columns in fours": (x, k) => x.permute(2, 1, 0).mul(k.permute(2, 1, 0)),
    "to a cut": (x, k) => {
      const to = x.clone();
      to.narrow(2, 4, 16).copy_(k.narrow(2, 3, 16));
      return to;
    },
    "to a cut in place": (x, _, row) => {
      const to = x.clone();
      to.narrow(2, 8, 12).mul_(row.narrow(0, 2, 12));
      return to;
    },
    "to a cut where no vector begins": (x) => {
      const to = x.clone();
      to.narrow(2, 3, 20).add_(to.narrow(2, 1, 20).clone());
      return to;
    },
    "onto itself, moved": (x) => {
      const to = x.clone();
      to.narrow(0, 4, 30).copy_(to.narrow(0, 0, 30));
      return to;
    },
    int64: (_, k, __, ___, channel) => k.to("int64").mul(channel.to("int64")),
    bool: (x, _, row) => x.gt(row.narrow(0, 3, 24)),
    float16: (x, _, row) => x.to("float16").add(row.narrow(0, 0, 24)),
  };
  for (const [name, f] of Object.entries(cases)) {
    const want = f(...all as Parameters<Three>), first = f(...there as Parameters<Three>).cpu();
    const got = f(...there as Parameters<Three>).cpu(); // by a launch that is known
    assertEquals(got.toArray(), first.toArray(), name);
    assertEquals(got.dtype, want.dtype, name);
    const tolerance = name === "float16" ? 2e-3 : 1e-6;
    assert(
      dg.allclose(got.to("float64"), want.to("float64"), { rtol: tolerance, atol: tolerance }),
      name,
    );
  }
});
