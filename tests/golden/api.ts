/**
 * Dinograd as the golden tests see it: a bag of functions looked up by name, because the names come from data.
 *
 * @module
 */
import * as dinograd from "../../mod.ts";

/** A value of the library whose type the data decides. The one place where the golden tests give up on types. */
// deno-lint-ignore no-explicit-any
export type Loose = any;

/** Every export of the library, and its namespaces, by name. */
export const dg: Loose = dinograd;

/** Is this one of our tensors? */
export function isTensor(value: unknown): boolean {
  return value instanceof dg.Tensor;
}

/** The tensors of a nested value, in order. */
export function tensorsOf(value: unknown): Loose[] {
  if (isTensor(value)) return [value];
  if (Array.isArray(value)) return value.flatMap(tensorsOf);
  if (value instanceof dg.ReturnType) return [...value as Iterable<unknown>].flatMap(tensorsOf);
  if (value !== null && typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.values(value).flatMap(tensorsOf);
  }
  return [];
}

const known = new Map<string, boolean>();

/** Is there such a dtype on the device where tensors are made? */
export function dtypeExists(name: string): boolean {
  const key = `${dg.getDefaultDevice()} ${name}`;
  let exists = known.get(key);
  if (exists === undefined) {
    try {
      exists = dg.zeros(1, { dtype: name }).dtype === name;
    } catch {
      exists = false;
    }
    known.set(key, exists);
  }
  return exists;
}
