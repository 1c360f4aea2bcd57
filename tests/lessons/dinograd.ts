/**
 * The library as the lessons use it.
 *
 * @module
 */
export { dg } from "../golden/api.ts";
export type { Loose, Loose as Tensor } from "../golden/api.ts";
