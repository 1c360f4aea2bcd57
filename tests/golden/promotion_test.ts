/**
 * The dtype of every operation on every pair of dtypes, against PyTorch's tables.
 *
 * @module
 */
import { assert } from "@std/assert";
import { dg, dtypeExists, isTensor, type Loose } from "./api.ts";
import { deviceProblem, sameMessage } from "./compare.ts";
import { matrixTest } from "./matrix.ts";
import { method, resolve } from "./names.ts";
import { readGolden } from "./runner.ts";
import { exceptionsFor } from "./webgpu_exceptions.ts";

type Outcome = string | boolean | { error: string; message: string };

interface Table {
  id: string;
  rows?: string[];
  cols?: string[];
  table?: Outcome[][];
}

const SCALARS: Record<string, unknown> = { "True": true, "2": 2n, "2.5": 2.5 };
const one = (dtype: string): Loose => dg.ones(2, { dtype });
const zeroDim = (dtype: string): Loose => dg.ones([], { dtype });
const mask = (): Loose => dg.tensor([true, false]);

/** Complex numbers do not exist here. */
const isReal = (name: string): boolean => !name.startsWith("complex") && name !== "1j";
const exists = (name: string): boolean => name in SCALARS || dtypeExists(name);

/** Operations that need more than their two operands. */
const BINARY: Record<string, (a: Loose, b: Loose) => unknown> = {
  where: (a, b) => dg.where(mask(), a, b),
  cat: (a, b) => dg.cat([a, b]),
  matmul: (a, b) => dg.matmul(a.reshape(1, 2), b.reshape(2, 1)),
};
/** Columns of the table of one-operand functions that are no plain call: PyTorch's name, and the call. */
const UNARY: Record<string, readonly [needs: string, call: (a: Loose) => unknown]> = {
  cumsum: ["cumsum", (a) => dg.cumsum(a, 0)],
  softmax0: ["softmax", (a) => dg.softmax(a, 0)],
  clamp0: ["clamp", (a) => dg.clamp(a, { min: 0n })],
  sort0: ["sort", (a) => Object.values(dg.sort(a))[0]],
  mean_f64: ["mean", (a) => dg.mean(a, { dtype: "float64" })],
  sum_f32: ["sum", (a) => dg.sum(a, { dtype: "float32" })],
  logsumexp0: ["logsumexp", (a) => dg.logsumexp(a, 0)],
  float: ["Tensor.float", (a) => a.float()],
};

/** The function of a column, or undefined where it is not built yet. */
function unary(col: string): ((a: Loose) => unknown) | undefined {
  const [needs, call] = UNARY[col] ?? [col, resolve(col)];
  return resolve(needs) && call;
}

/** What the case does with the row's and the column's name, or undefined where the operation is not built yet. */
function callFor(id: string): ((row: string, col: string) => unknown) | undefined {
  const [op, kinds = ""] = id.split("/");
  if (op === "promote_types") return dg.promoteTypes;
  if (op === "can_cast") return dg.canCast;
  if (op === "unary") {
    return (row, col) => unary(col)!(one(row));
  }
  const [left, right] = kinds.split("-");
  const make = (kind: string, name: string): unknown =>
    kind === "scalar" ? SCALARS[name] : kind === "0d" ? zeroDim(name) : one(name);
  const swapped = { rsub: "sub", rtruediv: "div", rpow: "pow" }[op];
  if (swapped) return (row, col) => dg[swapped](SCALARS[col], one(row));
  const inPlace = /^inplace-(\w+)$/.exec(op)?.[1] ?? (op === "copy_" ? "copy" : undefined);
  const fn = inPlace ? method(`${inPlace}_`) : resolve(op) && (BINARY[op] ?? resolve(op));
  return fn && ((row, col) => fn(make(left, row), make(right, col)));
}

/** One cell of a table: null where it is as in PyTorch. */
function problem(call: () => unknown, expected: Outcome): string | null {
  let result: Loose;
  try {
    result = call();
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) return `threw ${error}`;
    if (typeof expected !== "object") return `says "${error.message}", expected ${expected}`;
    // A kernel that PyTorch lacks has no sentence worth repeating.
    if (expected.error === "NotImplementedError") return null;
    if (sameMessage(error.message, expected.message)) return null;
    return `says "${error.message}", expected "${expected.message}"`;
  }
  if (typeof expected === "object") {
    return expected.error === "NotImplementedError" ? null : `gave a result, expected "${expected.message}"`;
  }
  const actual = Array.isArray(result) ? result[0] : result;
  const elsewhere = isTensor(actual) ? deviceProblem(actual) : null;
  if (elsewhere) return elsewhere;
  const shown = isTensor(actual) ? actual.dtype : actual;
  return shown === expected ? null : `is ${shown}, expected ${expected}`;
}

/** Does the GPU refuse the operation for these dtypes, with its reason? A number with an int64 tensor is one, too. */
function refusedOnGpu(id: string, names: unknown[], wrong: string): boolean {
  if (dg.getDefaultDevice() !== "webgpu") return false;
  const dtypes = names.map(String).map((name) =>
    ({ "True": "bool", "2": "int64", "2.5": "float64" })[name] ?? name
  );
  return exceptionsFor(`promotion/${id}`, dtypes).some((e) => e.fails.test(wrong));
}

for (const { id, rows, cols, table } of readGolden<{ cases: Table[] }>("promotion").cases) {
  if (!rows || !cols || !table) continue;
  const call = callFor(id);
  matrixTest({
    name: `promotion/${id}${call ? "" : ", not built yet"}`,
    ignore: !call,
    fn(): void {
      const problems: string[] = [];
      rows.forEach((row, i) =>
        cols.forEach((col, j) => {
          if (![row, col].every(isReal) || !exists(row)) return;
          if (id === "unary" ? !unary(col) : !exists(col)) return;
          const wrong = problem(() => call!(row, col), table[i][j]);
          if (wrong && !refusedOnGpu(id, [row, col, table[i][j]], wrong)) {
            problems.push(`${row}, ${col}: ${wrong}`);
          }
        })
      );
      assert(problems.length === 0, `${problems.length} problems\n  ${problems.slice(0, 12).join("\n  ")}`);
    },
  });
}
