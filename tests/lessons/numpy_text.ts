/**
 * NumPy's text of an array, which the lessons print beside tensors.
 *
 * @module
 */

/** Elements in row-major order, their shape, and NumPy's name of their dtype. */
export interface NumpyArray {
  readonly values: readonly (number | bigint)[];
  readonly shape: readonly number[];
  readonly dtype: string;
}

const PRECISION = 8;
const LINE_WIDTH = 75;

/** `str` of an array: elements in columns, separated by spaces. */
export function numpyStr(a: NumpyArray): string {
  return layout(a, "", " ", LINE_WIDTH);
}

/** `repr` of an array: `array([...])`, with the dtype unless it is the default of its kind. */
export function numpyRepr(a: NumpyArray): string {
  const body = layout(a, "array(", ", ", LINE_WIDTH - 1);
  if (["float64", "int64", "bool"].includes(a.dtype)) return `array(${body})`;
  const head = `array(${body},`;
  const tail = `dtype=${a.dtype})`;
  const room = LINE_WIDTH - (head.length - head.lastIndexOf("\n") - 1);
  return head + (tail.length + 1 > room ? "\n      " : " ") + tail;
}

/** Digits before and after the point: as few as tell the number from its neighbours, at most NumPy's precision. */
function decimals(x: number, dtype: string): [whole: string, fraction: string] {
  let text = shortest(x, dtype);
  const point = text.indexOf(".");
  if (point >= 0 && text.length - point - 1 > PRECISION) text = x.toFixed(PRECISION);
  const [whole, fraction = ""] = text.split(".");
  return [whole, fraction.replace(/0+$/, "")];
}

/** The shortest decimals that read back as the number in its dtype. */
export function shortest(x: number, dtype: string): string {
  if (dtype !== "float32") return Object.is(x, -0) ? "-0" : String(x);
  for (let digits = 1; digits <= 9; digits++) {
    const text = x.toPrecision(digits);
    if (Math.fround(Number(text)) === x) return Object.is(x, -0) ? "-0" : String(Number(text));
  }
  return String(x);
}

/** Each element as a word; all words have the same width. */
function words(a: NumpyArray): string[] {
  if (!a.dtype.startsWith("float")) {
    const texts = a.values.map(String);
    const width = Math.max(0, ...texts.map((t) => t.length));
    return texts.map((t) => t.padStart(width));
  }
  const numbers = a.values.map(Number);
  const sizes = numbers.filter((x) => x !== 0 && Number.isFinite(x)).map(Math.abs);
  const [large, small] = [Math.max(...sizes), Math.min(...sizes)];
  if (sizes.length > 0 && (large >= 1e8 || small < 1e-4 || large / small > 1000)) {
    throw new RangeError("NumPy would print these in scientific notation, which no lesson does");
  }
  const parts = numbers.map((x) => decimals(x, a.dtype));
  const left = Math.max(0, ...parts.map(([whole]) => whole.length));
  const right = Math.max(0, ...parts.map(([, fraction]) => fraction.length));
  return parts.map(([whole, fraction]) => `${whole.padStart(left)}.${fraction.padEnd(right)}`);
}

function layout(a: NumpyArray, prefix: string, separator: string, width: number): string {
  const elements = words(a);
  if (a.shape.length === 0) return elements[0].trim();
  let next = 0;
  const level = (axis: number, indent: string, room: number): string => {
    const count = a.shape[axis];
    const last = axis === a.shape.length - 1;
    let text = "";
    if (last) {
      let line = indent;
      for (let i = 0; i < count; i++) {
        const word = elements[next++];
        const reserved = i < count - 1 ? Math.max(separator.trimEnd().length, 1) : 1;
        if (line.length + word.length > room - reserved && line.length > indent.length) {
          text += line.trimEnd() + "\n";
          line = indent;
        }
        line += word + (i < count - 1 ? separator : "");
      }
      text += line;
    } else {
      const between = separator.trimEnd() + "\n".repeat(a.shape.length - 1 - axis);
      const rows = Array.from({ length: count }, () => indent + level(axis + 1, indent + " ", room - 1));
      text = rows.join(between);
    }
    return `[${text.slice(indent.length)}]`;
  };
  return level(0, " ".repeat(prefix.length + 1), width);
}
