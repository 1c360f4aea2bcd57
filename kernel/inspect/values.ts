/**
 * Inside the kernel: what a value is, in a few lines, and what the toolkit calls it.
 *
 * @module
 */

const LONGEST_PREVIEW = 3000;
const MOST_LINES = 40;
const MOST_MEMBERS = 2000;

/** What the bridge learns of a value. */
export interface ValueReport {
  /** Whether there is such a value. */
  found: boolean;
  /** What it is: `Tensor, float32 [2, 3], grad_fn=<AddBackward0>`. */
  kind: string;
  /** How it prints, or a function's code; empty where that says nothing. */
  preview: string;
  /** What the toolkit exports it as: `nn.Linear`, `Tensor.view`. */
  path?: string;
  /** What the toolkit exports its class as, and that class's parents. */
  classes: string[];
}

type Members = Record<string, unknown>;

/** Looks at values by the names of a module's exports. */
export class ValueInspector {
  readonly #names = new Map<string, Promise<Map<unknown, string>>>();

  /** Describes the value that `read` gives, in the terms of the toolkit at `url`. Never throws. */
  async describe(read: () => unknown, url: string): Promise<ValueReport> {
    try {
      const value = read();
      const names = await this.#namesOf(url);
      return {
        found: true,
        kind: kindOf(value),
        preview: preview(value),
        path: names.get(value),
        classes: classesOf(value).map((constructor) => names.get(constructor)).filter((name) =>
          name !== undefined
        ),
      };
    } catch {
      return { found: false, kind: "", preview: "", classes: [] };
    }
  }

  /** The names that can follow a dot behind the value that `read` gives, or behind an object of an exported class. */
  async members(read: (() => unknown) | string, url: string): Promise<string[]> {
    try {
      let value: unknown;
      if (typeof read === "string") {
        const names = await this.#namesOf(url);
        for (const [candidate, name] of names) if (name === read) value = (candidate as Members).prototype;
      } else value = read();
      const found = new Set<string>();
      for (let at = value; at !== null && at !== undefined; at = Object.getPrototypeOf(at)) {
        if (at === Object.prototype) break;
        for (const key of Object.getOwnPropertyNames(at)) {
          if (/^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(key) && key !== "constructor") found.add(key);
        }
        if (found.size > MOST_MEMBERS) break;
      }
      return [...found].sort();
    } catch {
      return [];
    }
  }

  #namesOf(url: string): Promise<Map<unknown, string>> {
    const known = this.#names.get(url) ?? readNames(url);
    this.#names.set(url, known);
    return known;
  }
}

/** What each exported function, class and method is called. */
async function readNames(url: string): Promise<Map<unknown, string>> {
  const names = new Map<unknown, string>();
  const seen = new Set<unknown>();
  const walk = (module: Members, prefix: string) => {
    if (seen.has(module)) return;
    seen.add(module);
    for (const [name, value] of Object.entries(module)) {
      if (typeof value === "function") {
        if (!names.has(value)) names.set(value, prefix + name);
        const prototype = value.prototype as object | undefined;
        for (const [key, member] of Object.entries(Object.getOwnPropertyDescriptors(prototype ?? {}))) {
          const { value: method } = member;
          if (key === "constructor" || typeof method !== "function" || names.has(method)) continue;
          names.set(method, `${prefix}${name}.${key}`);
        }
      } else if (isModule(value)) {
        if (!names.has(value)) names.set(value, prefix + name);
        walk(value, `${prefix}${name}.`);
      }
    }
  };
  walk(await import(url), "");
  return names;
}

function isModule(value: unknown): value is Members {
  return (value as Members | null)?.[Symbol.toStringTag as never] === "Module";
}

/** A function or class of its own, as against an object of a class that can be called. */
function isFunction(value: unknown): value is { name: string } {
  return typeof value === "function" &&
    /^(?:Async)?(?:Generator)?Function$/.test(value.constructor?.name ?? "Function");
}

function classesOf(value: unknown): unknown[] {
  const classes: unknown[] = [];
  if (value === null || !["object", "function"].includes(typeof value) || isFunction(value)) return classes;
  for (let at = Object.getPrototypeOf(value); at !== null; at = Object.getPrototypeOf(at)) {
    const constructor = Object.getOwnPropertyDescriptor(at, "constructor")?.value;
    if (constructor !== undefined) classes.push(constructor);
  }
  return classes;
}

interface TensorLike {
  dtype: string;
  shape: number[];
  device: unknown;
  requiresGrad: boolean;
  gradFn: { name(): string } | null;
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (isFunction(value)) {
    const code = Function.prototype.toString.call(value);
    return /^class\b/.test(code) ? `class ${value.name}` : `function ${value.name || "without a name"}`;
  }
  if (typeof value !== "object" && typeof value !== "function") return typeof value;
  if (isModule(value)) return `module with ${Object.keys(value).length} exports`;
  const name = (value as Members).constructor instanceof Function
    ? ((value as Members).constructor as { name: string }).name
    : "object";
  if (Array.isArray(value)) return `Array of ${value.length}`;
  if (ArrayBuffer.isView(value) && "length" in value) return `${name} of ${value.length}`;
  if (value instanceof Map || value instanceof Set) return `${name} of ${value.size}`;
  const tensor = value as Partial<TensorLike>;
  if (typeof tensor.dtype === "string" && Array.isArray(tensor.shape) && "requiresGrad" in value) {
    const grad = tensor.gradFn
      ? `, grad_fn=<${tensor.gradFn.name()}>`
      : tensor.requiresGrad
      ? ", requires_grad=True"
      : "";
    return `${name}, ${tensor.dtype} [${tensor.shape.join(", ")}] on ${tensor.device}${grad}`;
  }
  return name;
}

function preview(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (isModule(value)) return Object.keys(value).join(", ");
  const text = isFunction(value)
    ? Function.prototype.toString.call(value)
    : Deno.inspect(value, { depth: 2, iterableLimit: 20, strAbbreviateSize: 1000, colors: false });
  const lines = text.slice(0, LONGEST_PREVIEW).split("\n");
  const cut = text.length > LONGEST_PREVIEW || lines.length > MOST_LINES;
  return lines.slice(0, MOST_LINES).join("\n") + (cut ? "\n..." : "");
}
