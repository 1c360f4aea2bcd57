/**
 * Looking at promises without waiting for them.
 *
 * Deno runs the first part of an asynchronous call at once, and for WebGPU that part is all there is: the promises of
 * `requestAdapter`, `requestDevice` and `popErrorScope` are fulfilled when they are returned. Only the language keeps their
 * values until the next turn. `Deno.inspect` shows a promise's state and its value, and asks the value how it wants to be
 * shown, which is where it is caught here.
 * @module
 */

/** What is known of a promise now. */
export type Settled<T> =
  | { readonly state: "pending" }
  | { readonly state: "fulfilled"; readonly value: T | null }
  | { readonly state: "rejected"; readonly reason: string };

const show = Symbol.for("Deno.customInspect");

/**
 * The state of a promise of `null` or of an object of the given class. A value that is neither counts as pending, so that
 * the caller awaits it. A rejection that was seen here is no longer reported as unhandled.
 */
export function peek<T extends object>(promise: Promise<T | null>, type: { prototype: T }): Settled<T> {
  const prototype = type.prototype as object, own = Object.getOwnPropertyDescriptor(prototype, show);
  let caught: T | undefined;
  Object.defineProperty(prototype, show, {
    configurable: true,
    value(this: T): string {
      caught = this;
      return "";
    },
  });
  let text: string;
  try {
    text = Deno.inspect(promise, { colors: false });
  } finally {
    if (own === undefined) Reflect.deleteProperty(prototype, show);
    else Object.defineProperty(prototype, show, own);
  }
  if (caught !== undefined) return { state: "fulfilled", value: caught };
  if (text === "Promise { null }") return { state: "fulfilled", value: null };
  const rejection = /^Promise \{\s*<rejected> ([^]*?)(?:\n\s+at [^]*)?\s*\}$/.exec(text);
  if (rejection === null) return { state: "pending" };
  promise.catch(() => {});
  return { state: "rejected", reason: rejection[1].replace(/\s*\n\s*/g, " ").trim() };
}
