/** The plan of the house: imports point one way, and never in a circle. Imports of types alone do not count. */
import { assertEquals } from "@std/assert";

const root = new URL("../", import.meta.url);

/** Relative imports of each file, those of types left out. */
function imports(): Map<string, string[]> {
  const graph = new Map<string, string[]>();
  const walk = (folder: URL) => {
    for (const entry of Deno.readDirSync(folder)) {
      const url = new URL(entry.name + (entry.isDirectory ? "/" : ""), folder);
      if (entry.isDirectory) walk(url);
      else if (entry.name.endsWith(".ts")) {
        graph.set(url.pathname.slice(root.pathname.length), importsOf(url));
      }
    }
  };
  walk(new URL("src/", root));
  walk(new URL("kernel/", root));
  return graph;
}

function importsOf(url: URL): string[] {
  const code = Deno.readTextFileSync(url).replace(/\/\*[\s\S]*?\*\//g, "");
  const out: string[] = [];
  for (const [, clause, path] of code.matchAll(/^(?:import|export)\s+([^;]*?\bfrom\s+)?"(\.[^"]+)";/gm)) {
    if (/^type\b/.test(clause ?? "")) continue;
    const names = /\{([\s\S]*)\}/.exec(clause ?? "")?.[1].split(",").map((n) => n.trim()).filter((n) =>
      n !== ""
    );
    const typesOnly = names !== undefined && !/^[\w$*]/.test(clause!) && names.length > 0 &&
      names.every((n) => n.startsWith("type "));
    if (!typesOnly) out.push(new URL(path, url).pathname.slice(root.pathname.length));
  }
  return out;
}

const graph = imports();

Deno.test("no import circles", () => {
  const state = new Map<string, "open" | "done">();
  const circles: string[] = [];
  const visit = (file: string, path: string[]): void => {
    if (state.get(file) === "done") return;
    if (state.get(file) === "open") {
      circles.push([...path.slice(path.indexOf(file)), file].join(" -> "));
      return;
    }
    state.set(file, "open");
    for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
    state.set(file, "done");
  };
  for (const file of graph.keys()) visit(file, []);
  assertEquals(circles, []);
});

/** What each room may import from, beside itself. */
const allowed: Record<string, readonly string[]> = {
  "src/expr": [],
  "src/random": [],
  "src/display": [],
  "src/warn.ts": [],
  "src/tensor": ["src/display", "src/warn.ts"],
  "src/backend": ["src/display", "src/expr", "src/tensor"],
  "src/autograd": ["src/tensor", "src/warn.ts"],
  "src/ops": ["src/autograd", "src/backend", "src/expr", "src/random", "src/tensor", "src/warn.ts"],
  "src/compile": ["src/autograd", "src/backend", "src/expr", "src/ops", "src/tensor"],
  "src/nn": ["src/autograd", "src/expr", "src/ops", "src/random", "src/tensor", "src/warn.ts"],
  "src/optim": ["src/autograd", "src/backend", "src/expr", "src/nn", "src/ops", "src/tensor", "src/warn.ts"],
  "src/plot": ["src/autograd", "src/display", "src/tensor"],
  "src/graph": ["src/autograd", "src/display", "src/ops", "src/plot", "src/tensor"],
};

const roomOf = (file: string) =>
  Object.keys(allowed).find((room) => file === room || file.startsWith(`${room}/`));

Deno.test("imports point one way", () => {
  const wrong: string[] = [];
  for (const [file, targets] of graph) {
    const room = roomOf(file);
    if (room === undefined) continue;
    for (const target of targets) {
      const to = roomOf(target);
      if (to !== room && (to === undefined || !allowed[room].includes(to))) {
        wrong.push(`${file} -> ${target}`);
      }
    }
  }
  assertEquals(wrong, []);
});

/** The floors of src/ops, the lowest first. Core and view need each other; "." has the table and its relatives. */
const floors = ["core view", ".", "index reduce", "matmul random sort", "images layers linalg"];

Deno.test("what is on a floor of src/ops stands on those below", () => {
  const folderOf = (file: string) => file.split("/").slice(2, -1).join("/") || ".";
  const floorOf = (file: string) => floors.findIndex((floor) => floor.split(" ").includes(folderOf(file)));
  const wrong: string[] = [];
  for (const [file, targets] of graph) {
    if (roomOf(file) !== "src/ops") continue;
    for (const target of targets) {
      if (roomOf(target) !== "src/ops" || folderOf(target) === folderOf(file)) continue;
      const [from, to] = [floorOf(file), floorOf(target)];
      if (from < 0 || to < 0 || to > from || (to === from && to > 0)) wrong.push(`${file} -> ${target}`);
    }
  }
  assertEquals(wrong, []);
});

Deno.test("every room of src is known here", () => {
  assertEquals([...graph.keys()].filter((file) => file.startsWith("src/") && roomOf(file) === undefined), []);
});
