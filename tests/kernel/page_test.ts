import { assert, assertEquals } from "@std/assert";
import type { Cell, Notebook, Output } from "../../kernel/notebook.ts";
import { notebookPage } from "../../kernel/page.ts";

function page(...cells: Partial<Cell>[]): Promise<string> {
  const notebook: Notebook = {
    cells: cells.map((cell) => ({ cell_type: "code", source: "", metadata: {}, ...cell })),
    metadata: {},
    nbformat: 4,
    nbformat_minor: 5,
  };
  return notebookPage(notebook);
}

const shown = (output: Partial<Output>) =>
  page({ source: "x", outputs: [{ output_type: "display_data", ...output } as Output] });

Deno.test("text, formulas and code of a notebook become a page", async () => {
  const html = await page(
    {
      cell_type: "markdown",
      source: [
        "# A <b>title</b> & more\n",
        "\n",
        "For $5 and $6: $a_i < b$ and\n",
        "\n$$\\frac{1}{2}$$\n\n`<i>`",
      ],
    },
    { source: "1 < 2 && f<number>()", execution_count: 3 },
    { source: " " },
    { cell_type: "raw", source: "<raw>" },
  );
  assert(html.includes("<title>A &lt;b&gt;title&lt;/b&gt; &amp; more</title>"), html);
  assert(html.includes("<h1>A <b>title</b> &amp; more</h1>"), html);
  assertEquals(html.match(/<math/g)?.length, 2);
  assert(html.includes("For $5 and $6: <span"), html);
  assert(html.includes("<code>&lt;i&gt;</code>"), html);
  assert(
    html.includes('<code class="language-typescript">1 &lt; 2 &amp;&amp; f&lt;number&gt;()</code>'),
    html,
  );
  assert(html.includes('<div class="number">3</div>'), html);
  assertEquals(html.match(/class="cell"/g)?.length, 1);
  assert(html.includes("<pre>&lt;raw&gt;</pre>"), html);
});

Deno.test("what is not meant as HTML is escaped, and the rest is kept", async () => {
  const evil = '<script>alert("1")</script>';
  const escaped = "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;";
  const texts: Partial<Output>[] = [
    { output_type: "stream", name: "stdout", text: [evil, "\n"] },
    { output_type: "stream", name: "stderr", text: `\x1b[31m${evil}\x1b[0m` },
    { output_type: "error", ename: "E", evalue: evil, traceback: [] },
    { output_type: "error", ename: "E", evalue: "", traceback: [`\x1b[31m${evil}`] },
    { data: { "text/plain": evil } },
    { data: { "image/png": "AAAA\n", "text/plain": evil } },
    { data: { "application/x": { evil } } },
  ];
  for (const output of texts) {
    const html = await shown(output);
    assert(!html.includes("<script>") && !html.includes("\x1b"), html);
    const inJson = escaped.replaceAll("&quot;", "\\&quot;");
    assert(html.includes(escaped) || html.includes(inJson), html);
  }
  assert((await shown({ data: { "text/html": [evil], "text/plain": "no" } })).includes(evil));
  const svg = await shown({ data: { "image/svg+xml": `<svg>ü${evil}</svg>`, "text/plain": 'a "b"' } });
  assert(!svg.includes("<script>"), svg);
  assert(svg.includes('alt="a &quot;b&quot;"'), svg);
  const bytes = atob(svg.match(/svg\+xml;base64,([^"]+)"/)![1]);
  assertEquals(
    new TextDecoder().decode(Uint8Array.from(bytes, (c) => c.charCodeAt(0))),
    `<svg>ü${evil}</svg>`,
  );
  assert((await shown({ data: { "image/png": "AA\nAA\n" } })).includes('src="data:image/png;base64,AAAA"'));
  assert((await shown({ data: { "text/markdown": "**b**" } })).includes("<strong>b</strong>"));
  assert((await shown({ data: { "text/latex": "$x$" } })).includes("<math"));
});

Deno.test("pictures kept in a text cell are shown", async () => {
  const html = await page({
    cell_type: "markdown",
    source: "![a](attachment:my%20picture.png) ![b](attachment:other.png)",
    attachments: { "my picture.png": { "image/png": "QUJD" } },
  });
  assert(html.includes('<img src="data:image/png;base64,QUJD" alt="a">'), html);
  assert(html.includes('src="attachment:other.png"'), html);
});
