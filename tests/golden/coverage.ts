/**
 * Adds to coverage.json the operations that exist now, so that none of them can get lost:
 * `deno run --allow-read --allow-write tests/golden/coverage.ts`. Nothing is ever taken out.
 *
 * @module
 */
import { CALL_FILES } from "./files.ts";
import { resolve } from "./names.ts";
import { callsByOp, readGolden } from "./runner.ts";

const required: Record<string, string[]> = readGolden("coverage");
for (const name of CALL_FILES) {
  const ops = [...callsByOp(readGolden(name)).keys()];
  const known = new Set([...required[name] ?? [], ...ops.filter((op) => resolve(op) !== undefined)]);
  required[name] = [...known].sort();
  console.log(`${name}: ${known.size} of ${ops.length} operations`);
}
const target = new URL("./coverage.json", import.meta.url);
Deno.writeTextFileSync(target, JSON.stringify(required, null, 1) + "\n");
