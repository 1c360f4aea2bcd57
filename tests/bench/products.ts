/**
 * Matrix products of the size that they are chosen for.
 * @module
 */
import * as dg from "../../mod.ts";
import { type GemmTier, setGemmTier } from "../../src/backend/cpu/gemm.ts";
import { blasLibrary } from "../../src/backend/cpu/blas/library.ts";
import type { Group, Row } from "./measure.ts";

/** Runs with products in one way. */
export function onTier<T>(tier: GemmTier, run: () => T): T {
  const before = setGemmTier(tier);
  try {
    return run();
  } finally {
    setGemmTier(before);
  }
}

const SIZES = [4, 16, 64, 256, 1024], VECTORS = [64, 1024];

function rows(): Row[] {
  const tier = blasLibrary() === null ? "wasm" : "wasm+threads";
  return SIZES.map((n) => {
    const a = dg.randn(n, n), b = dg.randn(n, n);
    return {
      name: `matmul ${n}`,
      run: () => a.mm(b),
      other: () => onTier(tier, () => a.mm(b)),
      torch: `a${n} @ b${n}`,
    };
  }).concat(VECTORS.map((n) => {
    const a = dg.randn(n, n), x = dg.randn(n);
    return {
      name: `matrix times vector ${n}`,
      run: () => a.mv(x),
      other: () => onTier(tier, () => a.mv(x)),
      torch: `a${n} @ x${n}`,
    };
  }));
}

/** Matrix products. */
export const matmul: Group = {
  name: "matmul",
  rows,
  get other() {
    return blasLibrary() === null ? "one thread" : "without BLAS";
  },
  torchSetup: [
    ...SIZES.map((n) => `a${n} = torch.randn(${n}, ${n}); b${n} = torch.randn(${n}, ${n})`),
    ...VECTORS.map((n) => `x${n} = torch.randn(${n})`),
  ].join("\n"),
};
