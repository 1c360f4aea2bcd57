/**
 * MIME bundles: what an object gives a notebook to show itself.
 * @module
 */

/** The method a notebook calls to show an object: `Symbol.for("Jupyter.display")`. */
export const DISPLAY: unique symbol = Symbol.for("Jupyter.display") as typeof DISPLAY;

/** One picture of an object in several formats, by MIME type; a viewer takes the richest that it knows. */
export type MimeBundle = Record<string, unknown>;

/** An object that shows itself in notebooks. */
export interface Displayable {
  /** The object as a MIME bundle. */
  [DISPLAY](): MimeBundle | Promise<MimeBundle>;
}

/**
 * Whether a value shows itself in notebooks.
 *
 * @param value Any value.
 * @returns True where it has the display method.
 */
export function isDisplayable(value: unknown): value is Displayable {
  return (typeof value === "object" || typeof value === "function") && value !== null &&
    typeof (value as Partial<Displayable>)[DISPLAY] === "function";
}

/**
 * A bundle that any kernel can send: typed arrays become arrays, bigints numbers, NaN and infinities null.
 *
 * @param bundle A bundle that may hold such values.
 * @returns A copy in plain JSON values.
 */
export function plainBundle(bundle: MimeBundle): MimeBundle {
  return JSON.parse(JSON.stringify(bundle, (_key, value) => {
    if (typeof value === "bigint") return Number(value);
    if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
      return Array.from(value as unknown as ArrayLike<number | bigint>, Number);
    }
    return value;
  }));
}

/** A ready-made bundle as an object that shows itself; what {@linkcode html} and {@linkcode markdown} give. */
export class MimeObject implements Displayable {
  readonly #bundle: MimeBundle;

  /**
   * Takes a bundle.
   *
   * @param bundle The formats by MIME type; must hold `text/plain`.
   */
  constructor(bundle: MimeBundle) {
    if (typeof bundle["text/plain"] !== "string") {
      throw new TypeError(
        `a MIME bundle needs text/plain, got ${Object.keys(bundle).join(", ") || "nothing"}`,
      );
    }
    this.#bundle = bundle;
  }

  /** The bundle. */
  [DISPLAY](): MimeBundle {
    return { ...this.#bundle };
  }

  /** The plain-text format. */
  toString(): string {
    return this.#bundle["text/plain"] as string;
  }

  /** What console.log shows: the plain text. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }
}
