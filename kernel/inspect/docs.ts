/**
 * What the toolkit's own documentation says about a name: `deno doc --json`, read once and kept in memory.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { type DocCallable, type DocParam, type DocType, writeParams, writeType } from "./types.ts";

/** A `@param`, `@returns`, `@throws` or `@example` of a comment. */
export interface DocTag {
  /** Which. */
  kind: string;
  /** The name of a parameter. */
  name?: string;
  /** Its text. */
  doc?: string;
  /** The error's type, of a `throws`. */
  tsType?: DocType;
}

/** What is documented under one name. */
export interface DocEntry {
  /** `nn.Linear`, `Tensor.view`, ... */
  path: string;
  /** How it is called or declared, a line for each overload. */
  signatures: string[];
  /** The text of its comment. */
  doc: string;
  /** The tags of its comment. */
  tags: DocTag[];
  /** The name of the result's type, or of the value's. */
  result?: string;
}

interface JsDoc {
  doc?: string;
  tags?: DocTag[];
}

interface Member extends DocCallable {
  name: string;
  kind?: string;
  optional?: boolean;
  jsDoc?: JsDoc;
  tsType?: DocType;
  functionDef?: DocCallable & { hasBody?: boolean };
}

interface Location {
  filename: string;
  byteIndex: number;
}

interface Declaration {
  kind: string;
  location: Location;
  jsDoc?: JsDoc;
  def: DocCallable & {
    elements?: DocSymbol[];
    hasBody?: boolean;
    /** Of a reference: where the thing is declared. */
    target?: Location;
    tsType?: DocType;
    methods?: Member[];
    properties?: Member[];
    callSignatures?: (DocCallable & { tsType?: DocType })[];
    constructors?: { params?: DocParam[]; jsDoc?: JsDoc }[];
    extends?: unknown;
  };
}

interface DocSymbol {
  name: string;
  declarations: Declaration[];
}

/** Thrown when `deno doc` fails. */
class DocError extends Error {
  /** Always `"DocError"`. */
  override name = "DocError";
}

/** The documentation of a module's exports, and of theirs. */
export class Docs {
  readonly #entries = new Map<string, DocEntry>();
  /** Interfaces that are called, such as the type of `sin`, by name. */
  readonly #callable = new Map<string, (DocCallable & { tsType?: DocType })[]>();
  /** What is declared at each place of the sources, for references. */
  readonly #declared = new Map<string, Declaration[]>();
  /** Parents of classes, by path. */
  readonly #parents = new Map<string, string>();

  /** Takes the symbols of each module: those of namespaces under the namespace's name. */
  constructor(modules: readonly { prefix: string; symbols: DocSymbol[] }[]) {
    for (const { symbols } of modules) this.#collect(symbols);
    for (const { prefix, symbols } of modules) this.#addAll(prefix, symbols);
  }

  /** The names that are documented. */
  get paths(): IterableIterator<string> {
    return this.#entries.keys();
  }

  /** The entry of a path such as `zeros`, `nn.Linear` or `Tensor.view`. */
  find(path: string): DocEntry | undefined {
    const found = this.#entries.get(path);
    if (found !== undefined) return found;
    const at = path.lastIndexOf(".");
    const [owner, name] = [path.slice(0, at), path.slice(at + 1)];
    const parent = this.#parents.get(owner);
    if (parent !== undefined) return this.find(`${parent}.${name}`);
    if (owner !== "Tensor") return undefined;
    // Pointwise operations are functions, methods, and methods in place; the comment is the function's.
    const inPlace = name.endsWith("_");
    const same = this.#entries.get(inPlace ? name.slice(0, -1) : name);
    if (same === undefined || same.result !== "Tensor") return undefined;
    return {
      ...same,
      path,
      signatures: same.signatures.map((text) => text.replace(/^[\w.]+\([\w$]+: \w+(?:, )?/, `${name}(`)),
      doc: `${same.doc}${inPlace ? "\n\nIn place: the result is written into the tensor itself." : ""}`,
    };
  }

  #collect(symbols: readonly DocSymbol[]): void {
    for (const { name, declarations } of symbols) {
      for (const { kind, def, location } of declarations) {
        if (kind !== "reference") this.#declared.set(placeOf(location), declarations);
        if (def?.callSignatures?.length) this.#callable.set(name, def.callSignatures);
        if (def?.elements) this.#collect(def.elements);
      }
    }
  }

  #addAll(prefix: string, symbols: readonly DocSymbol[]): void {
    for (const { name, declarations: given } of symbols) {
      const declarations = given.flatMap((declaration) =>
        declaration.kind === "reference"
          ? this.#declared.get(placeOf(declaration.def.target!)) ?? []
          : [declaration]
      );
      // What stands behind overloads is not for callers.
      const overloaded = declarations.some(({ kind, def }) => kind === "function" && !def.hasBody);
      for (const declaration of declarations) {
        if (overloaded && declaration.kind === "function" && declaration.def.hasBody) continue;
        this.#add(`${prefix}${name}`, name, declaration);
      }
    }
  }

  #add(path: string, name: string, { kind, def, jsDoc }: Declaration): void {
    switch (kind) {
      case "function":
        this.#put(
          path,
          `${name}(${writeParams(def.params)}): ${writeType(def.returnType)}`,
          jsDoc,
          def.returnType,
        );
        break;
      case "variable": {
        const calls = this.#callable.get(def.tsType?.value?.typeName) ?? [];
        for (const call of calls) {
          const result = call.returnType ?? call.tsType;
          this.#put(path, `${name}(${writeParams(call.params)}): ${writeType(result)}`, jsDoc, result);
        }
        if (calls.length === 0) this.#put(path, `${name}: ${writeType(def.tsType)}`, jsDoc, def.tsType);
        break;
      }
      case "class": {
        if (typeof def.extends === "string") {
          this.#parents.set(path, path.slice(0, path.length - name.length) + def.extends);
        }
        const constructors = def.constructors ?? [];
        for (const { params } of constructors) this.#put(path, `new ${name}(${writeParams(params)})`, jsDoc);
        if (constructors.length === 0) this.#put(path, `class ${name}`, jsDoc);
        this.#addMembers(path, def);
        break;
      }
      case "namespace":
        this.#put(path, `namespace ${name}`, jsDoc);
        this.#addAll(`${path}.`, def.elements ?? []);
        break;
      case "interface":
        // The methods of tensors are declared family by family.
        if (/Methods$/.test(name) && path === name) this.#addMembers("Tensor", def);
        else this.#put(path, `interface ${name}`, jsDoc);
        break;
      case "typeAlias":
        this.#put(path, `type ${name} = ${writeType(def.tsType)}`, jsDoc);
        break;
    }
  }

  #addMembers(owner: string, def: Declaration["def"]): void {
    const overloaded = new Set(
      (def.methods ?? []).filter((member) => member.functionDef && !member.functionDef.hasBody).map((
        { name },
      ) => name),
    );
    for (const member of def.methods ?? []) {
      const { params, returnType, hasBody } = member.functionDef ?? { ...member, hasBody: false };
      if (hasBody && overloaded.has(member.name)) continue;
      const getter = member.kind === "getter";
      const text = getter
        ? `${member.name}: ${writeType(returnType)}`
        : `${member.name}(${writeParams(params)}): ${writeType(returnType)}`;
      if (member.kind !== "setter") this.#put(`${owner}.${member.name}`, text, member.jsDoc, returnType);
    }
    for (const { name, optional, tsType, jsDoc } of def.properties ?? []) {
      this.#put(`${owner}.${name}`, `${name}${optional ? "?" : ""}: ${writeType(tsType)}`, jsDoc, tsType);
    }
  }

  #put(path: string, signature: string, jsDoc?: JsDoc, result?: DocType): void {
    const known = this.#entries.get(path);
    if (known === undefined) {
      this.#entries.set(path, {
        path,
        signatures: [signature],
        doc: plain(jsDoc?.doc ?? ""),
        tags: (jsDoc?.tags ?? []).map((tag) => ({ ...tag, doc: plain(tag.doc ?? "") })),
        result: result?.kind === "typeRef" ? result.value.typeName : undefined,
      });
      return;
    }
    // A namespace and a type may share a name; the comment of the first is kept, an empty one is completed.
    if (!known.signatures.includes(signature)) known.signatures.push(signature);
    if (known.doc === "") known.doc = plain(jsDoc?.doc ?? "");
    known.result ??= result?.kind === "typeRef" ? result.value.typeName : undefined;
  }
}

function placeOf({ filename, byteIndex }: Location): string {
  return `${filename}:${byteIndex}`;
}

/** Links as code. */
function plain(text: string): string {
  return text.replace(
    /\{@link(?:code|plain)?\s+([^}|\s]+)(?:[|\s]\s*([^}]*))?\}/g,
    (_all, target, label) => `\`${label || target}\``,
  )
    .trim();
}

/** Reads the documentation of the module at `url`. Throws {@linkcode DocError} where Deno cannot. */
export async function readDocs(url: string): Promise<Docs> {
  const modules = await namespaceModules(url, "");
  modules.unshift({ prefix: "", url });
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", ...new Set(modules.map((module) => module.url))],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new DocError(`deno doc failed: ${decoder.decode(stderr).trim()}`);
  const { nodes } = JSON.parse(decoder.decode(stdout)) as { nodes: Record<string, { symbols: DocSymbol[] }> };
  return new Docs(
    modules.map((module) => ({ prefix: module.prefix, symbols: nodes[module.url]?.symbols ?? [] })),
  );
}

/** The tool passes over what a namespace only hands on, so each namespace's module is read by itself too. */
async function namespaceModules(url: string, prefix: string): Promise<{ prefix: string; url: string }[]> {
  if (!url.startsWith("file:")) return [];
  const code = await Deno.readTextFile(fileURLToPath(url));
  const found: { prefix: string; url: string }[] = [];
  for (const [, name, path] of code.matchAll(/^export \* as (\w+) from "(\.[^"]+)";/gm)) {
    const inner = { prefix: `${prefix}${name}.`, url: new URL(path, url).href };
    found.push(inner, ...await namespaceModules(inner.url, inner.prefix));
  }
  return found;
}
