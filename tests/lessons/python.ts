/**
 * Renders results as Python prints them, so that a lesson written in TypeScript can be compared with the transcript of
 * the same lesson in PyTorch.
 *
 * @module
 */
import { getDefaultDevice, Tensor } from "../../mod.ts";
import { formatTensor } from "../../src/tensor/format.ts";
import { type NumpyArray, numpyRepr, numpyStr, shortest } from "./numpy_text.ts";

const DTYPES = new Set([
  "float32",
  "float64",
  "float16",
  "bfloat16",
  "int8",
  "uint8",
  "int16",
  "int32",
  "int64",
  "bool",
]);

/** Something that says itself how Python would write it. */
class Written {
  constructor(readonly str: string, readonly repr: string) {}
}

/** A number that is a float in Python: 5 prints as 5.0. */
export function float(x: number): Written {
  const text = floatText(x);
  return new Written(text, text);
}

/** Python's shortest text of a float. */
function floatText(x: number): string {
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
  const size = Math.abs(x);
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) {
    const [digits, exponent] = x.toExponential().split("e");
    return `${digits}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
  }
  const text = Object.is(x, -0) ? "-0" : String(x);
  return text.includes(".") ? text : `${text}.0`;
}

/** A float32 number of NumPy: the shortest digits that tell it from its neighbours. */
export function float32(x: number): Written {
  return float(Number(shortest(x, "float32")));
}

/** A list whose numbers are floats in Python. */
export function floats(xs: Iterable<number>): Written[] {
  return Array.from(xs, float);
}

/** A shape: `torch.Size([2, 3])`. */
export function size(shape: readonly number[]): Written {
  const text = `torch.Size([${shape.join(", ")}])`;
  return new Written(text, text);
}

/** A device: `cpu` when printed, `device(type='cpu')` when shown. */
export function device(name: string): Written {
  return new Written(name, `device(type='${name}')`);
}

/** A name without quotes, such as a class. */
export function name(text: string): Written {
  return new Written(text, text);
}

/** A tuple: `(1, 2)`, `(1,)`. */
export class Tuple {
  readonly items: readonly unknown[];
  constructor(items: readonly unknown[]) {
    this.items = items;
  }
}

/** Makes a tuple. */
export function tuple(...items: unknown[]): Tuple {
  return new Tuple(items);
}

/** An array of NumPy: typed arrays bring their dtype. */
export class Numpy {
  constructor(readonly array: NumpyArray) {}
}

/** The values as an array of NumPy, of one dimension unless a shape is given. */
export function numpy(
  values: Float64Array | Float32Array | BigInt64Array,
  shape: readonly number[] = [values.length],
): Numpy {
  const dtype = { Float64Array: "float64", Float32Array: "float32", BigInt64Array: "int64" }[
    values.constructor.name
  ];
  if (dtype === undefined) throw new TypeError(`no lesson has an array of ${values.constructor.name}`);
  return new Numpy({ values: Array.from<number | bigint>(values), shape, dtype });
}

function isNode(value: unknown): value is { name(): string } {
  return typeof value === "object" && value !== null && "nextFunctions" in value;
}

/** A tensor's text without its device, where that is the one on which the lesson is run; another one is shown. */
function tensorText(t: Tensor): string {
  const here = t.device === getDefaultDevice();
  const plain = t.detach().cpu();
  return formatTensor({
    dtype: t.dtype,
    shape: t.shape,
    get: (index) => plain.at(index),
    gradFn: t.gradFn?.name() ?? null,
    requiresGrad: t.requiresGrad,
    isParameter: t.isParameter,
  }) + (here ? "" : ` on ${t.device}`);
}

/** Python's `repr`. */
export function repr(value: unknown): string {
  if (value instanceof Written) return value.repr;
  if (value instanceof Numpy) return numpyRepr(value.array);
  if (typeof value === "string") return DTYPES.has(value) ? `torch.${value}` : `'${value}'`;
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : floatText(value);
  if (value instanceof Tensor) return tensorText(value);
  if (value instanceof Tuple) {
    return `(${value.items.map(repr).join(", ")}${value.items.length === 1 ? "," : ""})`;
  }
  if (Array.isArray(value)) return `[${value.map(repr).join(", ")}]`;
  if (isNode(value)) return `<${value.name()} object at 0xADDRESS>`;
  if (typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype) {
    return `{${Object.entries(value).map(([k, v]) => `'${k}': ${repr(v)}`).join(", ")}}`;
  }
  return String(value);
}

/** Python's `str`, which `print` uses. */
export function str(value: unknown): string {
  if (value instanceof Written) return value.str;
  if (value instanceof Numpy) return numpyStr(value.array);
  if (typeof value === "string") return DTYPES.has(value) ? `torch.${value}` : value;
  return repr(value);
}

/**
 * What a notebook shows for the last value of a cell: `repr`, but a tuple breaks into one element a line as soon as an
 * element has several lines or the line would pass 79 columns.
 */
export function shown(value: unknown): string {
  return lines(value).join("\n");
}

function lines(value: unknown): string[] {
  if (!(value instanceof Tuple) || value.items.length === 0) return repr(value).split("\n");
  const parts = value.items.map(lines);
  if (parts.every((p) => p.length === 1)) {
    const line = `(${parts.map((p) => p[0]).join(", ")}${parts.length === 1 ? "," : ""})`;
    if (line.length <= 79) return [line];
  }
  return parts.flatMap((part, k) => {
    const indented = part.map((line, i) => (k === 0 && i === 0 ? "(" : " ") + line);
    indented[indented.length - 1] += k === parts.length - 1 ? ")" : ",";
    return indented;
  });
}
