/** The largest elements under windows are the same in WebAssembly as in JavaScript, and so are their places. */
import { assert, assertEquals } from "@std/assert";
import * as dg from "../../mod.ts";
import { setCpuTier } from "../../src/backend/cpu/tier.ts";

const sizes = [[24, 24], [5, 4], [7, 9], [13, 15], [8, 31], [6, 17], [200, 300]];
const kernels = [2, 3, [1, 4], [3, 2], 1, 4], strides = [1, 2, 3, [2, 1], [1, 2]];

for (const [h, w] of sizes) {
  Deno.test(`maxPool2d of planes ${h} x ${w}: WebAssembly agrees with JavaScript`, () => {
    const x = dg.randn(h > 100 ? 1 : 6, 5, h, w).mul(2).round(), elements = x.typedArray();
    for (let i = 3; i < elements.length; i += 97) elements[i] = NaN;
    for (let i = 5; i < elements.length; i += 61) elements[i] = -Infinity;
    for (let i = 7; i < elements.length; i += 53) elements[i] = -0;
    for (const kernel of kernels) {
      for (const stride of strides) {
        const [js, wasm] = (["js", "wasm"] as const).map((tier) => {
          const before = setCpuTier(tier);
          try {
            return dg.maxPool2d(x, kernel, { stride, returnIndices: true });
          } finally {
            setCpuTier(before);
          }
        });
        const [a, b] = [js[0].typedArray(), wasm[0].typedArray()],
          name = `kernel ${kernel}, stride ${stride}`;
        assert((a as Float32Array).every((v, i) => Object.is(v, b[i])), name);
        assertEquals(wasm[1].typedArray(), js[1].typedArray(), name);
      }
    }
  });
}
