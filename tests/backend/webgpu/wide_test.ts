/** Large row-major tensors, which are computed four elements an invocation, against the CPU. */
import { assert, assertEquals } from "@std/assert";
import * as dg from "../../../mod.ts";
import { gpuTest } from "./helpers.ts";

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
