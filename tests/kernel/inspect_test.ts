import { assert, assertEquals } from "@std/assert";
import { chainAt, enclosingCall, evaluable } from "../../kernel/inspect/cursor.ts";
import { readDocs } from "../../kernel/inspect/docs.ts";
import { type LaunchedKernel, launchKernel } from "../../kernel/launch.ts";
import { runCell } from "./helpers.ts";
import { mayStartKernels } from "./permissions.ts";

const ignore = !mayStartKernels();
const mod = new URL("../../mod.ts", import.meta.url).href;

/** The code of the chain at the `|` in a text. */
function chain(text: string, partial = false): string | undefined {
  const cursor = text.indexOf("|");
  const code = text.replace("|", "");
  const found = chainAt(code, cursor, partial);
  return found && code.slice(found.start, found.end);
}

Deno.test("the expression at the cursor is found", () => {
  assertEquals(chain("1 + dg.nn.re|lu(x)"), "dg.nn.relu");
  assertEquals(chain("a = x.mul(2, f(3)).sum|()"), "x.mul(2, f(3)).sum");
  assertEquals(chain("rows[0].sha|pe"), "rows[0].shape");
  assertEquals(chain("foo(|)"), undefined);
  assertEquals(chain("x\n  .mul(2)\n  .su|m()"), "x\n  .mul(2)\n  .sum");
  assertEquals(chain("obj?.be|ta"), "obj?.beta");
  assertEquals(chain("[...x|s]"), "xs");
  assertEquals(chain("12.5|"), undefined);
  assertEquals(chain("x.|", true), "x.");
  assertEquals(chain("f(1)[2].|", true), "f(1)[2].");
  assertEquals(chain("(a + b).|", true), undefined);
  assertEquals(chain("a).b|"), undefined);
  assertEquals(enclosingCall("dg.sum(x, [1, (2)], ", 20), 6);
  assertEquals(enclosingCall("if (x) { y", 10), undefined);
  assertEquals(enclosingCall("f(1); g", 7), undefined);
  const steps = (text: string) => evaluable(chainAt(text, text.length)!.steps);
  assertEquals(steps('a.b[0]["k"].c'), { code: 'a?.b[0]["k"]?.c', count: 5 });
  assertEquals(steps("a.b(1).c"), { code: "a?.b", count: 2 });
  assertEquals(steps("a[i++].c"), { code: "a", count: 1 });
});

Deno.test({
  name: "the documentation knows functions, classes, namespaces and the methods of tensors",
  ignore,
  async fn() {
    const docs = await readDocs(mod);
    const first = (path: string) => docs.find(path)?.signatures[0];
    assertEquals(first("softmax"), "softmax(x: Tensor, dim: number, options?: SoftmaxOptions): Tensor");
    assertEquals(docs.find("Tensor.view")?.signatures, [
      "view(...sizes: (number | readonly number[])[]): Tensor",
      "view(dtype: DType): Tensor",
    ]);
    assertEquals(first("Tensor.numel"), "numel(): number");
    assertEquals(first("Tensor.dtype"), "dtype: DType");
    assertEquals([first("sin"), first("Tensor.sin"), first("Tensor.sin_")], [
      "sin(x: Operand): Tensor",
      "sin(): Tensor",
      "sin_(): Tensor",
    ]);
    assert(docs.find("Tensor.sin_")!.doc.includes("In place"));
    assert(first("nn.Linear")!.startsWith("new Linear(inFeatures: number, outFeatures: number"));
    // Members that a class inherits, and names that a namespace only hands on.
    assert(first("nn.Linear.parameters")!.startsWith("parameters("));
    assert(first("autograd.grad")!.startsWith("grad("));
    assert(first("nn.functional.mseLoss")!.startsWith("mseLoss("));
    assert(first("plot.line")!.startsWith("line("));
    assertEquals(docs.find("nothing"), undefined);
    assertEquals(docs.find("Tensor.nothing"), undefined);
    // Every function that is exported is documented.
    const missing: string[] = [];
    const walk = (module: Record<string, unknown>, prefix: string) => {
      for (const [name, value] of Object.entries(module)) {
        if (typeof value === "function" && !docs.find(prefix + name)?.doc) missing.push(prefix + name);
        else if ((value as { [Symbol.toStringTag]?: string } | null)?.[Symbol.toStringTag] === "Module") {
          walk(value as Record<string, unknown>, `${prefix}${name}.`);
        }
      }
    };
    walk(await import(mod), "");
    assertEquals(missing, []);
  },
});

async function inspected(
  kernel: LaunchedKernel,
  code: string,
  mime = "text/plain",
): Promise<string | undefined> {
  const reply = await kernel.client.request("inspect_request", {
    code,
    cursor_pos: [...code].length,
    detail_level: 0,
  });
  assertEquals(reply.status, "ok");
  assertEquals(reply.found, Object.keys(reply.data as object).length > 0);
  return (reply.data as Record<string, string>)[mime];
}

Deno.test({
  name: "inspection tells what a name means; completion goes on behind calls",
  ignore,
  async fn() {
    await using kernel = await launchKernel();
    // Before anything is imported, the toolkit's usual name is known all the same.
    assert((await inspected(kernel, "dg.zeros"))!.startsWith("zeros("));
    assertEquals(await inspected(kernel, "nothing"), undefined);
    await runCell(
      kernel,
      `import * as dg from ${
        JSON.stringify(mod)
      }; const x = dg.tensor([1, 2], { requiresGrad: true }); const y = x.mul(2).sum();
       const lin = new dg.nn.Linear(2, 3); let calls = 0; const counting = { get it() { calls++; return x; }, run() { calls++; return x; } };
       function user(a: number) { return a; }`,
    );
    assert((await inspected(kernel, "é = dg.softmax(x, "))!.startsWith("softmax(x: Tensor, dim: number"));
    const markdown = (await inspected(kernel, "dg.nn.Linear", "text/markdown"))!;
    assert(
      markdown.startsWith("```ts\nnew Linear(") && markdown.includes("**Example**\n\n```ts\n"),
      markdown,
    );
    assertEquals(
      await inspected(kernel, "x"),
      "x: Tensor, float32 [2] on cpu, requires_grad=True\n\ntensor([1., 2.], requires_grad=True)",
    );
    assert(
      (await inspected(kernel, "y"))!.startsWith("y: Tensor, float32 [] on cpu, grad_fn=<SumBackward0>"),
    );
    assert((await inspected(kernel, "x.view"))!.startsWith("view(...sizes"));
    assert((await inspected(kernel, "x.mul(2).view"))!.startsWith("view(...sizes"));
    assert((await inspected(kernel, "x.grad"))!.endsWith("x.grad: null"));
    assert((await inspected(kernel, "lin"))!.startsWith("lin: Linear\n"));
    assert((await inspected(kernel, "user"))!.startsWith("user: function user\n"));
    assertEquals(await inspected(kernel, "x.nothing"), "x.nothing: undefined");
    for (const odd of ["", "if", "x.", "'text", "}", "😀.a", "x[", "${x"]) await inspected(kernel, odd);

    const complete = async (code: string) => {
      const cursor_pos = [...code].length;
      const reply = await kernel.client.request("complete_request", { code, cursor_pos });
      assertEquals([reply.status, reply.cursor_end], ["ok", cursor_pos]);
      return reply.matches as string[];
    };
    const includes = async (code: string, ...names: string[]) => {
      const matches = await complete(code);
      for (const name of names) assert(matches.includes(name), `${code}: ${matches.slice(0, 20)}`);
    };
    await includes("dg.zer", "zeros", "zerosLike");
    await includes("dg.nn.functional.re", "relu");
    await includes("x.vi", "view", "viewAs");
    await includes("lin.wei", "weight");
    await includes("é = x.mul(2).su", "sum");
    await includes("x[0].", "view", "shape");
    await includes("dg.tensor([1]).requ", "requiresGrad", "requiresGrad_");
    await includes("x.mul(2).sum(0).vi", "view");
    await includes("lin.forward(x).ba", "backward");
    await includes("counting?.ru", "run");
    assertEquals(await complete("counting.run()."), []);
    // Looking runs no function of the user's.
    const { cell } = await runCell(kernel, "calls");
    assertEquals(cell.outputs![0].data!["text/plain"], "0");
  },
});
