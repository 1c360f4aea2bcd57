/**
 * Modules as PyTorch makes them: their initial values under a seed, and their texts.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { dg, type Loose } from "./api.ts";
import type { Encoded } from "./codec.ts";
import { compare } from "./compare.ts";
import { matrixTest } from "./matrix.ts";
import { camelCase } from "./names.ts";
import { readGolden } from "./runner.ts";

interface ModuleCase {
  id: string;
  seed: number;
  repr: string;
  state_dict: Record<string, Encoded>;
  parameters: string[];
  buffers: string[];
}
interface TextCase {
  id: string;
  python: string;
  setup?: string;
  repr: string;
}

const nn: Loose = dg.nn ?? {};

/** Splits Python's arguments at the commas that are in no brackets. */
function split(text: string): string[] {
  const parts: string[] = [];
  let depth = 0, from = 0;
  for (let i = 0; i < text.length; i++) {
    if ("([{".includes(text[i])) depth++;
    else if (")]}".includes(text[i])) depth--;
    else if (text[i] === "," && depth === 0) {
      parts.push(text.slice(from, i));
      from = i + 1;
    }
  }
  return [...parts, text.slice(from)].map((part) => part.trim()).filter((part) => part !== "");
}

/** A module's text with the names of the modules in it as they are here. */
const ourNames = (repr: string): string =>
  repr.replace(/\((\w+)\): /g, (_, name) => `(${camelCase(name)}): `);

/** Options of ours that come by position. */
const POSITIONAL: Record<string, string[]> = { Softmax: ["dim"] };

/** What a Python expression that makes modules makes here; null where a class is missing. */
function evaluate(python: string): unknown {
  const text = python.trim();
  const call = /^(?:(nn|torch)\.)?(\w+)\((.*)\)$/s.exec(text);
  if (call) {
    const [, namespace, name, inside] = call;
    const positional: unknown[] = [], options: Record<string, unknown> = {};
    for (const argument of split(inside)) {
      const named = /^(\w+)=(.*)$/s.exec(argument);
      const none = named?.[2].trim() === "None";
      const value = none ? undefined : evaluate(named ? named[2] : argument);
      if (value === null) return null;
      if (!named || POSITIONAL[name]?.includes(named[1])) positional.push(value);
      else options[camelCase(named[1])] = none ? null : value;
    }
    if (namespace === "torch") return dg[name](...positional);
    if (!(name in nn)) return null;
    const more = Object.keys(options).length > 0 ? [options] : [];
    return new nn[name](...positional, ...more);
  }
  if (/^[[(].*[\])]$/s.test(text)) {
    const items = split(text.slice(1, -1)).map(evaluate);
    return items.includes(null) ? null : items;
  }
  if (/^\{.*\}$/s.test(text)) {
    const entries = split(text.slice(1, -1)).map((entry) => {
      const [, key, value] = /^'(\w+)': (.*)$/s.exec(entry)!;
      return [key, evaluate(value)] as const;
    });
    return entries.some(([, v]) => v === null) ? null : Object.fromEntries(entries);
  }
  if (text === "True" || text === "False") return text === "True";
  if (/^'.*'$/.test(text)) return text.slice(1, -1);
  return text === "None" ? undefined : Number(text);
}

for (const c of readGolden<{ cases: ModuleCase[] }>("init").cases) {
  if (!c.id.startsWith("module/")) continue;
  const python = c.id.slice("module/".length).replaceAll(/(?<![\w.])([A-Z]\w+)\(/g, "nn.$1(");
  const built = evaluate(python) !== null;
  matrixTest({
    name: `init/${c.id}${built ? "" : ", not built yet"}`,
    ignore: !built,
    fn(): void {
      dg.manualSeed(c.seed);
      const module = evaluate(python) as Loose;
      assertEquals(module.toString(), ourNames(c.repr));
      const state = module.stateDict(), keys = Object.keys(c.state_dict);
      assertEquals(Object.keys(state), keys.map(camelCase));
      for (const key of keys) {
        const wrong = compare(state[camelCase(key)], c.state_dict[key], [0, 0]);
        assert(wrong === null, `${key}: ${wrong}`);
      }
      assertEquals(module.namedParameters().map(([n]: [string]) => n), c.parameters.map(camelCase));
      assertEquals(module.namedBuffers().map(([n]: [string]) => n), c.buffers.map(camelCase));
    },
  });
}

for (const c of readGolden<{ cases: TextCase[] }>("repr").cases) {
  if (!/^nn\./.test(c.python)) continue;
  const built = evaluate(c.python) !== null;
  matrixTest({
    name: `repr/${c.python}${built ? "" : ", not built yet"}`,
    ignore: !built,
    fn(): void {
      assertEquals(String(evaluate(c.python)), ourNames(c.repr));
    },
  });
}
