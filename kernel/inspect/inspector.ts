/**
 * Answers what the real kernel does not: what a name means (Shift-Tab), and what can follow a call.
 *
 * @module
 */

import type { JsonObject } from "../messages.ts";
import { chainAt, enclosingCall, evaluable, type Step } from "./cursor.ts";
import { type DocEntry, type Docs, readDocs } from "./docs.ts";
import { writeType } from "./types.ts";
import type { ValueReport } from "./values.ts";

/** Calls a method inside the kernel, with code for its arguments: see `KernelService.call`. */
export type CallInside = (method: string, ...args: string[]) => Promise<JsonObject | undefined>;

/** What has been found about a place in the code. */
interface Finding {
  value?: ValueReport;
  entry?: DocEntry;
}

/** Looks up names in the kernel and in the toolkit's documentation. */
export class Inspector {
  readonly #call: CallInside;
  readonly #module: string;
  #docs: Promise<Docs | undefined> | undefined;

  /** Looks up the exports of the module at the address `module`. */
  constructor(call: CallInside, module: string) {
    this.#call = call;
    this.#module = module;
  }

  /** The content of the reply to an `inspect_request`. */
  async inspect(content: JsonObject): Promise<JsonObject> {
    const nothing = { status: "ok", found: false, data: {}, metadata: {} };
    const code = String(content.code ?? "");
    const cursor = clampCursor(code, content.cursor_pos);
    for (const at of [cursor, enclosingCall(code, cursor)]) {
      const chain = at === undefined ? undefined : chainAt(code, at);
      if (chain === undefined) continue;
      const finding = await this.#look(chain.steps);
      if (finding.value?.found !== true && finding.entry === undefined) continue;
      const name = chain.steps.map((step) => step.kind === "name" ? step.name : "").filter(Boolean).join(".");
      return {
        ...nothing,
        found: true,
        data: {
          "text/plain": writeFinding(name, finding, false),
          "text/markdown": writeFinding(name, finding, true),
        },
      };
    }
    return nothing;
  }

  /** The content of the reply to a `complete_request`, where the kernel's own `reply` has no match. */
  async complete(content: JsonObject, reply: JsonObject): Promise<JsonObject> {
    if ((reply.matches as unknown[] | undefined)?.length !== 0) return reply;
    const code = String(content.code ?? "");
    const cursor = clampCursor(code, content.cursor_pos);
    const chain = chainAt(code, cursor, true);
    if (chain === undefined || chain.steps.length < 2) return reply;
    const last = chain.steps.at(-1) as Step & { kind: "name" };
    const names = await this.#members(chain.steps.slice(0, -1));
    const matches = names.filter((name) => name.startsWith(last.name));
    if (matches.length === 0) return reply;
    const end = typeof content.cursor_pos === "number" ? content.cursor_pos : cursor;
    return { ...reply, status: "ok", matches, cursor_start: end - last.name.length, cursor_end: end };
  }

  async #members(steps: Step[]): Promise<string[]> {
    const { code, count } = evaluable(steps);
    const url = JSON.stringify(this.#module);
    if (count === steps.length) {
      return await this.#names(`() => (${code})`, url);
    }
    const type = await this.#typeOf(steps);
    return type === undefined ? [] : await this.#names(JSON.stringify(type), url);
  }

  async #names(...args: string[]): Promise<string[]> {
    return (await this.#call("members", ...args))?.names as string[] ?? [];
  }

  /** What a chain means: its value, where looking at it runs nothing, and what is written about it. */
  async #look(steps: Step[]): Promise<Finding> {
    const { code, count } = evaluable(steps);
    const last = steps.at(-1)!;
    if (count < steps.length) {
      const type = await this.#typeOf(steps.slice(0, -1));
      if (type === undefined || last.kind !== "name") return {};
      return { entry: (await this.#documentation())?.find(`${type}.${last.name}`) };
    }
    const value = await this.#describe(code);
    const docs = value?.path === undefined && steps.length < 2 && value?.classes.length === 0
      ? undefined
      : await this.#documentation();
    if (value?.found !== true) {
      // The import may not have run yet.
      const [first, ...rest] = steps.map((step) => step.kind === "name" ? step.name : "");
      return { entry: first === "dg" ? docs?.find(rest.join(".")) : undefined };
    }
    if (value.path !== undefined) return { value, entry: docs?.find(value.path) };
    if (steps.length > 1 && last.kind === "name") {
      const owner = await this.#describe(evaluable(steps.slice(0, -1)).code);
      for (const name of owner?.classes ?? []) {
        const entry = docs?.find(`${name}.${last.name}`);
        if (entry !== undefined) return { value, entry };
      }
    }
    return { value };
  }

  async #describe(code: string): Promise<ValueReport | undefined> {
    const answer = await this.#call("describe", `() => (${code})`, JSON.stringify(this.#module));
    return answer as ValueReport | undefined;
  }

  /** The class of what a chain with calls gives, as the documentation tells; nothing is run. */
  async #typeOf(steps: Step[]): Promise<string | undefined> {
    const docs = await this.#documentation();
    if (docs === undefined) return undefined;
    const { code, count } = evaluable(steps);
    if (count === 0) return undefined;
    const value = await this.#describe(code);
    if (value?.found !== true) return undefined;
    /** The class of the value so far, or the path of the function so far. */
    let type: string | undefined = value.classes[0];
    let path = value.path;
    for (const step of steps.slice(count)) {
      if (step.kind === "call") {
        if (path === undefined) return undefined;
        const result: string | undefined = docs.find(path)?.result;
        type = resultClass(docs, path, result, type);
        path = undefined;
      } else if (step.kind === "index") {
        if (type !== "Tensor") return undefined;
      } else {
        if (type === undefined) return undefined;
        path = `${type}.${step.name}`;
        type = resultClass(docs, path, docs.find(path)?.result, type);
      }
    }
    return type;
  }

  #documentation(): Promise<Docs | undefined> {
    return this.#docs ??= readDocs(this.#module).catch((error) => {
      console.error(`dinograd kernel: ${error.message}`);
      return undefined;
    });
  }
}

/** The path of a class that a function's result type names: beside the function, or among the first exports. */
function resultClass(
  docs: Docs,
  path: string,
  result: string | undefined,
  self?: string,
): string | undefined {
  if (result === "this") return self;
  if (result === undefined) return undefined;
  for (let at = path.lastIndexOf("."); at > 0; at = path.lastIndexOf(".", at - 1)) {
    const near = `${path.slice(0, at)}.${result}`;
    if (docs.find(near) !== undefined) return near;
  }
  return docs.find(result) === undefined ? undefined : result;
}

/** Jupyter counts characters, JavaScript UTF-16 units. */
function clampCursor(code: string, position: unknown): number {
  const wanted = typeof position === "number" ? position : code.length;
  let units = 0;
  let characters = 0;
  for (const character of code) {
    if (characters >= wanted) break;
    characters++;
    units += character.length;
  }
  return units;
}

function writeFinding(name: string, { value, entry }: Finding, markdown: boolean): string {
  const fence = (code: string) => markdown ? "```ts\n" + code + "\n```" : code;
  const title = (text: string) => markdown ? `**${text}**` : text;
  const parts: string[] = [];
  if (entry !== undefined) {
    parts.push(fence(entry.signatures.join("\n")));
    if (entry.doc !== "") parts.push(entry.doc);
    const named = (kind: string) => entry.tags.filter((tag) => tag.kind === kind);
    const items = (tags: string[]) => tags.map((text) => `- ${text}`).join("\n");
    const params = named("param").map((tag) => `${markdown ? `\`${tag.name}\`` : tag.name}: ${tag.doc}`);
    if (params.length > 0) parts.push(`${title("Parameters")}\n${markdown ? "\n" : ""}${items(params)}`);
    for (const tag of named("return")) parts.push(`${title("Returns")} ${tag.doc}`);
    for (const tag of named("throws")) {
      parts.push(
        `${title("Throws")} ${tag.tsType === undefined ? "" : `${writeType(tag.tsType)} `}${tag.doc}`,
      );
    }
    for (const tag of named("example")) parts.push(`${title("Example")}\n\n${tag.doc}`);
  }
  if (value?.found && (entry === undefined || !value.kind.match(/^(?:function|class)\b/))) {
    parts.push(`${title(name)}: ${value.kind}`);
    if (value.preview !== "") parts.push(fence(value.preview));
  }
  return parts.join("\n\n");
}
