/**
 * `x[0]`, `x[-1]`, `x["1:3, ..., ::2"]`, and assignment to them.
 *
 * A Proxy at the end of the prototype chain: it is asked only for names that neither a tensor nor its classes have, so that
 * named members cost nothing. JavaScript turns everything between brackets into text, so that tensors, masks and lists cannot
 * be given there; they go into `x.index(...)` and `x.setIndex(...)`.
 * @module
 */

import { Tensor } from "../../tensor/tensor.ts";
import { index, setIndex } from "./index.ts";

const INTEGER = /^-?\d+$/;
const NUMBER = /^-?\d+\.\d+$/;
/** Digits, signs, dots, spaces and colons come up to here, letters after. */
const COLON = 0x3a;
/** How JavaScript writes an array of integers. */
const ARRAY = /^-?\d+(,-?\d+)+$/;

/** The index that a name is; null where it is an ordinary name. */
function indexOfName(name: string): number | string | null {
  if (name.charCodeAt(0) > COLON && !name.includes(",")) return null; // the usual case: a word
  if (INTEGER.test(name)) return Number(name);
  if (name === "...") return name;
  if (!name.includes(":") && !name.includes(",") && !NUMBER.test(name)) return null;
  if (ARRAY.test(name)) {
    throw new TypeError(
      `x[[${name}]] and x["${name}"] look the same to JavaScript: write x.index([${name}]) for a list of indices, or ` +
        `x["${name.replaceAll(",", ", ")}"], with spaces, for an index in each dimension`,
    );
  }
  return name;
}

/**
 * Accessors that would send a walk over all of an object's members, such as that of assertEquals, round in circles (each makes
 * a new tensor) or stop it with an error (`length` of a 0-d tensor). They stand behind the proxy, where such walks do not see
 * them.
 */
const hidden = ["T", "mT", "data", "length"];
const end: object = Object.create(Object.prototype);
for (const name of hidden) {
  Object.defineProperty(end, name, Object.getOwnPropertyDescriptor(Tensor.prototype, name)!);
  Reflect.deleteProperty(Tensor.prototype, name);
}

const handler: ProxyHandler<object> = {
  get(target, name, receiver) {
    if (typeof name === "string" && receiver instanceof Tensor && receiver !== Tensor.prototype) {
      const found = indexOfName(name);
      if (found !== null) return index(receiver, found);
    }
    return Reflect.get(target, name, receiver);
  },
  set(target, name, value, receiver) {
    if (typeof name === "string" && receiver instanceof Tensor && receiver !== Tensor.prototype) {
      const found = indexOfName(name);
      if (found !== null) {
        setIndex(receiver, found, value);
        return true;
      }
    }
    return Reflect.set(target, name, value, receiver);
  },
  ownKeys: () => [],
};

Object.setPrototypeOf(Tensor.prototype, new Proxy(end, handler));
