/**
 * What messages say of a value that was given by mistake.
 * @module
 */

/**
 * The kind of a value, and the value where it is short: `number 5`, `string "a"`, `null`, `list`, `Tensor`. Never throws.
 */
export function describe(value: unknown): string {
  switch (typeof value) {
    case "undefined":
      return "undefined";
    case "string":
      return `string ${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value)}`;
    case "number":
    case "bigint":
    case "boolean":
      return `${typeof value} ${value}`;
    case "object": {
      if (value === null) return "null";
      if (Array.isArray(value)) return "list";
      const { constructor } = value;
      return typeof constructor === "function" && constructor !== Object ? constructor.name : "object";
    }
    default:
      return typeof value;
  }
}

/** As {@linkcode describe}, but a number stands for itself: for places where a number of another size was expected. */
export function brief(value: unknown): string {
  return typeof value === "number" ? String(value) : describe(value);
}

/** As {@linkcode describe}, but a text stands for itself: for places where another name was expected. */
export function named(value: unknown): string {
  return typeof value === "string" ? value : describe(value);
}
