/**
 * Decompositions of matrices in the CPU's memory. All matrices are row-major, in doubles.
 * @module
 */

export * from "./factors.ts";
export { type Singular, svd, type Symmetric, symmetricEigen, turned, type Vectors } from "./spectra.ts";
export { type General, generalEigen } from "./general_eigen.ts";
