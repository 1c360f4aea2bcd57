/**
 * The expression at the cursor: `dg.nn.relu`, `x.mul(2).sum`, `rows[0].shape`.
 *
 * @module
 */

/** One step of a {@linkcode Chain}. */
export type Step = { kind: "name"; name: string } | { kind: "index"; text: string } | { kind: "call" };

/** Names, indices and calls, one after the other. */
export interface Chain {
  /** The steps; the first is a name. */
  steps: Step[];
  /** Where the chain begins and ends in the code. */
  start: number;
  /** Behind its last character. */
  end: number;
}

const OPENING: Record<string, string> = { ")": "(", "]": "[", "}": "{" };

/** The chain that ends with the name at the cursor, or undefined. With `partial` the last name may be empty. */
export function chainAt(code: string, cursor: number, partial: boolean = false): Chain | undefined {
  let end = cursor;
  if (!partial) { while (end < code.length && /[\w$]/.test(code[end])) end++; }
  const steps: Step[] = [];
  let at = end;
  for (;;) {
    // The name, which calls and indices may follow.
    let nameStart = at;
    while (nameStart > 0 && /[\w$]/.test(code[nameStart - 1])) nameStart--;
    const name = code.slice(nameStart, at);
    const last = steps.length === 0;
    if (name === "" ? !(partial && last) : /^\d/.test(name)) return undefined;
    steps.unshift({ kind: "name", name });
    at = nameStart;
    const link = /(\?\.|\.)\s*$/.exec(code.slice(Math.max(0, at - 200), at));
    if (link === null || code.slice(0, at).endsWith("..")) break;
    at -= link[0].length;
    const gap = /\s*$/.exec(code.slice(0, at))!;
    at -= gap[0].length;
    for (let close = code[at - 1]; close === ")" || close === "]"; close = code[at - 1]) {
      const open = opening(code, at - 1);
      if (open === undefined) return undefined;
      steps.unshift(
        close === ")" ? { kind: "call" } : { kind: "index", text: code.slice(open + 1, at - 1).trim() },
      );
      at = open;
    }
  }
  return steps[0].kind === "name" && steps[0].name !== "" ? { steps, start: at, end } : undefined;
}

/** The bracket that the one at `close` closes, counted backwards. Brackets in strings may mislead; they are rare. */
function opening(code: string, close: number): number | undefined {
  const stack: string[] = [];
  for (let i = close; i >= 0; i--) {
    const letter = code[i];
    if (letter in OPENING) stack.push(OPENING[letter]);
    else if (letter === stack.at(-1)) {
      stack.pop();
      if (stack.length === 0) return i;
    } else if ("([{".includes(letter)) return undefined;
  }
  return undefined;
}

/** The name of the function whose arguments the cursor is in, as the cursor just behind that name. */
export function enclosingCall(code: string, cursor: number): number | undefined {
  const stack: string[] = [];
  for (let i = cursor - 1; i >= 0; i--) {
    const letter = code[i];
    if (letter in OPENING) stack.push(OPENING[letter]);
    else if (letter === stack.at(-1)) stack.pop();
    else if (letter === "(") {
      return /[\w$]\s*$/.test(code.slice(0, i)) ? code.slice(0, i).trimEnd().length : undefined;
    } else if (letter === ";" && stack.length === 0) return undefined;
  }
  return undefined;
}

/** The steps before the first call, as code that can be run to look at its value; and how many steps that are. */
export function evaluable(steps: readonly Step[]): { code: string; count: number } {
  let code = "";
  let count = 0;
  for (const step of steps) {
    if (step.kind === "call") break;
    if (step.kind === "index" && !/^(?:-?\d+|"[^"\\\n]*"|'[^'\\\n]*')$/.test(step.text)) break;
    code += step.kind === "index" ? `[${step.text}]` : count === 0 ? step.name : `?.${step.name}`;
    count++;
  }
  return { code, count };
}
