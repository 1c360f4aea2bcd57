/**
 * The elements that a kernel meets at each of its places in framed images, as the columns of matrices: the GPU's side of
 * convolution. The frame is not made: what lies beyond the images is 0.
 * @module
 */
import type { DType } from "../../tensor/dtype.ts";
import { elementType } from "./elements.ts";
import type { Gpu } from "./gpu.ts";
import type { Block } from "./memory.ts";
import { digitsOf, launch } from "./place_code.ts";

/** Which columns are wanted; lists have a number for each spatial dimension. */
export interface Columns {
  /** Index of the first image's first element. */
  readonly offset: number;
  /** Steps along the images' dimensions [N, C, ...]. */
  readonly strides: readonly number[];
  /** How many images. */
  readonly images: number;
  /** How many channels. */
  readonly channels: number;
  /** The images' sizes. */
  readonly size: readonly number[];
  /** Where the images begin in the frame. */
  readonly before: readonly number[];
  /** From an element of an image to the next in the frame. */
  readonly step: readonly number[];
  /** Sizes of the kernel. */
  readonly kernel: readonly number[];
  /** Steps from one place of the kernel to the next. */
  readonly stride: readonly number[];
  /** From one element of the kernel to the next. */
  readonly dilation: readonly number[];
  /** How many places. */
  readonly counts: readonly number[];
  /** The first place in the first spatial dimension. */
  readonly first: number;
  /** Whether the order is [N, C, ...kernel, ...places], and not [C, ...kernel, N, ...places]. */
  readonly imagesFirst: boolean;
}

/** Places side by side that an invocation of a software GPU writes, where finding the first takes longer than the rest. */
const RUN = 8;

/** Writes columns, row-major. */
export function columns(gpu: Gpu, dtype: DType, x: Block, c: Columns, out: Block): void {
  const { images, channels, kernel, counts } = c, last = counts.length - 1;
  const run = gpu.info.software ? Math.min(RUN, counts[last]) : 1, runs = Math.ceil(counts[last] / run);
  const n: [string, number] = ["n", images];
  const inside: [string, number][] = [
    ["c", channels],
    ...kernel.map((k, d): [string, number] => [`k${d}`, k]),
  ];
  const places = counts.map((p, d): [string, number] => [`p${d}`, d === last ? runs : p]);
  const all = (c.imagesFirst ? [n, ...inside, ...places] : [...inside, n, ...places]).filter(([, size]) =>
    size > 1
  );
  const lines = images * channels * [...kernel, ...counts.slice(0, last)].reduce((a, b) => a * b, 1);
  const type = elementType(dtype), spread = c.step.map((s) => s !== 1);
  launch(gpu, "columns", lines * runs, (words, buffers) => {
    const [to, from] = [buffers.add(out, type, "write"), buffers.add(x, type, "read")];
    const named = new Map(all.map(([name], j) => [name, `o${j}`])),
      at = (name: string) => named.get(name) ?? "0";
    const text = [digitsOf("i", all.map(([, size]) => words.add(size)), "o")];
    const [byImage, byChannel] = [words.add(c.strides[0]), words.add(c.strides[1])];
    text.push(`var place = ${words.add(c.offset)} + ${at("n")} * ${byImage} + ${at("c")} * ${byChannel};`);
    text.push("var inside = true;");
    /** Whether the element at `f` of the frame is one of the image, and which. */
    const found = (f: string, d: number, size: string): [string, string] => {
      if (!spread[d]) return [f, `${f} >= 0 && ${f} < ${size}`];
      const step = words.add(c.step[d]), q = `${f} / ${step}`;
      return [q, `${f} >= 0 && ${q} * ${step} == ${f} && ${q} < ${size}`];
    };
    kernel.forEach((_, d) => {
      const origin = words.add((d === 0 ? c.first * c.stride[0] : 0) - c.before[d]);
      const [stride, dilation, size, by] = [c.stride[d], c.dilation[d], c.size[d], c.strides[d + 2]].map((
        v,
      ) => words.add(v));
      const p = d === last ? `(${at(`p${d}`)} * ${run})` : at(`p${d}`);
      text.push(`let f${d} = ${origin} + ${p} * ${stride} + ${at(`k${d}`)} * ${dilation};`);
      if (d < last) {
        const [q, good] = found(`f${d}`, d, size);
        text.push(`inside = inside && ${good};`, `place += ${q} * ${by};`);
        return;
      }
      const count = words.add(counts[d]),
        first = run === 1 ? "i" : `i / ${words.add(runs)} * ${count} + ${p}`;
      text.push(`let to = ${runs === 1 && run > 1 ? `i * ${count}` : first};`);
      const whole = counts[d] % run === 0;
      for (let j = 0; j < run; j++) {
        const [q, good] = found(`g${j}`, d, size);
        if (!whole) text.push(`if (${p} + ${j} < ${count}) {`);
        text.push(`let g${j} = f${d} + ${j} * ${stride};`, `var v${j} = ${type}();`);
        text.push(
          `if (inside && ${good}) { v${j} = ${from}[place + (${q}) * ${by}]; }`,
          `${to}[to + ${j}] = v${j};`,
        );
        if (!whole) text.push("}");
      }
    });
    const ends = counts[last] % run === 0;
    const key = `${type} ${kernel.length} ${all.map(([name]) => name)} ${spread} ${run} ${
      runs === 1
    } ${ends}`;
    return { body: text.join("\n"), key };
  });
}
