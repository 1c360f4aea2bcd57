/**
 * A lesson as a test: cells of TypeScript, each compared with what PyTorch printed for the same cell.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { getDefaultDevice, setWarnAlways, setWarningHandler, webgpu } from "../../mod.ts";
import { normalizeMessage } from "../golden/compare.ts";
import { matrixTest, orException } from "../golden/matrix.ts";
import { readExpected } from "./expected.ts";
import { shown, str } from "./python.ts";

/** How a cell differs from its transcript, and why. */
export interface Difference {
  /** Texts of the transcript and what stands here in their place. */
  replace?: readonly (readonly [transcript: string, here: string])[];
  /** Numbers may differ by this much, relative to their size. */
  rtol?: number;
  because: string;
}

/** What a cell can call. */
export interface Cell {
  /** Python's print. */
  print(...values: unknown[]): void;
  /** Shows the last value of a cell. */
  out(value: unknown): void;
  /** Prints the message of the error that the function throws. */
  raises(fn: () => unknown): void;
}

/** The lessons' float64, or float32 on a GPU without float64. */
export function double(): "float64" | "float32" {
  return getDefaultDevice() === "webgpu" && !webgpu.info().float64 ? "float32" : "float64";
}

/** The transcript of a lesson whose tensors are `double()`, on the device in force: lines may break elsewhere. */
function inDouble(text: string): string {
  if (double() === "float64") return text;
  return text.replace(/,\s*dtype=torch\.float64/g, "").replaceAll("float64", "float32").replace(/\s+/g, " ");
}

/** A lesson under test. */
export interface Lesson {
  /** Runs a cell and compares what it prints with the transcript's cell of that title. */
  cell(title: string, body: (cell: Cell) => void, difference?: Difference): Promise<void>;
  /** Passes over a cell that has no meaning here. */
  skip(title: string, because: string): void;
}

/** Runs a function with warnings caught, as lines `[UserWarning] text`. */
export function withWarnings(print: (line: string) => void, body: () => void): void {
  setWarnAlways(true);
  const before = setWarningHandler((message) => print(`[UserWarning] ${message}`));
  try {
    body();
  } finally {
    setWarningHandler(before);
    setWarnAlways(false);
  }
}

/** The message of what the function throws; it must be one of ours, not an accident of the engine. */
export function messageOf(fn: () => unknown): string {
  let result: unknown;
  try {
    result = fn();
  } catch (error) {
    assert(error instanceof TypeError || error instanceof RangeError, `unexpected ${error}`);
    return error.message;
  }
  throw new Error(`nothing was thrown; the result is ${str(result)}`);
}

/** Errors and warnings with the names in them made alike; everything else as it is. */
export function normalizeText(text: string): string {
  const anyError = text.replace(/^[A-Za-z_]*Error: /gm, "Error: ");
  return anyError.split("\n").map((line) =>
    /^(Error: |\[UserWarning\])/.test(line) ? normalizeMessage(line) : line
  )
    .map((line) => line.trimEnd().replace(/0x(\.\.\.|ADDRESS|[0-9A-F]+)/gi, "0xADDRESS")).join("\n").trim();
}

const NUMBER = /-?\d+\.?\d*(?:e[+-]?\d+)?/g;

function assertSame(actual: string, expected: string, rtol: number): void {
  if (rtol === 0) return assertEquals(actual, expected);
  // columns are as wide as their digits
  const shape = (text: string): string => text.replace(NUMBER, "#").replace(/ +/g, " ").replace(/ \]/g, "]");
  assertEquals(shape(actual), shape(expected));
  const [a, b] = [actual, expected].map((text) => (text.match(NUMBER) ?? []).map(Number));
  const wrong = a.findIndex((x, i) => Math.abs(x - b[i]) > rtol * Math.abs(b[i]));
  assert(wrong < 0, `number ${wrong} is ${a[wrong]}, expected ${b[wrong]}`);
}

/**
 * Registers a lesson as a test; its cells are steps. Every cell of the transcript must be there, in order.
 *
 * @param options doubles: its tensors have the dtype of {@linkcode double}
 */
export function lesson(
  transcript: string,
  body: (lesson: Lesson) => Promise<void>,
  { doubles = false }: { doubles?: boolean } = {},
): void {
  const fn = (test: Deno.TestContext) => run(test, transcript, body, doubles);
  matrixTest({ name: `lesson ${transcript}`, byCase: true, fn });
}

async function run(
  test: Deno.TestContext,
  transcript: string,
  body: (lesson: Lesson) => Promise<void>,
  doubles: boolean,
): Promise<void> {
  const cells = readExpected(transcript);
  let next = 0;
  const take = (title: string): string => {
    const cell = cells[next++];
    assertEquals(title, cell?.title, `cell ${next} of the transcript`);
    return cell.text;
  };
  await body({
    async cell(title, run, difference): Promise<void> {
      let expected = take(title);
      for (const [from, to] of difference?.replace ?? []) {
        assert(expected.includes(from), `the transcript does not say "${from}"`);
        expected = expected.replace(from, to);
      }
      await test.step(`cell ${next}: ${title}`, () =>
        orException(`lesson ${transcript}/${title}`, () => {
          const printed: string[] = [];
          const print = (...values: unknown[]): void => void printed.push(values.map(str).join(" "));
          withWarnings(print, () =>
            run({
              print,
              out: (value) => void printed.push(shown(value)),
              raises: (fn) => void printed.push(`Error: ${messageOf(fn)}`),
            }));
          const [actual, wanted] = [printed.join("\n"), expected].map(normalizeText);
          const [a, b] = doubles ? [actual, wanted].map(inDouble) : [actual, wanted];
          assertSame(a, b, difference?.rtol ?? 0);
        }));
    },
    skip(title, _because): void {
      take(title);
    },
  });
  assertEquals(next, cells.length, "every cell of the transcript has its test");
}
