/**
 * Folds: how the elements of a group become one number or several, written in the scalar language. From one text come the
 * loops of every target.
 *
 * A fold walks over the elements once or several times. A walk has variables, each with a value before the first element
 * (`state`), a new value for each element (`step`) and a way to join two parts of the work (`merge`). Expressions are over `v`
 * (the element), `i` (its place in the group, from 0), `n` (how many there are) and the variables; in `merge` a name with `_`
 * behind it is the other part's variable.
 * @module
 */
import { type Expr, format, input, postorder } from "./expr.ts";
import { parse } from "./parse.ts";

/** One walk over the elements of a group. */
export interface Walk {
  /** Values that stay the same during the walk, over the variables of earlier walks. */
  readonly given?: Readonly<Record<string, string>>;
  /** Variables and their values before the first element. Joined with them, a part stays as it is. */
  readonly state: Readonly<Record<string, string>>;
  /** Their values after an element. */
  readonly step: Readonly<Record<string, string>>;
  /** Their values for two parts together, of which the other (`acc_`) has none of the elements of the first. */
  readonly merge: Readonly<Record<string, string>>;
  /** Variables that count elements or are places: integers, whatever the elements are. */
  readonly whole?: readonly string[];
}

/** A variable of a walk. */
export interface Variable {
  /** As the text calls it. */
  readonly name: string;
  /** Whether it is an integer, whatever the elements are. */
  readonly whole: boolean;
  /** Before the first element. */
  readonly first: Expr;
  /** After an element. */
  readonly next: Expr;
  /** For two parts together. */
  readonly merged: Expr;
}

/** A walk, parsed. */
export interface Pass {
  /** Values that stay the same, in order. */
  readonly given: readonly { readonly name: string; readonly value: Expr }[];
  /** What changes. */
  readonly variables: readonly Variable[];
}

/** How a variable of the other part is called. */
export function otherName(name: string): string {
  return `${name}_`;
}

/** The walks that a fold is made of. */
abstract class Walks {
  /** For messages. */
  readonly name: string;
  /** The walks. */
  readonly passes: readonly Pass[];
  /** Whether places mean something, so that elements must come in their order. */
  readonly ordered: boolean;
  /** Names that are integers whatever the elements are. */
  readonly whole: ReadonlySet<string>;
  /** The same text for folds that compute the same: for caches. */
  readonly key: string;

  /** Parses; `results` is over what is known in the end. */
  protected constructor(
    name: string,
    walks: readonly Walk[],
    results: readonly Expr[],
    kind: string,
    values: readonly string[],
  ) {
    this.name = name;
    const known = ["n"], whole = new Set<string>();
    this.passes = walks.map((walk) => {
      const given = Object.entries(walk.given ?? {}).map(([name, text]) => {
        const value = parse(text, known);
        known.push(name);
        return { name, value };
      });
      const names = Object.keys(walk.state);
      for (const name of walk.whole ?? []) whole.add(name);
      const inside = [...known, ...names], others = names.map(otherName);
      const variables = names.map((name) => ({
        name,
        whole: whole.has(name),
        first: parse(walk.state[name], known),
        next: parse(walk.step[name], [...inside, ...values, "i"]),
        merged: parse(walk.merge[name], [...inside, ...others]),
      }));
      known.push(...names);
      return { given, variables };
    });
    this.whole = whole;
    const all = [...this.passes.flatMap((p) => p.variables.map((s) => s.next)), ...results];
    this.ordered = postorder(all).includes(input("i"));
    const texts = this.passes.map((p) =>
      [
        ...p.given.map((g) => `${g.name} = ${format(g.value)}`),
        ...p.variables.map((s) =>
          `${s.name}${s.whole ? "#" : ""}: ${format(s.first)} -> ${format(s.next)} & ${format(s.merged)}`
        ),
      ].join("; ")
    );
    this.key = `${kind} ${texts.join(" | ")} | ${results.map(format).join("; ")}`;
  }
}

/** The names that are known when all walks are done. */
function knownAfter(walks: readonly Walk[]): string[] {
  return ["n", ...walks.flatMap((w) => [...Object.keys(w.given ?? {}), ...Object.keys(w.state)])];
}

/** How the elements of a group become one result or several. Make one and keep it: kernels are cached by it. */
export class Fold extends Walks {
  /** The results, over the variables and `n`. */
  readonly results: readonly Expr[];

  /**
   * Parses the texts. `values` are the names of an element's numbers: "v", and "u" where a program computes two of each (which
   * the GPU folds).
   */
  constructor(
    name: string,
    walks: readonly Walk[],
    results: readonly string[],
    values: readonly ("v" | "u")[] = ["v"],
  ) {
    const known = knownAfter(walks), parsed = results.map((text) => parse(text, known));
    super(name, walks, parsed, "fold", values);
    this.results = parsed;
  }
}

/** What becomes of every element of a line, from folds of the line. Make one and keep it: kernels are cached by it. */
export class LineOp extends Walks {
  /** The results, over the element, its place, the variables and `n`. */
  readonly each: readonly Expr[];
  /** Whether results are those of the elements so far (and parts of the line are merged in its order), not of the whole line. */
  readonly running: boolean;

  /** Parses the texts. */
  constructor(name: string, walks: readonly Walk[], each: readonly string[], running: boolean) {
    const known = knownAfter(walks), parsed = each.map((text) => parse(text, [...known, "v", "i"]));
    super(name, walks, parsed, running ? "scan" : "line", ["v"]);
    if (running && walks.length !== 1) {
      throw new TypeError(`${name} needs one walk to give results on the way`);
    }
    this.each = parsed;
    this.running = running;
  }
}

/** A walk that adds up a term for each element. */
export function adding(term: string, variable = "acc"): Walk {
  return {
    state: { [variable]: "0" },
    step: { [variable]: `${variable} + ${term}` },
    merge: { [variable]: `${variable} + ${otherName(variable)}` },
  };
}

/** A walk that keeps the largest or smallest of a term; NaN if there is one. */
export function extreme(side: "max" | "min", variable = "best", term = "v", first?: string): Walk {
  const sign = side === "max" ? ">" : "<", other = otherName(variable);
  const better = (t: string) => `where(${t} ${sign} ${variable} || isnan(${t}), ${t}, ${variable})`;
  return {
    state: { [variable]: first ?? (side === "max" ? "-inf" : "inf") },
    step: { [variable]: better(term) },
    merge: { [variable]: better(other) },
  };
}
