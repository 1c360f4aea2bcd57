/** Gradients of linear algebra, and gradients of those, against differences; in batches and on views with other strides. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as dg from "../../../mod.ts";

const { linalg } = dg;
const float64 = { dtype: "float64" } as const;

/** Batches of matrices that are far from singular; every second one transposed in memory. */
function matrices(...shape: number[]): dg.Tensor {
  if (shape.length === 1) return dg.randn(shape, float64);
  const [m, n] = shape.slice(-2), lead = shape.slice(0, -2);
  const noise = dg.randn([...lead, n, m], float64).transpose(-2, -1);
  return noise.mul(0.3).add(dg.eye(m, n, float64).mul(2)).add(dg.ones(m, n, float64).mul(0.1));
}

function leaf(x: dg.Tensor): dg.Tensor {
  return x.detach().requiresGrad_();
}

/** Symmetric, with eigenvalues that differ. */
const symmetric = (x: dg.Tensor): dg.Tensor =>
  x.add(x.mT).add(dg.diag(dg.arange(x.shape.at(-1)!, float64)).mul(2));
/** Symmetric and positive-definite. */
const definite = (x: dg.Tensor): dg.Tensor => x.matmul(x.mT).add(dg.eye(x.shape.at(-1)!, float64));

type Fn = (...inputs: dg.Tensor[]) => dg.Tensor | readonly dg.Tensor[];

const cases: Record<string, [Fn, ...number[][]]> = {
  "det": [(a) => linalg.det(a), [3, 3]],
  "det in batches": [(a) => linalg.det(a), [2, 2, 2]],
  "det of 1 by 1": [(a) => linalg.det(a), [1, 1]],
  "slogdet": [(a) => linalg.slogdet(a).logabsdet, [2, 3, 3]],
  "logdet": [(a) => dg.logdet(definite(a)), [3, 3]],
  "inv": [(a) => linalg.inv(a), [2, 3, 3]],
  "solve": [(a, b) => linalg.solve(a, b), [3, 3], [3, 2]],
  "solve for vectors": [(a, b) => linalg.solve(a, b), [2, 3, 3], [2, 3]],
  "solve for one vector": [(a, b) => linalg.solve(a, b), [2, 3, 3], [3]],
  "solve, broadcast": [(a, b) => linalg.solve(a, b), [3, 3], [2, 3, 2]],
  "solve from the right": [(a, b) => linalg.solve(a, b, { left: false }), [3, 3], [2, 2, 3]],
  "solveTriangular, upper": [(a, b) => linalg.solveTriangular(a, b, { upper: true }), [3, 3], [3, 2]],
  "solveTriangular, lower": [(a, b) => linalg.solveTriangular(a, b, { upper: false }), [2, 3, 3], [3, 2]],
  "solveTriangular, right": [
    (a, b) => linalg.solveTriangular(a, b, { upper: true, left: false }),
    [3, 3],
    [2, 3],
  ],
  "solveTriangular, unit": [
    (a, b) => linalg.solveTriangular(a, b, { upper: false, unitriangular: true, left: false }),
    [3, 3],
    [2, 3],
  ],
  "cholesky": [(a) => linalg.cholesky(definite(a)), [2, 3, 3]],
  "cholesky, upper": [(a) => linalg.cholesky(definite(a), { upper: true }), [3, 3]],
  "choleskySolve": [(b, a) => dg.choleskySolve(b, a), [3, 2], [3, 3]],
  "choleskySolve, upper": [(b, a) => dg.choleskySolve(b, a, true), [2, 3, 2], [3, 3]],
  "choleskyInverse": [(a) => dg.choleskyInverse(a), [3, 3]],
  "choleskyInverse, upper": [(a) => dg.choleskyInverse(a, { upper: true }), [2, 3, 3]],
  "qr, square": [(a) => [...linalg.qr(a)], [3, 3]],
  "qr, tall": [(a) => [...linalg.qr(a)], [2, 4, 3]],
  "qr, wide": [(a) => [...linalg.qr(a)], [2, 4]],
  "qr, wide and complete": [(a) => [...linalg.qr(a, { mode: "complete" })], [2, 3]],
  "qr, R alone": [(a) => linalg.qr(a).R, [4, 3]],
  "qr, Q alone": [(a) => linalg.qr(a).Q, [2, 4]],
  "householderProduct": [(a, t) => linalg.householderProduct(a, t.squeeze(-1)), [4, 3], [3, 1]],
  "householderProduct, fewer": [(a, t) => linalg.householderProduct(a, t.squeeze(-1)), [2, 4, 3], [2, 2, 1]],
  "lu, square": [(a) => [linalg.lu(a).L, linalg.lu(a).U], [3, 3]],
  "lu, tall": [(a) => [linalg.lu(a).L, linalg.lu(a).U], [2, 4, 3]],
  "lu, wide": [(a) => [linalg.lu(a).L, linalg.lu(a).U], [2, 4]],
  "lu, L alone": [(a) => linalg.lu(a).L, [4, 3]],
  "lu, U alone": [(a) => linalg.lu(a).U, [4, 3]],
  "lu, wide U alone": [(a) => linalg.lu(a).U, [2, 4]],
  "luFactor": [(a) => linalg.luFactor(a).LU, [2, 3, 3]],
  "luFactor, wide": [(a) => linalg.luFactor(a).LU, [2, 3]],
  "luSolve": [(a, b) => linalg.luSolve(...pair(linalg.luFactor(a)), b), [3, 3], [3, 2]],
  "luSolve from the right": [
    (a, b) => linalg.luSolve(...pair(linalg.luFactor(a)), b, { left: false }),
    [3, 3],
    [2, 3],
  ],
  "svdvals": [(a) => linalg.svdvals(a), [2, 3, 2]],
  "svd, made whole": [
    (a) => {
      const { U, S, Vh } = linalg.svd(a, { fullMatrices: false });
      return U.mul(S.square().unsqueeze(-2)).matmul(Vh);
    },
    [4, 3],
  ],
  "svd, wide": [
    (a) => {
      const { U, S, Vh } = linalg.svd(a, { fullMatrices: false });
      return [U.abs(), S, Vh.abs()];
    },
    [2, 2, 3],
  ],
  "svd, tall": [(a) => [...linalg.svd(a, { fullMatrices: false })].map((t) => t.abs()), [3, 2]],
  "svd, only vectors": [(a) => linalg.svd(a, { fullMatrices: false }).Vh.abs(), [3, 3]],
  "eigh": [(a) => [...linalg.eigh(symmetric(a))].map((t) => t.abs()), [2, 3, 3]],
  "eigh, upper": [(a) => linalg.eigh(symmetric(a), "U").eigenvectors.abs(), [3, 3]],
  "eigvalsh": [(a) => linalg.eigvalsh(symmetric(a)), [3, 3]],
  "eig": [(a) => [...linalg.eig(realEigenvalues(a))].map((t) => t.abs()), [2, 3, 3]],
  "eigvals": [(a) => linalg.eigvals(realEigenvalues(a)), [3, 3]],
  "pinv, tall": [(a) => linalg.pinv(a), [2, 3, 2]],
  "pinv, wide": [(a) => linalg.pinv(a), [2, 3]],
  "pinv, hermitian": [(a) => linalg.pinv(symmetric(a), { hermitian: true }), [3, 3]],
  "lstsq": [(a, b) => linalg.lstsq(a, b).solution, [4, 2], [4, 3]],
  "lstsq with residuals": [
    (a, b) => [...linalg.lstsq(a, b, { driver: "gelsd" })].slice(0, 2),
    [2, 4, 2],
    [2, 4, 1],
  ],
  "lstsq for vectors": [(a, b) => linalg.lstsq(a, b, { driver: "gels" }).solution, [2, 3], [2]],
  "matrixNorm, nuc": [(a) => linalg.matrixNorm(a, "nuc"), [2, 3, 2]],
  "matrixNorm, 2": [(a) => linalg.matrixNorm(a, 2), [3, 3]],
  "matrixNorm, 1": [(a) => linalg.matrixNorm(a, 1, { dim: [0, 2], keepdim: true }), [2, 2, 3]],
  "norm, fro": [(a) => linalg.norm(a, "fro"), [3, 2]],
  "cond": [(a) => linalg.cond(a), [3, 3]],
  "cond, 1": [(a) => linalg.cond(a, 1), [3, 3]],
  "cond, nuc": [(a) => linalg.cond(a, "nuc"), [2, 2, 2]],
  "multiDot": [(a, b, c) => linalg.multiDot([a, b, c]), [2, 3], [3, 2], [2, 4]],
  "matrixPower, 3": [(a) => linalg.matrixPower(a, 3), [2, 3, 3]],
  "matrixPower, -2": [(a) => linalg.matrixPower(a, -2), [3, 3]],
  "matrixExp": [(a) => linalg.matrixExp(a), [2, 2, 2]],
  "cross": [(a, b) => linalg.cross(a, b), [2, 3], [1, 3]],
  "vecdot": [(a, b) => linalg.vecdot(a, b), [2, 3], [2, 3]],
  "vander": [(a) => linalg.vander(a, 4), [2, 3]],
  "tensorinv": [(a) => linalg.tensorinv(a.reshape(2, 2, 4)), [4, 4]],
  "tensorsolve": [(a, b) => linalg.tensorsolve(a.reshape(2, 2, 4), b), [4, 4], [2, 2]],
  "cdist": [(a, b) => dg.cdist(a, b), [2, 3, 2], [2, 2]],
  "cdist, 1": [(a, b) => dg.cdist(a, b, 1), [3, 2], [2, 2]],
  "cdist, 3": [(a, b) => dg.cdist(a, b, { p: 3 }), [3, 2], [2, 2]],
};

function pair({ LU, pivots }: { LU: dg.Tensor; pivots: dg.Tensor }): [dg.Tensor, dg.Tensor] {
  return [LU, pivots];
}

/** A matrix with real eigenvalues that is not symmetric: a symmetric one in another basis. */
function realEigenvalues(a: dg.Tensor): dg.Tensor {
  const basis = dg.tensor([[1, 0.3, 0], [0, 1, 0.2], [0.1, 0, 1]], float64);
  return linalg.inv(basis).matmul(symmetric(a)).matmul(basis);
}

for (const [name, [fn, ...shapes]] of Object.entries(cases)) {
  Deno.test(`gradients of the first and second order: ${name}`, () => {
    dg.manualSeed(7);
    const inputs = shapes.map((s) => leaf(matrices(...s)));
    assert(dg.autograd.gradcheck(fn, inputs));
    assert(dg.autograd.gradgradcheck(fn, inputs));
  });
}

Deno.test("det of a singular matrix has the cofactors as gradient, of any order", () => {
  for (const data of [[[1, 2], [2, 4]], [[0, 0], [0, 0]], [[1, 2, 3], [4, 5, 6], [5, 7, 9]], [[0]]]) {
    const a = dg.tensor(data, { ...float64, requiresGrad: true });
    assert(dg.autograd.gradcheck(linalg.det, a));
    assert(dg.autograd.gradgradcheck(linalg.det, a));
  }
  // beyond the size for which minors are taken
  const large = dg.eye(10, float64).mul(2);
  const a = leaf(large.sub(large.select(0, 3).diag()));
  linalg.det(a).backward();
  assertEquals(a.grad!.sum().item(), 512);
  assertEquals((a.grad!.index(3, 3)).item(), 512);
});

Deno.test("gradients that PyTorch refuses are refused", () => {
  const a = dg.ones(3, 2, { requiresGrad: true });
  assertThrows(
    () => linalg.qr(a, { mode: "complete" }).R.sum().backward(),
    TypeError,
    "not differentiable when mode='complete' and nrows > ncols",
  );
  assertThrows(() => linalg.qr(a, "r").R.sum().backward(), TypeError, "depends on Q");
});

Deno.test("repeated singular values: gradients of values exist, those of vectors do not", () => {
  const a = leaf(dg.eye(2, float64));
  linalg.svdvals(a).sum().backward();
  assertEquals(a.grad!.toArray(), [[1, 0], [0, 1]]);
  const b = leaf(dg.eye(2, float64));
  linalg.svd(b).U.sum().backward();
  assert(b.grad!.isnan().all().item());
});

Deno.test("columns beyond the singular values have no gradient, as in PyTorch", () => {
  const a = leaf(matrices(3, 2));
  linalg.svd(a).U.select(1, 2).sum().backward();
  assertEquals(a.grad!.abs().sum().item(), 0);
});
