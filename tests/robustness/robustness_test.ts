/**
 * Nonsense in every call that a user can make: it is refused in our own words, at once, and leaves no trace.
 *
 * What is exported is found by walking, so that a new function is tested from its first day.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as dg from "../../mod.ts";
import { beginnings, garbage, matrix, methodBeginnings } from "./arguments.ts";
import { type Entry, surface } from "./surface.ts";
import { engine, exceptions, ours, Trial, watched } from "./trial.ts";

Deno.test("nonsense is refused in every call", async () => {
  const trial = new Trial(), entries = surface();
  await watched(async () => {
    for (const entry of entries) {
      if (exceptions.has(entry.name)) continue;
      trial.attempt(entry, []);
      for (const beginning of entry.method ? methodBeginnings : beginnings) {
        for (const make of garbage) trial.attempt(entry, [...beginning, make]);
      }
    }
    await trial.finish();
  });
  const names = new Set(entries.map(({ name }) => name));
  assertEquals([...exceptions.keys()].filter((name) => !names.has(name)), [], "exceptions without a reason");
  assert(
    entries.length > 900 && trial.calls > 300_000,
    `only ${entries.length} entries, ${trial.calls} calls`,
  );
  assertEquals(trial.faults.length, 0, `\n${trial.faults.slice(0, 40).join("\n")}\n`);
});

Deno.test("faults are seen: engine's words, other errors, changes, modes", () => {
  const trial = new Trial();
  const faulty = (call: Entry["call"]): Entry => ({ name: "faulty", method: true, call });
  Object.assign(globalThis, ours);
  try {
    trial.attempt(faulty(() => (undefined as unknown as dg.Tensor).sum()), []);
    trial.attempt(faulty(() => BigInt("a")), []);
    trial.attempt(
      faulty((self) => {
        self.add_(1);
        throw new TypeError("after the change");
      }),
      [],
    );
    trial.attempt(faulty(() => dg.setGradEnabled(false)), []);
    trial.attempt(
      faulty(() => {
        throw new RangeError("in our own words");
      }),
      [],
    );
  } finally {
    Object.assign(globalThis, engine);
  }
  assertEquals(trial.faults.map((fault) => fault.slice(0, 30)), [
    "faulty(): the engine's own wor",
    "faulty(): threw SyntaxError: C",
    "faulty(): changed a tensor, an",
    "faulty(): left the modes at [ ",
  ]);
});

Deno.test("the message names the function, the argument, its place and its value", () => {
  // deno-lint-ignore no-explicit-any
  const loose = dg as any, x = matrix() as any;
  const cases: [call: () => unknown, kind: ErrorConstructor, message: string][] = [
    [() => loose.sum(5), TypeError, "sum(): argument 'input' (position 1) must be Tensor, not number 5"],
    [
      () => loose.mm(x, "a"),
      TypeError,
      "mm(): argument 'mat2' (position 2) must be Tensor, not string \"a\"",
    ],
    [
      () => x.reshape(2, null),
      TypeError,
      "reshape(): argument 'size' must be a list of integers, but found null",
    ],
    [() => x.sum(0, { dims: 1 }), TypeError, 'sum() has no option "dims": use dim, keepdim, dtype'],
    [() => x.sum(0, null), TypeError, "options must be an object"],
    [() => loose.zeros(1e12), RangeError, "cannot allocate 1000000000000 elements of float32 (4000 GB)"],
    [() => x.polygamma(1e12), RangeError, "the order must be at most 1000, but got 1000000000000"],
    [() => x.norm(2, 5n), TypeError, "a dimension must be an integer, got bigint 5"],
  ];
  for (const [call, kind, message] of cases) assertThrows(call, kind, message);
});
