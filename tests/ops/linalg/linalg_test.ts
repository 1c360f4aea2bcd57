/** Values of linear algebra: what decompositions promise, special matrices, strides, dtypes, results and errors. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import * as dg from "../../../mod.ts";

const { linalg } = dg;
const float64 = { dtype: "float64" } as const;

function near(a: dg.Tensor, b: dg.Tensor, atol = 1e-10): void {
  assertEquals(a.shape, b.shape);
  assert(dg.allclose(a.double(), b.double(), { rtol: 1e-9, atol }), `${a}\nis not\n${b}`);
}

/** The values, up to some digits. */
function close(a: dg.Tensor, values: unknown, atol = 1e-6): void {
  near(a.double(), dg.tensor(values as dg.TensorData, float64), atol);
}

const one = (n: number): dg.Tensor => dg.eye(n, float64);

/** Sizes that meet one panel of the LU factorization, several, and none. */
const sizes = [[1, 1], [3, 3], [5, 2], [2, 5], [70, 70], [120, 50], [50, 120]];

Deno.test("LU: the factors multiply to the matrix, and have their forms", () => {
  dg.manualSeed(1);
  for (const [m, n] of sizes) {
    const a = dg.randn(2, m, n, float64), { P, L, U } = linalg.lu(a);
    near(P.matmul(L).matmul(U), a);
    near(L.triu(), dg.eye(m, Math.min(m, n), float64).expand(L.shape));
    near(U.tril(-1), U.mul(0));
    assert(L.abs().max().item() as number <= 1);
    near(P.matmul(P.mT), one(m).expand(2, m, m));
    const { LU, pivots, info } = linalg.luFactorEx(a);
    assertEquals([pivots.dtype, info.toArray()], ["int32", [0, 0]]);
    const again = dg.luUnpack(LU, pivots);
    near(again.P, P);
    near(again.L, L);
    near(again.U, U);
  }
});

Deno.test("QR: orthonormal columns, an upper triangle, and LAPACK's signs", () => {
  dg.manualSeed(2);
  for (const [m, n] of sizes) {
    const a = dg.randn(2, m, n, float64), k = Math.min(m, n);
    for (const [mode, columns] of [["reduced", k], ["complete", m]] as const) {
      const { Q, R } = linalg.qr(a, { mode });
      assertEquals([Q.shape, R.shape], [[2, m, columns], [2, columns, n]]);
      near(Q.matmul(R), a);
      near(Q.mT.matmul(Q), one(columns).expand(2, columns, columns));
      near(R.tril(-1), R.mul(0));
    }
    const { a: packed, tau } = dg.geqrf(a);
    if (m >= n) near(linalg.householderProduct(packed, tau), linalg.qr(a).Q);
  }
  const { Q, R } = linalg.qr(dg.tensor([[1, 2], [3, 4]]));
  close(Q, [[-0.31622776, -0.9486833], [-0.9486833, 0.31622776]]);
  close(R, [[-3.1622777, -4.427189], [0, -0.6324555]]);
  close(linalg.qr(dg.eye(2)).R, [[1, 0], [0, 1]]);
  assertEquals(linalg.qr(dg.ones(3, 2), "r").Q.shape, [0]);
});

Deno.test("SVD: orthonormal vectors, and values in descending order", () => {
  dg.manualSeed(3);
  for (const [m, n] of [...sizes, [40, 40]]) {
    const a = dg.randn(2, m, n, float64), k = Math.min(m, n);
    for (const fullMatrices of [false, true]) {
      const { U, S, Vh } = linalg.svd(a, { fullMatrices });
      const [rows, columns] = fullMatrices ? [m, n] : [k, k];
      assertEquals([U.shape, S.shape, Vh.shape], [[2, m, rows], [2, k], [2, columns, n]]);
      near(U.narrow(-1, 0, k).mul(S.unsqueeze(-2)).matmul(Vh.narrow(-2, 0, k)), a);
      near(U.mT.matmul(U), one(rows).expand(2, rows, rows));
      near(Vh.matmul(Vh.mT), one(columns).expand(2, columns, columns));
      assert(S.diff().le(0).all().item());
      near(linalg.svdvals(a), S);
    }
  }
});

Deno.test("SVD of matrices of low rank, of zeros, and of extreme sizes", () => {
  const low = dg.ones(4, 3, float64), { U, S, Vh } = linalg.svd(low);
  close(S, [Math.sqrt(12), 0, 0], 1e-12);
  near(U.mT.matmul(U), one(4));
  near(Vh.matmul(Vh.mT), one(3));
  const none = linalg.svd(dg.zeros(2, 3, float64));
  assertEquals(none.S.toArray(), [0, 0]);
  near(none.U.matmul(none.U.mT), one(2));
  const a = dg.tensor([[3, 1], [1, 2]], float64);
  for (const scale of [1e-160, 1e200]) {
    near(linalg.svdvals(a.mul(scale)).div(scale), linalg.svdvals(a));
    near(linalg.eigvalsh(a.mul(scale)).div(scale), linalg.eigvalsh(a));
    near(linalg.qr(a.mul(scale)).R.div(scale), linalg.qr(a).R);
  }
});

Deno.test("eigh: eigenvectors, ascending values, and the triangle that is read", () => {
  dg.manualSeed(4);
  for (const n of [1, 2, 7, 40]) {
    const x = dg.randn(2, n, n, float64), a = x.add(x.mT);
    const { eigenvalues: w, eigenvectors: v } = linalg.eigh(a);
    near(a.matmul(v), v.mul(w.unsqueeze(-2)));
    near(v.mT.matmul(v), one(n).expand(2, n, n));
    assert(w.diff().ge(0).all().item());
    near(linalg.eigh(a.tril()).eigenvalues, w);
    near(linalg.eigvalsh(a.triu(), "U"), w);
    near(linalg.eigvalsh(a.triu(), { UPLO: "U" }), w);
  }
});

Deno.test("eig: real eigenvalues of matrices that are not symmetric", () => {
  dg.manualSeed(5);
  for (const n of [2, 3, 10, 40]) {
    // a positive-definite matrix times a symmetric one has real eigenvalues
    const b = dg.randn(2, n, n, float64), y = dg.randn(2, n, n, float64);
    const a = b.matmul(b.mT).add(one(n)).matmul(y.add(y.mT));
    const { eigenvalues: w, eigenvectors: v } = linalg.eig(a);
    const scale = a.abs().max().item() as number;
    near(a.matmul(v).div(scale), v.mul(w.unsqueeze(-2)).div(scale), 1e-9);
    near(linalg.norm(v, null, { dim: -2 }), dg.ones(2, n, float64));
    near(linalg.eigvals(a), w);
  }
  close(linalg.eigvals(dg.tensor([[2, 1], [5, 3]])), [0.20871215, 4.7912878]);
  assertEquals(linalg.eigvals(dg.tensor([[1, 1], [0, 1]])).toArray(), [1, 1]);
});

Deno.test("eig says that eigenvalues are complex, also where plain QR steps go in circles", () => {
  assertThrows(
    () => linalg.eig(dg.tensor([[0, 1], [-1, 0]])),
    RangeError,
    "linalg.eig: The eigenvalues 0 + 1i and 0 - 1i are not real, and there is no complex dtype",
  );
  const circular = dg.tensor([[0, 0, 1], [1, 0, 0], [0, 1, 0]]);
  assertThrows(() => linalg.eigvals(circular), RangeError, "linalg.eigvals: The eigenvalues -0.");
  const hard = dg.tensor([
    [0, 0, 0, 0, 0],
    [0, 0, 0, 0, 1],
    [0, 0, 0, 1, 0],
    [1, 1, 0, 0, 1],
    [1, 0, 1, 0, 1],
  ]);
  assertThrows(
    () => linalg.eigvals(dg.stack([dg.eye(5), hard])),
    RangeError,
    "(Batch element 1): The eigenvalues",
  );
});

Deno.test("Cholesky: the factor, the triangle that is read, and what is computed from it", () => {
  dg.manualSeed(6);
  for (const n of [1, 3, 9, 33]) {
    const x = dg.randn(2, n, n, float64), a = x.matmul(x.mT).add(one(n)), b = dg.randn(2, n, 2, float64);
    const L = linalg.cholesky(a), U = linalg.cholesky(a.triu(), { upper: true });
    near(L.matmul(L.mT), a);
    near(U.mT, L);
    near(linalg.cholesky(a.tril()), L);
    near(a.matmul(dg.choleskySolve(b, L)), b, 1e-8);
    near(dg.choleskySolve(b, U, { upper: true }), dg.choleskySolve(b, L));
    near(dg.choleskyInverse(L), linalg.inv(a), 1e-8);
  }
  const { L, info } = linalg.choleskyEx(dg.tensor([[1, 2], [2, 1]]));
  assertEquals([L.toArray(), info.item(), info.dtype], [[[1, 0], [2, -3]], 2, "int32"]);
});

Deno.test("systems: solutions, vectors, broadcasting, both sides", () => {
  dg.manualSeed(8);
  for (const n of [1, 4, 60, 101]) {
    const a = dg.randn(2, n, n, float64).add(one(n).mul(n)), b = dg.randn(2, n, 3, float64);
    near(a.matmul(linalg.solve(a, b)), b);
    near(linalg.solve(a, b.mT, { left: false }).matmul(a), b.mT);
    near(linalg.inv(a).matmul(a), one(n).expand(2, n, n));
    near(linalg.solve(a, b.select(-1, 0)), linalg.solve(a, b).select(-1, 0));
    const { LU, pivots } = linalg.luFactor(a);
    near(linalg.luSolve(LU, pivots, b), linalg.solve(a, b));
    near(linalg.luSolve(LU, pivots, b.mT, { left: false }), linalg.solve(a, b.mT, { left: false }));
    near(dg.luSolve(b, LU, pivots), linalg.solve(a, b));
    near(dg.triangularSolve(b, a), linalg.solve(a.triu(), b));
    near(dg.triangularSolve(b, a, { transpose: true }), linalg.solve(a.triu().mT, b));
  }
  const a = dg.eye(2, float64).expand(3, 2, 2);
  assertEquals(linalg.solve(a, dg.ones(2, float64)).shape, [3, 2]);
  assertEquals(linalg.solve(a, dg.ones(2, 5, float64)).shape, [3, 2, 5]);
  assertEquals(linalg.solve(dg.eye(2), dg.ones(4, 2, 5)).shape, [4, 2, 5]);
});

Deno.test("determinants: signs, singular and large matrices", () => {
  assertEquals(linalg.det(dg.tensor([[0, 1], [1, 0]])).item(), -1);
  assertEquals(linalg.det(dg.tensor([[1, 2], [2, 4]])).item(), 0);
  const { sign, logabsdet } = linalg.slogdet(dg.eye(200, float64).mul(-1e-3));
  assertEquals(sign.item(), 1);
  assertAlmostEquals(logabsdet.item() as number, 200 * Math.log(1e-3), 1e-9);
  const zero = linalg.slogdet(dg.zeros(2, 2));
  assertEquals([zero.sign.item(), zero.logabsdet.item()], [0, -Infinity]);
  assertEquals(dg.logdet(dg.eye(3).neg()).item(), NaN);
  assertEquals(dg.logdet(dg.zeros(3, 3)).item(), -Infinity);
  assertEquals(dg.tensor([[2, 0], [0, 3]]).det().item(), 6);
});

Deno.test("pseudo-inverses, ranks and least squares", () => {
  dg.manualSeed(9);
  for (const [m, n] of [[4, 2], [2, 4], [3, 3]]) {
    const a = dg.randn(2, m, n, float64), p = linalg.pinv(a);
    near(a.matmul(p).matmul(a), a);
    near(p.matmul(a).matmul(p), p);
    near(p.matmul(a).mT, p.matmul(a));
    assertEquals(linalg.matrixRank(a).toArray(), [Math.min(m, n), Math.min(m, n)]);
    const b = dg.randn(2, m, 3, float64);
    for (const driver of ["gels", "gelsy", "gelsd", "gelss"] as const) {
      near(linalg.lstsq(a, b, { driver }).solution, p.matmul(b));
    }
  }
  close(linalg.pinv(dg.ones(2, 2)), [[0.25, 0.25], [0.25, 0.25]]);
  close(linalg.pinv(dg.tensor([[1, 2], [3, 1]]), { hermitian: true }), [[-0.125, 0.375], [0.375, -0.125]]);
  assertEquals(linalg.pinv(dg.ones(2, 2), { rtol: 2 }).toArray(), [[0, 0], [0, 0]]);
  assertEquals(linalg.matrixRank(dg.eye(3), dg.tensor([0.1, 2])).toArray(), [3, 0]);
  assertEquals(linalg.matrixRank(dg.eye(3), { tol: 1 }).item(), 0);
  const a = dg.tensor([[1, 2], [3, 4], [5, 6]], float64), b = dg.tensor([[1], [2], [4]], float64);
  const full = linalg.lstsq(a, b, { driver: "gelsd" });
  close(full.solution, [[2 / 3], [1 / 12]]);
  close(full.residuals, [1 / 6]);
  assertEquals(full.rank.item(), 2);
  close(full.singularValues, [9.52551809, 0.51430058]);
  assertEquals(linalg.lstsq(a, b).residuals.shape, [0]);
  const short = linalg.lstsq(dg.tensor([[1, 2], [1, 2], [1, 2]], float64), b, { driver: "gelsd" });
  close(short.solution, [[7 / 15], [14 / 15]]);
  assertEquals([short.rank.item(), short.residuals.shape], [1, [0]]);
});

Deno.test("norms and condition numbers", () => {
  const a = dg.tensor([[1, 2], [3, 4]], float64);
  const norms = ["fro", "nuc", 1, -1, 2, -2, Infinity, -Infinity] as const;
  const expected = [5.47722558, 5.83095189, 6, 4, 5.4649857, 0.36596619, 7, 3];
  norms.forEach((ord, i) =>
    assertAlmostEquals(linalg.matrixNorm(a, ord).item() as number, expected[i], 1e-7)
  );
  norms.forEach((ord, i) => assertAlmostEquals(linalg.norm(a, ord).item() as number, expected[i], 1e-7));
  assertAlmostEquals(linalg.cond(a, "fro").item() as number, 15, 1e-9);
  assertAlmostEquals(linalg.cond(a, "nuc").item() as number, 17, 1e-9);
  assertAlmostEquals(linalg.cond(a, Infinity).item() as number, 21, 1e-9);
  assertAlmostEquals(linalg.cond(a, -2).item() as number, 0.06696561, 1e-7);
  for (const p of [1, "nuc", "fro"] as const) assertEquals(linalg.cond(dg.zeros(2, 2), p).item(), Infinity);
  assertEquals(linalg.norm(dg.ones(2, 3, 4), 2, { dim: [0, 2], keepdim: true }).shape, [1, 3, 1]);
  assertEquals(linalg.matrixNorm(dg.ones(2, 3, 4), "nuc", { dim: [2, 0] }).shape, [3]);
  assertEquals(linalg.norm(dg.tensor([3, 4]), 1).item(), 7);
});

Deno.test("powers, exponentials and products", () => {
  const a = dg.tensor([[1, 1], [0, 1]], float64);
  assertEquals(linalg.matrixPower(a, 10).toArray(), [[1, 10], [0, 1]]);
  assertEquals(linalg.matrixPower(a, -3).toArray(), [[1, -3], [0, 1]]);
  assertEquals(linalg.matrixPower(dg.tensor([[2n, 0n], [0n, 2n]]), 3).toArray(), [[8, 0], [0, 8]]);
  const turn = dg.tensor([[0, -1], [1, 0]], float64);
  for (const angle of [0.1, 3, 40]) {
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    close(linalg.matrixExp(turn.mul(angle)), [[c, -s], [s, c]], 1e-12);
  }
  assert(linalg.matrixExp(dg.tensor([[NaN, 0], [0, 1]])).isnan().all().item());
  const [x, y, z] = [dg.ones(3), dg.ones(3, 2), dg.ones(2)];
  assertEquals(linalg.multiDot([x, y, z]).item(), 6);
  assertEquals(linalg.multiDot([y, z]).toArray(), [2, 2, 2]);
  assertEquals(dg.chainMatmul(y, dg.ones(2, 1)).toArray(), [[2], [2], [2]]);
  assertEquals(linalg.cross(dg.tensor([1n, 2n, 3n]), dg.tensor([4n, 5n, 6n])).toArray(), [-3, 6, -3]);
  assertEquals(dg.cross(dg.ones(3, 2), dg.zeros(3, 2)).shape, [3, 2]);
  assertEquals(linalg.vander(dg.tensor([2n, 3n]), { N: 3 }).toArray(), [[1, 2, 4], [1, 3, 9]]);
  assertEquals(dg.cdist(dg.tensor([[0, 0]]), dg.tensor([[3, 4], [1, 1]]), 0).toArray(), [[2, 2]]);
  assertEquals(dg.cdist(dg.zeros(5, 1, 2, 3), dg.ones(4, 6, 3), Infinity).shape, [5, 4, 2, 6]);
});

Deno.test("matrices and batches without elements", () => {
  const none = dg.zeros(0, 0, float64);
  assertEquals(linalg.det(none).item(), 1);
  assertEquals([...linalg.slogdet(none)].map((t) => t.item()), [1, 0]);
  assertEquals(linalg.inv(dg.zeros(2, 0, 0)).shape, [2, 0, 0]);
  assertEquals(linalg.solve(none, dg.zeros(0, 3, float64)).shape, [0, 3]);
  assertEquals(linalg.solve(dg.eye(2), dg.zeros(2, 0)).shape, [2, 0]);
  assertEquals(linalg.cholesky(none).shape, [0, 0]);
  assertEquals(linalg.qr(dg.zeros(2, 0), "complete").Q.toArray(), [[1, 0], [0, 1]]);
  assertEquals(linalg.svd(dg.zeros(0, 2)).Vh.toArray(), [[1, 0], [0, 1]]);
  assertEquals(linalg.svd(dg.zeros(3, 0, 2), false).Vh.shape, [3, 0, 2]);
  assertEquals(linalg.eigh(none).eigenvectors.shape, [0, 0]);
  assertEquals(linalg.eig(none).eigenvalues.shape, [0]);
  assertEquals(linalg.pinv(dg.zeros(2, 0)).shape, [0, 2]);
  assertEquals(linalg.matrixRank(dg.zeros(2, 0, 3)).toArray(), [0, 0]);
  assertEquals(linalg.lstsq(dg.zeros(0, 2), dg.zeros(0, 1)).solution.toArray(), [[0], [0]]);
  assertEquals(linalg.lstsq(dg.zeros(2, 0), dg.zeros(2, 1)).solution.shape, [0, 1]);
  assertEquals(linalg.cond(none).item(), 0);
  assertEquals(linalg.cond(dg.zeros(3, 0, 0), 1).toArray(), [0, 0, 0]);
  for (const ord of [1, 2, "nuc"] as const) assertEquals(linalg.matrixNorm(dg.zeros(2, 0), ord).item(), 0);
  assertEquals(linalg.matrixNorm(dg.zeros(0, 2), 1).item(), 0);
  assertEquals(linalg.matrixExp(none).shape, [0, 0]);
  assertEquals(dg.cdist(dg.zeros(2, 0), dg.zeros(3, 0)).toArray(), [[0, 0, 0], [0, 0, 0]]);
  assertEquals(linalg.lu(dg.zeros(0, 2)).U.shape, [0, 2]);
});

Deno.test("float32 is computed in doubles and rounded once; memory may lie anyhow; inputs stay as they are", () => {
  dg.manualSeed(10);
  const whole = dg.randn(4, 6, 5), view = whole.select(1, 2).narrow(-1, 1, 4).mT;
  const before = whole.clone(), packed = view.contiguous().double();
  near(linalg.inv(view), linalg.inv(packed).float());
  near(linalg.det(view), linalg.det(packed).float());
  near(linalg.svdvals(view), linalg.svdvals(packed).float());
  near(linalg.solve(view, view.mT), linalg.solve(packed, packed.mT).float());
  assertEquals(linalg.lstsq(view, view).solution.dtype, "float32");
  assert(whole.equal(before));
});

Deno.test("NaN and infinities", () => {
  const bad = dg.tensor([[NaN, 1], [1, 1]]);
  assertEquals(linalg.det(bad).item(), NaN);
  assert(linalg.inv(bad).isnan().all().item());
  assert(linalg.qr(bad).Q.isnan().all().item());
  const text = "The algorithm failed to converge because the input matrix contained non-finite values.";
  for (const fn of [linalg.svd, linalg.svdvals, linalg.pinv, linalg.matrixRank]) {
    assertThrows(() => fn(bad), linalg.LinAlgError, `linalg.svd: ${text}`);
  }
  assertThrows(() => linalg.eigh(bad), linalg.LinAlgError, `linalg.eigh: ${text}`);
  assertThrows(
    () => linalg.svd(dg.stack([dg.eye(2), bad])),
    linalg.LinAlgError,
    `linalg.svd: (Batch element 1): ${text}`,
  );
  assertThrows(() => linalg.eig(bad), linalg.LinAlgError, "input tensor should not contain infs or NaNs");
  assertThrows(() => linalg.lstsq(bad, dg.ones(2, 1)), linalg.LinAlgError, text);
});

Deno.test("results have names, can be taken apart, and print as in PyTorch", () => {
  const found = linalg.qr(dg.tensor([[3, 1], [4, 2]]));
  const [Q, R] = found;
  assert(Q === found.Q && R === found.R);
  assertEquals(
    `${linalg.slogdet(dg.eye(2))}`,
    "torch.return_types.linalg_slogdet(\nsign=tensor(1.),\nlogabsdet=tensor(0.))",
  );
  assert(`${dg.svd(dg.eye(2))}`.startsWith("torch.return_types.svd(\nU=tensor("));
  const { U, S, V } = dg.eye(2, 3).svd();
  near(U.mul(S).matmul(V.mT), dg.eye(2, 3));
});

Deno.test("names outside linalg, and methods, give the same", () => {
  dg.manualSeed(11);
  const a = dg.randn(2, 3, 3, float64).mul(0.2).add(one(3)), s = a.matmul(a.mT), L = linalg.cholesky(s);
  near(dg.inverse(a), linalg.inv(a));
  near(a.inverse(), linalg.inv(a));
  near(a.pinverse(), linalg.pinv(a));
  near(a.det(), linalg.det(a));
  near(s.logdet(), linalg.slogdet(s).logabsdet);
  near(a.slogdet().sign, linalg.slogdet(a).sign);
  near(a.matrixPower(3), a.matmul(a).matmul(a));
  near(a.matrixExp(), linalg.matrixExp(a));
  near(s.cholesky(true), L.mT);
  near(a.choleskySolve(L), linalg.solve(s, a));
  near(L.choleskyInverse(), linalg.inv(s));
  near(a.qr().R, linalg.qr(a).R);
  near(dg.qr(a.narrow(-1, 0, 2), false).Q, linalg.qr(a.narrow(-1, 0, 2), "complete").Q);
  const { a: packed, tau } = a.geqrf();
  near(packed.orgqr(tau), linalg.qr(a).Q);
  const { LU, pivots } = linalg.luFactor(s);
  near(a.luSolve(LU, pivots), linalg.solve(s, a));
  near(
    a.triangularSolve(s, { upper: false, unitriangular: true }),
    dg.triangularSolve(a, s, {
      upper: false,
      unitriangular: true,
    }),
  );
  near(a.cross(s, -1), linalg.cross(a, s));
  near(dg.nuclearNorm(a), linalg.matrixNorm(a, "nuc"));
  near(a.svd({ computeUv: false }).S, linalg.svdvals(a));
  near(linalg.diagonal(a), a.diagonal(0, 1, 2));
  near(linalg.solveEx(a, s).result, linalg.solve(a, s));
  near(linalg.invEx(a).inverse, linalg.inv(a));
});

Deno.test("matrices that cannot be used are named, in PyTorch's words", () => {
  const flat = dg.ones(3), wide = dg.ones(2, 3), zero = dg.zeros(2, 2), two = dg.stack([dg.eye(2), zero]);
  const fails = (fn: () => unknown, kind: new (...a: never[]) => Error, text: string) =>
    assertThrows(fn, kind as never, text);
  fails(
    () => linalg.inv(zero),
    linalg.LinAlgError,
    "linalg.inv: The diagonal element 1 is zero, the inversion",
  );
  fails(
    () => linalg.inv(two),
    linalg.LinAlgError,
    "linalg.inv: (Batch element 1): The diagonal element 1 is",
  );
  fails(
    () => linalg.inv(wide),
    TypeError,
    "linalg.inv: A must be batches of square matrices, but they are 2 by 3",
  );
  fails(() => linalg.inv(flat), TypeError, "linalg.inv: The input tensor A must have at least 2 dimensions.");
  fails(
    () => linalg.inv(dg.eye(2).half()),
    TypeError,
    "linalg.inv: Low precision dtypes not supported. Got Half",
  );
  fails(
    () => linalg.invEx(zero, { checkErrors: true }),
    linalg.LinAlgError,
    "linalg.invEx: The diagonal element 1",
  );
  fails(
    () => linalg.solve(two, dg.ones(2, 1)),
    linalg.LinAlgError,
    "(Batch element 1): The solver failed because",
  );
  fails(() => linalg.solve(dg.eye(2), dg.ones(3, 2)), TypeError, "equation AX = B (2x2 and 3x2)");
  fails(
    () => linalg.solve(dg.eye(2), dg.ones(2, 5), { left: false }),
    TypeError,
    "linalg.solve: Incompatible shapes of A and B for the equation XA = B (2x2 and 2x5)",
  );
  fails(
    () => linalg.solve(dg.eye(2), dg.ones(2).double()),
    TypeError,
    "linalg.solve: Expected A and B to have the same dtype, but found A of type Float and B of type Double instead",
  );
  fails(
    () => linalg.cholesky(dg.tensor([[1, 2], [2, 1]])),
    linalg.LinAlgError,
    "linalg.cholesky: The factorization could not be completed because the input is not positive-definite (the " +
      "leading minor of order 2 is not positive-definite).",
  );
  fails(
    () => dg.cholesky(dg.eye(2).neg()),
    linalg.LinAlgError,
    "cholesky: The factorization could not be completed",
  );
  fails(() => dg.choleskyInverse(zero), linalg.LinAlgError, "The diagonal element 1 is zero, the inversion");
  fails(
    () => linalg.luFactor(zero),
    linalg.LinAlgError,
    "U[1,1] is zero and using it on lu_solve would result",
  );
  fails(
    () => linalg.lu(zero, { pivot: false }),
    TypeError,
    "LU without pivoting is not implemented on the CPU",
  );
  fails(
    () => linalg.lu(flat),
    TypeError,
    "linalg.lu: Expected tensor with 2 or more dimensions. Got size: [3] instead",
  );
  fails(
    () => linalg.qr(wide, "foo" as "r"),
    RangeError,
    "qr received unrecognized mode 'foo' but expected one of",
  );
  fails(
    () => linalg.eigh(zero, "X" as "L"),
    RangeError,
    "Expected UPLO argument to be 'L' or 'U', but got X",
  );
  fails(() => linalg.eigh(zero.long()), TypeError, `"linalg_eigh_cpu" not implemented for 'Long'`);
  fails(() => linalg.matrixNorm(wide, 3), RangeError, "linalg.matrixNorm: Order 3 not supported.");
  fails(
    () => linalg.matrixNorm(dg.ones(2, 2, 2), 2, { dim: [0, 0] }),
    RangeError,
    "dims must be different. Got (0, 0)",
  );
  fails(() => linalg.norm(dg.ones(2, 3, 4), 2), TypeError, "the input must be 1D or 2D. Got 3D.");
  fails(() => linalg.cond(wide, 1), TypeError, "linalg.cond(ord=1): A must be batches of square matrices");
  fails(() => linalg.multiDot([wide]), TypeError, "multiDot(): expected at least 2 tensors but got 1");
  fails(
    () => linalg.multiDot([wide, wide]),
    TypeError,
    "multiDot(): tensors 0 and 1 with shapes [2, 3] and [2, 3] cannot be multiplied",
  );
  fails(
    () => linalg.cross(dg.ones(2), dg.ones(2)),
    TypeError,
    "inputs dimension -1 must have length 3. Got 2 and 2",
  );
  fails(() => linalg.vander(dg.ones(1)), RangeError, "N must be greater than 1.");
  fails(
    () => linalg.lstsq(dg.ones(3, 2), dg.ones(3, 1), { driver: "gels" }),
    linalg.LinAlgError,
    "does not have full rank (error code: 2)",
  );
  fails(
    () => linalg.lstsq(wide, dg.ones(3)),
    TypeError,
    "linalg.lstsq: input.size(-2) should match other.size(-1)",
  );
  fails(
    () => dg.cdist(wide, dg.ones(4, 4)),
    TypeError,
    "X1 and X2 must have the same number of columns. X1: 3 X2: 4",
  );
  fails(() => linalg.tensorinv(dg.ones(4, 6, 8, 3), 1), TypeError, "but got 144 != 4");
  fails(() => linalg.svd(zero, { full: true } as never), TypeError, 'linalg.svd() has no option "full"');
});
