/**
 * Assertions for the tests: the standard library's own functions, taken from npm.
 * The README one folder up says why.
 *
 * @module
 */
// @ts-types="./mod.d.ts"
export * from "npm:deno-std@1.4.0/assert/mod.js";
