import { assertEquals, assertMatch } from "@std/assert";
import { launchKernel } from "../../kernel/launch.ts";
import type { JsonObject } from "../../kernel/messages.ts";
import { mayStartKernels } from "./permissions.ts";

const IMPORT = `import * as dg from "${new URL("../../mod.ts", import.meta.url).href}";`;

Deno.test({ name: "operators on tensors in cells", ignore: !mayStartKernels() }, async () => {
  await using kernel = await launchKernel();
  const run = async (code: string): Promise<string> => {
    let shown = "";
    const onMessage = ({ content }: { content: JsonObject }) => {
      const data = content.data as JsonObject | undefined;
      shown += data?.["text/plain"] ?? (content.traceback as string[] | undefined)?.join("\n") ?? "";
    };
    await kernel.client.execute(code, { onMessage }).done;
    return shown;
  };
  await run(`${IMPORT}\nconst x = dg.tensor([1, 2, 3], { requiresGrad: true });\nlet n = 5;`);
  assertEquals(await run("3*x**2 + x"), "tensor([ 4., 14., 30.], grad_fn=<AddBackward0>)");
  assertEquals(await run("-x**2"), "tensor([-1., -4., -9.], grad_fn=<NegBackward0>)");
  assertEquals(await run("{ a: 1 + 1, b: x.detach() * 2 }"), "{ a: 2, b: tensor([2., 4., 6.]) }");
  assertEquals(await run("x.data -= 1; x"), "tensor([0., 1., 2.], requires_grad=True)");
  assertEquals(await run("n += 1; n++"), "6");
  assertEquals(await run("enum Kind { A = 1 << 2 }\nconst k: number = Kind.A * n;\nk"), "28");
  // What goes wrong is told in terms of the cell as it was written.
  assertMatch(
    await run("// @operators off\nx * 2"),
    /^TypeError: a tensor that requires a gradient .*> 2 \| x \* 2/s,
  );
  assertMatch(await run("const y = 2 *\n  x *"), /^SyntaxError: Expression expected\n.*2 \| {3}x \*/s);
  assertMatch(await run("typeof x ** 2"), /^SyntaxError: .*1 \| typeof x \*\* 2/s);
  assertMatch(
    await run("const f = (t) =>\n  t + dg.ones(7);\nf(x)"),
    /^TypeError: The size of tensor a \(3\) must match .*> 2 \| {3}t \+ dg\.ones\(7\);\n +\| {5}\^.*> 3 \| f\(x\)/s,
  );
});
