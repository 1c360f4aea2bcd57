/**
 * Results with names: what `linalg` returns where PyTorch returns named tuples.
 * @module
 */

import type { Tensor } from "../../tensor/tensor.ts";
import { ReturnType } from "../core/return_types.ts";

/** An inverse, and how it went. */
export class InvResult extends ReturnType {
  /** The inverse. */
  readonly inverse: Tensor;
  /** 0, or the place on the diagonal where a zero was met; int32. */
  readonly info: Tensor;

  /** See the fields. */
  constructor(inverse: Tensor, info: Tensor) {
    super("linalg_inv_ex");
    this.inverse = inverse;
    this.info = info;
  }
}

/** A solution, and how it went. */
export class SolveResult extends ReturnType {
  /** The solution. */
  readonly result: Tensor;
  /** 0, or the place on the diagonal where a zero was met; int32. */
  readonly info: Tensor;

  /** See the fields. */
  constructor(result: Tensor, info: Tensor) {
    super("linalg_solve_ex");
    this.result = result;
    this.info = info;
  }
}

/** The sign and the logarithm of the size of a determinant. */
export class SlogdetResult extends ReturnType {
  /** -1, 0 or 1. */
  readonly sign: Tensor;
  /** The natural logarithm of the determinant's size. */
  readonly logabsdet: Tensor;

  /** See the fields. */
  constructor(sign: Tensor, logabsdet: Tensor) {
    super("linalg_slogdet");
    this.sign = sign;
    this.logabsdet = logabsdet;
  }
}

/** A Cholesky factor, and how it went. */
export class CholeskyResult extends ReturnType {
  /** The factor. */
  readonly L: Tensor;
  /** 0, or the order of the leading minor that is not positive-definite; int32. */
  readonly info: Tensor;

  /** See the fields. */
  constructor(L: Tensor, info: Tensor) {
    super("linalg_cholesky_ex");
    this.L = L;
    this.info = info;
  }
}

/** Orthonormal columns and an upper triangle. */
export class QRResult extends ReturnType {
  /** Orthonormal columns; empty for mode "r". */
  readonly Q: Tensor;
  /** The upper triangle. */
  readonly R: Tensor;

  /** See the fields. */
  constructor(Q: Tensor, R: Tensor, operation = "linalg_qr") {
    super(operation);
    this.Q = Q;
    this.R = R;
  }
}

/** Reflections: what a QR decomposition is made of. */
export class GeqrfResult extends ReturnType {
  /** R on and above the diagonal, the reflections' vectors below. */
  readonly a: Tensor;
  /** The reflections' factors. */
  readonly tau: Tensor;

  /** See the fields. */
  constructor(a: Tensor, tau: Tensor) {
    super("geqrf");
    this.a = a;
    this.tau = tau;
  }
}

/** A permutation and two triangles. */
export class LUResult extends ReturnType {
  /** The permutation matrix. */
  readonly P: Tensor;
  /** The lower triangle, with ones on its diagonal. */
  readonly L: Tensor;
  /** The upper triangle. */
  readonly U: Tensor;

  /** See the fields. */
  constructor(P: Tensor, L: Tensor, U: Tensor, operation = "linalg_lu") {
    super(operation);
    this.P = P;
    this.L = L;
    this.U = U;
  }
}

/** Both triangles in one matrix, and the exchanges of rows. */
export class LUFactorResult extends ReturnType {
  /** U on and above the diagonal, L below. */
  readonly LU: Tensor;
  /** The row that each row was exchanged with, counted from 1; int32. */
  readonly pivots: Tensor;

  /** See the fields. */
  constructor(LU: Tensor, pivots: Tensor) {
    super("linalg_lu_factor");
    this.LU = LU;
    this.pivots = pivots;
  }
}

/** As {@linkcode LUFactorResult}, and how it went. */
export class LUFactorExResult extends ReturnType {
  /** U on and above the diagonal, L below. */
  readonly LU: Tensor;
  /** The row that each row was exchanged with, counted from 1; int32. */
  readonly pivots: Tensor;
  /** 0, or the place on U's diagonal of the first zero, counted from 1; int32. */
  readonly info: Tensor;

  /** See the fields. */
  constructor(LU: Tensor, pivots: Tensor, info: Tensor) {
    super("linalg_lu_factor_ex");
    this.LU = LU;
    this.pivots = pivots;
    this.info = info;
  }
}

/** Singular values and vectors. */
export class SVDResult extends ReturnType {
  /** Left singular vectors as columns. */
  readonly U: Tensor;
  /** Singular values, largest first. */
  readonly S: Tensor;
  /** Right singular vectors as rows. */
  readonly Vh: Tensor;

  /** See the fields. */
  constructor(U: Tensor, S: Tensor, Vh: Tensor) {
    super("linalg_svd");
    this.U = U;
    this.S = S;
    this.Vh = Vh;
  }
}

/** Singular values and vectors, all vectors as columns. */
export class OldSVDResult extends ReturnType {
  /** Left singular vectors as columns. */
  readonly U: Tensor;
  /** Singular values, largest first. */
  readonly S: Tensor;
  /** Right singular vectors as columns. */
  readonly V: Tensor;

  /** See the fields. */
  constructor(U: Tensor, S: Tensor, V: Tensor) {
    super("svd");
    this.U = U;
    this.S = S;
    this.V = V;
  }
}

/** Eigenvalues and eigenvectors. */
export class EigResult extends ReturnType {
  /** Eigenvalues. */
  readonly eigenvalues: Tensor;
  /** Eigenvectors of length 1 as columns. */
  readonly eigenvectors: Tensor;

  /** See the fields. */
  constructor(operation: string, eigenvalues: Tensor, eigenvectors: Tensor) {
    super(operation);
    this.eigenvalues = eigenvalues;
    this.eigenvectors = eigenvectors;
  }
}

/** A least-squares solution. */
export class LstsqResult extends ReturnType {
  /** The solution. */
  readonly solution: Tensor;
  /** Sums of squared residuals, where they are known: more rows than columns, full rank, and a driver other than "gelsy". */
  readonly residuals: Tensor;
  /** The rank of each matrix, int64; empty for driver "gels". */
  readonly rank: Tensor;
  /** Singular values for drivers "gelsd" and "gelss"; else empty. */
  readonly singularValues: Tensor;

  /** See the fields. */
  constructor(solution: Tensor, residuals: Tensor, rank: Tensor, singularValues: Tensor) {
    super("linalg_lstsq");
    this.solution = solution;
    this.residuals = residuals;
    this.rank = rank;
    this.singularValues = singularValues;
  }
}
