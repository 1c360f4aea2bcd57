// Operands are anything at all, and TypeScript knows operators on few of them.
// deno-lint-ignore-file no-explicit-any
/**
 * What the code that `transform.ts` makes calls: operators that mean what JavaScript says, except on objects that say
 * otherwise, which are tensors.
 *
 * Importing this module defines the global {@linkcode NAME} of the process.
 *
 * @module
 */

import {
  type ArithmeticOperator,
  type ComparisonOperator,
  type ObjectOperators,
  OPERATORS,
  type UnaryOperator,
} from "../../src/tensor/operators.ts";
import { NAME } from "./names.ts";

// Which objects take operators

/** By prototype; null for those whose objects do not. */
const known = new WeakMap<object, ObjectOperators | null>();

/** The prototype of the last object that does, which is mostly that of the next one. */
let last: object | undefined;
let lastOperators: ObjectOperators | null = null;

function operatorsOf(x: unknown): ObjectOperators | null {
  if (typeof x !== "object" || x === null) return null;
  try {
    const prototype = Object.getPrototypeOf(x);
    if (prototype === last) return lastOperators;
    if (prototype === null || prototype === Object.prototype) return null;
    const found = known.get(prototype) ?? lookUp(prototype);
    if (found !== null) [last, lastOperators] = [prototype, found];
    return found;
  } catch {
    return null; // a proxy that cannot be asked
  }
}

function lookUp(prototype: object): ObjectOperators | null {
  if (known.has(prototype)) return null;
  let found: ObjectOperators | null = null;
  for (let at: object | null = prototype; at !== null && found === null; at = Object.getPrototypeOf(at)) {
    // Not by reading the member: a proxy may have an answer for any name.
    found = Object.getOwnPropertyDescriptor(at, OPERATORS)?.value ?? null;
  }
  known.set(prototype, found);
  return found;
}

// The slow ways: at least one operand is not a number

const arithmetic: Record<ArithmeticOperator, (a: any, b: any) => any> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  mod: (a, b) => a % b,
  pow: (a, b) => a ** b,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  shl: (a, b) => a << b,
  shr: (a, b) => a >> b,
};

const comparison: Record<ComparisonOperator, (a: any, b: any) => boolean> = {
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
  // deno-lint-ignore eqeqeq
  eq: (a, b) => a == b,
  // deno-lint-ignore eqeqeq
  ne: (a, b) => a != b,
};

function compute(name: ArithmeticOperator, a: any, b: any): any {
  const operators = operatorsOf(a) ?? operatorsOf(b);
  if (operators === null || isText(name, a, b)) return arithmetic[name](a, b);
  return operators.binary[name](a, b);
}

/** `+` with a string puts strings together, whatever the other operand is. */
function isText(name: ArithmeticOperator, a: unknown, b: unknown): boolean {
  return name === "add" && (typeof a === "string" || typeof b === "string");
}

function compare(name: ComparisonOperator, a: any, b: any): any {
  const [left, right] = [operatorsOf(a), operatorsOf(b)];
  const operators = left ?? right;
  // `x == null` and `x == object` ask what x is, not what its elements are.
  const identity = (name === "eq" || name === "ne") &&
    (left === null && !isScalar(a) || right === null && !isScalar(b));
  return operators === null || identity ? comparison[name](a, b) : operators.binary[name](a, b);
}

function isScalar(x: unknown): boolean {
  return typeof x === "number" || typeof x === "bigint" || typeof x === "boolean";
}

/** A comparison as a condition. A tensor as such would always count as true. */
function test(name: ComparisonOperator, a: any, b: any): boolean {
  const result = compare(name, a, b);
  return typeof result === "boolean" ? result : operatorsOf(result)!.truth(result);
}

function unary(name: UnaryOperator, a: any): any {
  const operators = operatorsOf(a);
  if (operators !== null) return operators.unary[name](a);
  return name === "neg" ? -a : name === "pos" ? +a : ~a;
}

// Assignments to variables: `x *= y` becomes `mulTo(x, y) ? x : x = take()`. So x is assigned to where JavaScript would,
// which is an error for a constant, but not where a tensor has been changed in place.

let result: any;

function put(value: unknown): false {
  result = value;
  return false;
}

function take(): any {
  const value = result;
  result = undefined;
  return value;
}

function assign(name: ArithmeticOperator, a: any, b: any): boolean {
  const operators = operatorsOf(a);
  if (operators === null || isText(name, a, b)) return put(compute(name, a, b));
  operators.assign[name](a, b);
  return true;
}

// Assignments to members

/** A place whose value has been read and can be replaced: what is left of `=` in an assignment. */
class Place {
  readonly value: any;
  readonly #object: any;
  readonly #key: any;
  readonly #write: ((object: any, value: any) => void) | undefined;

  constructor(
    object: any,
    key: any,
    read?: (object: any) => any,
    write?: (object: any, value: any) => void,
  ) {
    this.#object = object;
    this.#key = key;
    this.#write = write;
    this.value = read === undefined ? object[key] : read(object);
  }

  set(value: unknown): unknown {
    if (this.#write === undefined) this.#object[this.#key] = value;
    else this.#write(this.#object, value);
    return value;
  }

  #assign(name: ArithmeticOperator, b: any): any {
    const a = this.value;
    return assign(name, a, b) ? a : this.set(take());
  }

  add(b: any): any {
    const a = this.value;
    return typeof a === "number" && typeof b === "number" ? this.set(a + b) : this.#assign("add", b);
  }

  sub(b: any): any {
    const a = this.value;
    return typeof a === "number" && typeof b === "number" ? this.set(a - b) : this.#assign("sub", b);
  }

  mul(b: any): any {
    const a = this.value;
    return typeof a === "number" && typeof b === "number" ? this.set(a * b) : this.#assign("mul", b);
  }

  div(b: any): any {
    return this.#assign("div", b);
  }

  mod(b: any): any {
    return this.#assign("mod", b);
  }

  pow(b: any): any {
    return this.#assign("pow", b);
  }

  and(b: any): any {
    return this.#assign("and", b);
  }

  or(b: any): any {
    return this.#assign("or", b);
  }

  xor(b: any): any {
    return this.#assign("xor", b);
  }

  shl(b: any): any {
    return this.#assign("shl", b);
  }

  shr(b: any): any {
    return this.#assign("shr", b);
  }

  /** `++` and `--` before the place. */
  step(by: 1 | -1): any {
    const operators = operatorsOf(this.value);
    if (operators !== null) return operators.increment(this.value, by);
    let value = this.value;
    return this.set(by === 1 ? ++value : --value);
  }

  /** `++` and `--` behind the place. */
  stepAfter(by: 1 | -1): any {
    const operators = operatorsOf(this.value);
    if (operators !== null) return stepAfter(this.value, by);
    let value = this.value;
    const before = by === 1 ? value++ : value--;
    this.set(value);
    return before;
  }
}

function stepAfter(x: any, by: 1 | -1): any {
  const operators = operatorsOf(x)!;
  const before = operators.copy(x);
  operators.increment(x, by);
  return before;
}

// A function for each, so that V8 can put the work on numbers right where it is called.
const operators = Object.freeze({
  add: (a: any, b: any): any => typeof a === "number" && typeof b === "number" ? a + b : compute("add", a, b),
  sub: (a: any, b: any): any => typeof a === "number" && typeof b === "number" ? a - b : compute("sub", a, b),
  mul: (a: any, b: any): any => typeof a === "number" && typeof b === "number" ? a * b : compute("mul", a, b),
  div: (a: any, b: any): any => typeof a === "number" && typeof b === "number" ? a / b : compute("div", a, b),
  mod: (a: any, b: any): any => typeof a === "number" && typeof b === "number" ? a % b : compute("mod", a, b),
  pow: (a: any, b: any): any =>
    typeof a === "number" && typeof b === "number" ? a ** b : compute("pow", a, b),
  and: (a: any, b: any): any => typeof a === "number" && typeof b === "number" ? a & b : compute("and", a, b),
  or: (a: any, b: any): any => typeof a === "number" && typeof b === "number" ? a | b : compute("or", a, b),
  xor: (a: any, b: any): any => typeof a === "number" && typeof b === "number" ? a ^ b : compute("xor", a, b),
  shl: (a: any, b: any): any =>
    typeof a === "number" && typeof b === "number" ? a << b : compute("shl", a, b),
  shr: (a: any, b: any): any =>
    typeof a === "number" && typeof b === "number" ? a >> b : compute("shr", a, b),

  lt: (a: any, b: any): any => typeof a === "number" && typeof b === "number" ? a < b : compare("lt", a, b),
  le: (a: any, b: any): any => typeof a === "number" && typeof b === "number" ? a <= b : compare("le", a, b),
  gt: (a: any, b: any): any => typeof a === "number" && typeof b === "number" ? a > b : compare("gt", a, b),
  ge: (a: any, b: any): any => typeof a === "number" && typeof b === "number" ? a >= b : compare("ge", a, b),
  eq: (a: any, b: any): any => typeof a === "number" && typeof b === "number" ? a === b : compare("eq", a, b),
  ne: (a: any, b: any): any => typeof a === "number" && typeof b === "number" ? a !== b : compare("ne", a, b),

  ltTrue: (a: any, b: any): boolean =>
    typeof a === "number" && typeof b === "number" ? a < b : test("lt", a, b),
  leTrue: (a: any, b: any): boolean =>
    typeof a === "number" && typeof b === "number" ? a <= b : test("le", a, b),
  gtTrue: (a: any, b: any): boolean =>
    typeof a === "number" && typeof b === "number" ? a > b : test("gt", a, b),
  geTrue: (a: any, b: any): boolean =>
    typeof a === "number" && typeof b === "number" ? a >= b : test("ge", a, b),
  eqTrue: (a: any, b: any): boolean =>
    typeof a === "number" && typeof b === "number" ? a === b : test("eq", a, b),
  neTrue: (a: any, b: any): boolean =>
    typeof a === "number" && typeof b === "number" ? a !== b : test("ne", a, b),

  neg: (a: any): any => typeof a === "number" ? -a : unary("neg", a),
  pos: (a: any): any => typeof a === "number" ? a : unary("pos", a),
  inv: (a: any): any => typeof a === "number" ? ~a : unary("inv", a),

  addTo: (a: any, b: any): boolean =>
    typeof a === "number" && typeof b === "number" ? put(a + b) : assign("add", a, b),
  subTo: (a: any, b: any): boolean =>
    typeof a === "number" && typeof b === "number" ? put(a - b) : assign("sub", a, b),
  mulTo: (a: any, b: any): boolean =>
    typeof a === "number" && typeof b === "number" ? put(a * b) : assign("mul", a, b),
  divTo: (a: any, b: any): boolean =>
    typeof a === "number" && typeof b === "number" ? put(a / b) : assign("div", a, b),
  modTo: (a: any, b: any): boolean =>
    typeof a === "number" && typeof b === "number" ? put(a % b) : assign("mod", a, b),
  powTo: (a: any, b: any): boolean =>
    typeof a === "number" && typeof b === "number" ? put(a ** b) : assign("pow", a, b),
  andTo: (a: any, b: any): boolean => assign("and", a, b),
  orTo: (a: any, b: any): boolean => assign("or", a, b),
  xorTo: (a: any, b: any): boolean => assign("xor", a, b),
  shlTo: (a: any, b: any): boolean => assign("shl", a, b),
  shrTo: (a: any, b: any): boolean => assign("shr", a, b),
  take,

  /** Whether `x++` is the object's own business. */
  steps: (x: any): boolean => typeof x !== "number" && operatorsOf(x) !== null,
  step: (x: any, by: 1 | -1): any => operatorsOf(x)!.increment(x, by),
  stepAfter,
  /** Itself: a call needs no parentheses around it. */
  value: (x: any): any => x,

  /** The member of an object. */
  at: (object: any, key: any): Place => new Place(object, key),
  /** A member that only code at its place can reach. */
  place: (object: any, read: (object: any) => any, write: (object: any, value: any) => void): Place =>
    new Place(object, undefined, read, write),
});

if (!(NAME in globalThis)) Object.defineProperty(globalThis, NAME, { value: operators });
