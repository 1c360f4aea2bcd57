/**
 * WGSL that converts elements as the CPU's kernels do: to the type that is computed in, and from there to what is stored.
 * @module
 */
import type { WgslFlavor } from "../../expr/lower_wgsl.ts";
import type { DType, Scalar } from "../../tensor/dtype.ts";
import { checkInt64, elementType } from "./elements.ts";

/** The arithmetic for a dtype. */
export function wgslFlavor(dtype: DType): WgslFlavor {
  const type = elementType(dtype);
  return type === "i32" ? "int" : type === "f64" ? "double" : "float";
}

/** Integer types whose every value is also one of the key's. */
const widened: Readonly<Partial<Record<DType, readonly DType[]>>> = {
  int64: ["int64", "int32", "int16", "int8", "uint8", "bool"],
  int32: ["int32", "int16", "int8", "uint8", "bool"],
  int16: ["int16", "int8", "uint8", "bool"],
  int8: ["int8", "bool"],
  uint8: ["uint8", "bool"],
  bool: ["bool"],
};

/** WGSL that wraps an i32 to a narrower integer type. */
export function wrapped(value: string, to: DType): string {
  switch (to) {
    case "int16":
      return `(${value} << 16u >> 16u)`;
    case "int8":
      return `(${value} << 24u >> 24u)`;
    case "uint8":
      return `(${value} & 255)`;
    case "bool":
      return `select(0, 1, ${value} != 0)`;
    default:
      return value;
  }
}

/**
 * An element of memory as a number of the type that is computed in. With `tells` a float that 32 bits do not hold as an int64 is told
 * of: by functions of `int64.ts`.
 */
export function loaded(element: string, from: DType, to: DType, tells = false): string {
  const memory = elementType(from), float = memory === "f16" ? `f32(${element})` : element;
  switch (wgslFlavor(to)) {
    case "double":
      return memory === "f64" ? element : `f64(${float})`;
    case "float": {
      const value = memory === "i32" || memory === "f64" ? `f32(${element})` : float;
      return to === "float16" &&
          (memory === "f32" || memory === "f64" || from === "int32" || from === "int16")
        ? `f32(f16(${value}))`
        : value;
    }
    case "int": {
      if (memory === "i32") return widened[to]!.includes(from) ? element : wrapped(element, to);
      if (to === "bool") {
        return `select(0, 1, ${memory === "f64" ? `!(${element} == 0.0lf)` : `m_truth(${float})`})`;
      }
      // what float16 has fits
      const int = tells && to === "int64" && memory !== "f16" ? "told_int" : "m_int";
      return wrapped(memory === "f64" ? `${int}_of_double(${element})` : `${int}(${float})`, to);
    }
  }
}

/** What is stored of a result; `tells` as for {@linkcode loaded}. */
export function stored(result: string, truth: string, computed: DType, to: DType, tells = false): string {
  if (to === "bool") return `select(0, 1, ${truth})`;
  const flavor = wgslFlavor(computed);
  switch (elementType(to)) {
    case "f32":
      return flavor === "float" ? result : `f32(${result})`;
    case "f16":
      return flavor === "float" ? `f16(${result})` : `f16(f32(${result}))`;
    case "f64":
      return flavor === "double" ? result : `f64(${result})`;
    case "i32": {
      if (flavor === "int") return to === computed ? result : wrapped(result, to);
      const int = tells && to === "int64" ? "told_int" : "m_int";
      return wrapped(flavor === "double" ? `${int}_of_double(${result})` : `${int}(${result})`, to);
    }
  }
}

/** Words of a number among the parameters. */
export const SCALAR_WORDS: Readonly<Record<WgslFlavor, number>> = { float: 1, int: 1, double: 4 };

const floats = new Float32Array(1), bits = new Int32Array(floats.buffer);

function floatBits(value: number): number {
  floats[0] = value;
  return bits[0];
}

/** Writes a number as {@linkcode scalarSource} reads it. */
export function writeScalar(words: Int32Array, at: number, value: Scalar, dtype: DType): void {
  switch (wgslFlavor(dtype)) {
    case "float": {
      const v = Number(value);
      words[at] = floatBits(dtype === "float16" ? Math.f16round(v) : v);
      return;
    }
    case "int": {
      if (dtype === "int64") {
        words[at] = checkInt64(typeof value === "bigint" ? value : Math.trunc(Number(value)));
        return;
      }
      let v = typeof value === "bigint" ? Number(BigInt.asIntN(32, value)) : Number(value);
      if (dtype === "bool") v = v !== 0 ? 1 : 0;
      v |= 0;
      words[at] = dtype === "int8"
        ? v << 24 >> 24
        : dtype === "int16"
        ? v << 16 >> 16
        : dtype === "uint8"
        ? v & 255
        : v;
      return;
    }
    case "double": {
      // WGSL has no way to put two words together to a double: three floats and an exponent are one
      let v = Number(value), exponent = 0;
      if (Number.isFinite(v) && v !== 0) {
        exponent = Math.min(1000, Math.max(-1000, Math.floor(Math.log2(Math.abs(v)))));
        v /= 2 ** exponent;
      }
      const high = Math.fround(v), middle = Number.isFinite(v) ? Math.fround(v - high) : 0;
      words[at] = floatBits(high);
      words[at + 1] = floatBits(middle);
      words[at + 2] = floatBits(Number.isFinite(v) ? v - high - middle : 0);
      words[at + 3] = exponent;
    }
  }
}

/** WGSL that reads a number from the parameters; `word(k)` is the k-th. */
export function scalarSource(word: (k: number) => string, dtype: DType): string {
  const float = (k: number) => `bitcast<f32>(${word(k)})`;
  switch (wgslFlavor(dtype)) {
    case "float":
      return float(0);
    case "int":
      return word(0);
    case "double":
      return `ldexp(f64(${float(0)}) + f64(${float(1)}) + f64(${float(2)}), ${word(3)})`;
  }
}
