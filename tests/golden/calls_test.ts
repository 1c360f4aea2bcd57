/**
 * Every call that PyTorch answered in the golden files, answered again. One test an operation, file and configuration.
 *
 * @module
 */
import { assert } from "@std/assert";
import { dtypeExists } from "./api.ts";
import { dtypesIn } from "./codec.ts";
import { deviationOf } from "./deviations.ts";
import { CALL_FILES } from "./files.ts";
import { matrixTest, showAll } from "./matrix.ts";
import { resolve } from "./names.ts";
import { callsByOp, problemsHere, readGolden } from "./runner.ts";

const required: Record<string, string[]> = readGolden("coverage");

for (const name of CALL_FILES) {
  const file = readGolden(name);
  for (const [op, cases] of callsByOp(file)) {
    const built = resolve(op) !== undefined;
    const mustExist = required[name]?.includes(op) ?? false;
    const compared = cases.filter((c) => !deviationOf(c, "all") && dtypesIn(c).every(dtypeExists));
    const plural = compared.length === 1 ? "case" : "cases";
    const state = built || mustExist ? "" : ", not built yet";
    matrixTest({
      name: `${name}/${op}: ${compared.length} ${plural}${state}`,
      ignore: !built && !mustExist || compared.length === 0,
      byCase: true,
      fn(): void {
        assert(built, `${op} was here once (coverage.json) and is not found any more`);
        const failures = compared.flatMap((c) => problemsHere(c, file).map((p) => `${c.id}: ${p}`));
        const shown = failures.slice(0, showAll ? 1000 : 8).map((f) =>
          f.length > 400 ? f.slice(0, 400) + "..." : f
        );
        assert(failures.length === 0, `${failures.length} problems\n  ${shown.join("\n  ")}`);
      },
    });
  }
}
