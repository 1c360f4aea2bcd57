/** Random index expressions against a reference that walks over every element, by PyTorch's rules. */
import { assert, assertEquals } from "@std/assert";
import * as dg from "../../../mod.ts";

/** A small generator of choices, the same in every run. */
class Choices {
  #state: number;
  constructor(seed: number) {
    this.#state = seed;
  }
  /** An integer from 0 to n - 1. */
  below(n: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return Math.floor(this.#state / 2 ** 32 * n);
  }
  /** An integer from low to high, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }
}

type Item =
  | { kind: "int"; value: number }
  | { kind: "slice"; start: number | null; stop: number | null; step: number }
  | { kind: "all" }
  | { kind: "new" }
  | { kind: "flag"; value: boolean }
  | { kind: "list"; shape: number[]; values: number[] }
  | { kind: "mask"; shape: number[]; values: boolean[] };

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** The coordinates of a shape in row-major order. */
function coordinates(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (all, size) => all.flatMap((c) => Array.from({ length: size }, (_, i) => [...c, i])),
    [[]],
  );
}

function nest(values: readonly unknown[], shape: readonly number[]): unknown {
  if (shape.length === 0) return values[0];
  const step = values.length / shape[0];
  return Array.from(
    { length: shape[0] },
    (_, i) => nest(values.slice(i * step, (i + 1) * step), shape.slice(1)),
  );
}

/** An item in one of the forms that `index` takes. */
function given(item: Item, c: Choices): dg.IndexItem {
  switch (item.kind) {
    case "int":
      return [item.value, BigInt(item.value), dg.tensor(BigInt(item.value))][c.below(3)];
    case "slice": {
      const { start, stop, step } = item;
      if (c.below(2) === 0) return { start, stop, step };
      return `${start ?? ""}:${stop ?? ""}${step === 1 ? "" : `:${step}`}`;
    }
    case "all":
      return "...";
    case "new":
      return null;
    case "flag":
      return c.below(2) === 0 ? item.value : dg.tensor(item.value);
    case "list": {
      const t = dg.tensor(item.values.map(BigInt)).reshape(item.shape);
      if (item.shape.length === 1 && item.values.length > 0 && c.below(2) === 0) return item.values;
      return c.below(2) === 0 ? t : t.to("int32");
    }
    case "mask":
      return c.below(2) === 0
        ? dg.tensor(item.values).reshape(item.shape)
        : nest(item.values, item.shape) as dg.IndexItem;
  }
}

/** A random expression for a shape: at most one ellipsis, and no more items than dimensions. */
function expression(shape: readonly number[], c: Choices): Item[] {
  const items: Item[] = [];
  let dim = 0;
  const broadcast = [c.between(1, 3), c.between(1, 3)]; // what lists broadcast to
  let ellipsis = false;
  while (items.length < 6 && (dim < shape.length || c.below(3) === 0)) {
    const kind = c.below(14);
    if (kind === 0) items.push({ kind: "new" });
    else if (kind === 1 && !ellipsis) {
      const skip = c.between(0, shape.length - dim);
      ellipsis = true;
      items.push({ kind: "all" });
      // The rest of the items must use up exactly the dimensions behind the ellipsis.
      dim += skip;
      while (dim < shape.length) {
        items.push({ kind: "int", value: c.below(shape[dim]) - (c.below(2) === 0 ? shape[dim] : 0) });
        if (shape[dim] === 0) items[items.length - 1] = { kind: "slice", start: null, stop: null, step: 1 };
        dim++;
      }
      break;
    } else if (dim >= shape.length) break;
    else if (kind <= 4 && shape[dim] > 0) {
      items.push({ kind: "int", value: c.between(-shape[dim], shape[dim] - 1) });
      dim++;
    } else if (kind <= 8) {
      const bound = () => c.below(3) === 0 ? null : c.between(-shape[dim] - 1, shape[dim] + 1);
      items.push({ kind: "slice", start: bound(), stop: bound(), step: c.between(1, 3) });
      dim++;
    } else if (kind <= 11 && shape[dim] > 0) {
      const full = c.below(2) === 0 ? broadcast : broadcast.slice(1);
      const listShape = full.map((s) => c.below(3) === 0 ? 1 : s);
      const values = Array.from(
        { length: product(listShape) },
        () => c.between(-shape[dim], shape[dim] - 1),
      );
      items.push({ kind: "list", shape: listShape, values });
      dim++;
    } else if (
      kind === 12 && !items.some((i) => i.kind === "list" || i.kind === "mask" || i.kind === "flag")
    ) {
      // A mask broadcasts with lists only by luck, so it is the one advanced item here.
      const n = c.between(1, Math.min(2, shape.length - dim)), maskShape = shape.slice(dim, dim + n);
      const values = Array.from({ length: product(maskShape) }, () => c.below(2) === 0);
      if (values.length === 0) continue;
      items.push({ kind: "mask", shape: maskShape, values });
      dim += n;
      while (dim < shape.length && c.below(2) === 0) {
        items.push({ kind: "slice", start: 0, stop: c.between(1, 3), step: 1 });
        dim++;
      }
      break;
    } else if (kind === 13 && !items.some((i) => i.kind === "flag")) {
      items.push({ kind: "flag", value: true });
    }
  }
  return items;
}

/** Where every element of the result comes from: source coordinates, row-major, and the result's shape. */
function reference(shape: readonly number[], items: readonly Item[]): { shape: number[]; from: number[][] } {
  const used = items.reduce(
    (n, i) =>
      n +
      (i.kind === "int" || i.kind === "slice" || i.kind === "list"
        ? 1
        : i.kind === "mask"
        ? i.shape.length
        : 0),
    0,
  );
  // Dimensions after the basic items: the source dimension (or none) and the positions in it.
  const dims: { source: number | null; positions: number[] }[] = [];
  const fixed = new Map<number, number>();
  const advanced: { dim: number; shape: number[]; values: number[] }[] = [];
  let source = 0;
  const range = (n: number) => Array.from({ length: n }, (_, i) => i);
  const whole = () => dims.push({ source, positions: range(shape[source++]) });
  for (const item of items) {
    if (item.kind === "int") {
      fixed.set(source, item.value < 0 ? item.value + shape[source] : item.value), source++;
    } else if (item.kind === "slice") {
      const size = shape[source];
      const clip = (v: number) => Math.min(Math.max(v < 0 ? v + size : v, 0), size);
      const positions: number[] = [];
      for (let i = clip(item.start ?? 0); i < clip(item.stop ?? size); i += item.step) positions.push(i);
      dims.push({ source, positions });
      source++;
    } else if (item.kind === "all") { for (let k = shape.length - used; k > 0; k--) whole(); }
    else if (item.kind === "new") dims.push({ source: null, positions: [0] });
    else if (item.kind === "flag") {
      advanced.push({ dim: dims.length, shape: [item.value ? 1 : 0], values: item.value ? [0] : [] });
      dims.push({ source: null, positions: [0] });
    } else if (item.kind === "list") {
      const size = shape[source];
      advanced.push({
        dim: dims.length,
        shape: item.shape,
        values: item.values.map((v) => v < 0 ? v + size : v),
      });
      whole();
    } else {
      const marked = coordinates(item.shape).filter((_, i) => item.values[i]);
      item.shape.forEach((_, d) => {
        advanced.push({ dim: dims.length, shape: [marked.length], values: marked.map((m) => m[d]) });
        whole();
      });
    }
  }
  while (source < shape.length) whole();
  const sourceOf = (position: readonly number[]): number[] => {
    const at: number[] = shape.map((_, d) => fixed.get(d) ?? -1);
    dims.forEach((d, k) => {
      if (d.source !== null) at[d.source] = d.positions[position[k]];
    });
    return at;
  };
  if (advanced.length === 0) {
    const result = dims.map((d) => d.positions.length);
    return { shape: result, from: coordinates(result).map(sourceOf) };
  }
  const rank = Math.max(...advanced.map((a) => a.shape.length));
  const common = range(rank).map((k) => {
    const seen = advanced.map((a) => a.shape[k - rank + a.shape.length] ?? 1);
    return seen.find((s) => s !== 1) ?? 1;
  });
  const taken = advanced.map((a) => a.dim);
  const adjacent = taken.every((d, i) => i === 0 || d === taken[i - 1] + 1);
  const rest = range(dims.length).filter((d) => !taken.includes(d));
  const before = adjacent ? rest.filter((d) => d < taken[0]) : [];
  const after = rest.filter((d) => !before.includes(d));
  const sizes = (list: number[]) => list.map((d) => dims[d].positions.length);
  const from: number[][] = [];
  for (const b of coordinates(sizes(before))) {
    for (const m of coordinates(common)) {
      for (const a of coordinates(sizes(after))) {
        const position: number[] = new Array(dims.length);
        before.forEach((d, k) => position[d] = b[k]);
        after.forEach((d, k) => position[d] = a[k]);
        for (const { dim, shape: own, values } of advanced) {
          const at = own.map((s, k) => s === 1 ? 0 : m[k + rank - own.length]);
          position[dim] = values[at.reduce((n, i, k) => n * own[k] + i, 0)];
        }
        from.push(sourceOf(position));
      }
    }
  }
  return { shape: [...sizes(before), ...common, ...sizes(after)], from };
}

const flat = (t: dg.Tensor): number[] => Array.from(t.detach().contiguous().typedArray(), Number);

/** A tensor of 0, 1, 2, ... in a shape, its memory row-major or in another order, with gaps or without. */
function source(shape: readonly number[], c: Choices): dg.Tensor {
  const x = dg.arange(product(shape)).reshape(shape);
  if (shape.length < 2 || c.below(2) === 0) return x;
  if (c.below(2) === 0) return x.transpose(0, -1).clone().contiguous().transpose(0, -1);
  const wide = dg.zeros([...shape.slice(0, -1), shape[shape.length - 1] * 2]);
  const part = wide.slice(-1, 0, null, 2);
  part.copy_(x);
  return part;
}

const numberOf = (at: readonly number[], shape: readonly number[]) =>
  at.reduce((n, i, d) => n * shape[d] + i, 0);

Deno.test("random index expressions read the same elements as a walk over all of them", () => {
  const c = new Choices(1), seen = new Map<string, number>();
  const count = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1);
  for (let round = 0; round < 3000; round++) {
    const shape = Array.from({ length: c.between(1, 4) }, () => c.between(c.below(8) === 0 ? 0 : 1, 4));
    const items = expression(shape, c);
    const expected = reference(shape, items);
    const x = source(shape, c);
    const got = x.index(...items.map((i) => given(i, c)));
    const what = `${JSON.stringify(items)} of ${shape}`;
    assertEquals([...got.shape], expected.shape, what);
    assertEquals(flat(got), expected.from.map((at) => numberOf(at, shape)), what);
    const advanced = items.some((i) => i.kind === "list" || i.kind === "mask" || i.kind === "flag");
    if (got.numel() > 0) assertEquals(got.storage === x.storage, !advanced, `view or copy: ${what}`);
    items.forEach((i) => count(i.kind));
    if (items.filter((i) => i.kind === "list").length > 1) count("several lists");
    if (!x.isContiguous()) count("not contiguous");
    if (got.numel() === 0) count("empty");
  }
  for (
    const what of [
      "int",
      "slice",
      "all",
      "new",
      "flag",
      "list",
      "mask",
      "several lists",
      "not contiguous",
      "empty",
    ]
  ) {
    assert((seen.get(what) ?? 0) >= 100, `${what} came up ${seen.get(what) ?? 0} times`);
  }
});

Deno.test("random index expressions write and add to the same elements", () => {
  const c = new Choices(2);
  for (let round = 0; round < 2000; round++) {
    const shape = Array.from({ length: c.between(1, 4) }, () => c.between(1, 4));
    const items = expression(shape, c);
    const expected = reference(shape, items);
    const accumulate = c.below(2) === 0;
    const x = source(shape, c).clone(), wanted = flat(x);
    const values = dg.arange(100, 100 + expected.from.length).reshape(expected.shape);
    expected.from.forEach((at, i) => {
      const k = numberOf(at, shape);
      wanted[k] = accumulate ? wanted[k] + 100 + i : 100 + i;
    });
    x.indexPut_(items.map((i) => given(i, c)), values, { accumulate });
    assertEquals(
      flat(x),
      wanted,
      `${JSON.stringify(items)} of ${shape}, ${accumulate ? "adding" : "writing"}`,
    );
  }
});

Deno.test("gradients go back to the elements that were read", () => {
  const c = new Choices(3);
  for (let round = 0; round < 500; round++) {
    const shape = Array.from({ length: c.between(1, 3) }, () => c.between(1, 3));
    const items = expression(shape, c);
    const expected = reference(shape, items);
    const x = source(shape, c).detach().requiresGrad_();
    const out = x.index(...items.map((i) => given(i, c)));
    const weights = dg.arange(1, 1 + expected.from.length).reshape(expected.shape);
    out.backward(weights);
    const wanted = new Array(product(shape)).fill(0);
    expected.from.forEach((at, i) => wanted[numberOf(at, shape)] += i + 1);
    assertEquals(flat(x.grad!), wanted, `${JSON.stringify(items)} of ${shape}`);
  }
});
