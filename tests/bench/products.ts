/**
 * Matrix products of the size that they are chosen for.
 * @module
 */
import * as dg from "../../mod.ts";
import { setGemmTier } from "../../src/backend/cpu/gemm.ts";
import type { Group, Row } from "./measure.ts";

const SIZES = [4, 16, 64, 256, 1024];

function rows(): Row[] {
  return SIZES.map((n) => {
    const a = dg.randn(n, n), b = dg.randn(n, n);
    const oneThread = (): void => {
      const before = setGemmTier("wasm");
      a.mm(b);
      setGemmTier(before);
    };
    return { name: `matmul ${n}`, run: () => a.mm(b), other: oneThread, torch: `a${n} @ b${n}` };
  });
}

/** Matrix products. */
export const matmul: Group = {
  name: "matmul",
  rows,
  other: "one thread",
  torchSetup: SIZES.map((n) => `a${n} = torch.randn(${n}, ${n}); b${n} = torch.randn(${n}, ${n})`).join("\n"),
};
