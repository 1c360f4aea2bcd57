import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { line, report } from "../../src/plot/plot.ts";
import { count, withFolder } from "./helpers.ts";

const HOSTILE = `</script><script>alert(1)</script>`;

Deno.test("a report: headings, paragraphs, code, figures with pictures, tables, plotly.js once", async () => {
  const page = await report({
    title: "A report",
    lead: "In **short**.",
    sections: [
      {
        heading: "First",
        text: "One `code` & more.\n\nTwo.",
        code: "a < b\n",
        figure: line([1, 2]),
        caption: "Up.",
      },
      { heading: "Second", figure: line([2, 1]) },
      { table: { columns: ["name", "n"], rows: [["a", 1], ["<b>", 2]] } },
      { svg: `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"></svg>`, html: "<em>own</em>" },
    ],
  }).toHTML();
  assertMatch(page, /^<!doctype html>\n<html lang="en">/);
  assertStringIncludes(page, "<h1>A report</h1>");
  assertStringIncludes(page, "In <strong>short</strong>.");
  assertStringIncludes(page, "<p>One <code>code</code> &amp; more.</p>\n<p>Two.</p>");
  assertStringIncludes(page, "<pre><code>a &lt; b</code></pre>");
  assertStringIncludes(page, `<tr><td>&lt;b&gt;</td><td class="number">2</td></tr>`);
  assertStringIncludes(page, "<figcaption><p>Up.</p></figcaption>");
  assertStringIncludes(page, "<em>own</em>");
  assertEquals(count(page, /<img [^>]*src="data:image\/png;base64,/g), 2);
  assertEquals(count(page, /DecompressionStream/g), 1);
  assert(!page.includes("<?xml"));
});

Deno.test("a report without figures carries no script, and escapes what users write", async () => {
  const page = await report({
    title: HOSTILE,
    lead: HOSTILE,
    sections: [{
      heading: HOSTILE,
      text: HOSTILE,
      code: HOSTILE,
      caption: HOSTILE,
      table: { columns: [HOSTILE], rows: [] },
    }],
  }).toHTML();
  assertEquals(count(page, /<script/g), 0);
  assertEquals(count(page, /&lt;script&gt;alert/g), 7 + 1);
});

Deno.test("a report is saved whole, as .html only, and names what is wrong", async () => {
  await withFolder(async (folder) => {
    const made = report({ title: "Saved", sections: [] });
    await made.save(`${folder}/page.html`);
    assertStringIncludes(await Deno.readTextFile(`${folder}/page.html`), "<h1>Saved</h1>");
    await assertRejects(() => made.save(`${folder}/page.pdf`), TypeError, "saved as .html");
    const broken = report({ title: "x", sections: [{ table: { columns: ["a"], rows: [[1, 2]] } }] });
    await assertRejects(
      () => broken.save(`${folder}/page.html`),
      TypeError,
      "1 columns, but row 0 has 2 cells",
    );
    assertStringIncludes(await Deno.readTextFile(`${folder}/page.html`), "<h1>Saved</h1>");
    assertEquals([...Deno.readDirSync(folder)].length, 1);
  });
  await assertRejects(
    () => report({ title: "x", sections: [{ svg: "no" }] }).toHTML(),
    TypeError,
    "SVG document",
  );
  // deno-lint-ignore no-explicit-any
  assertThrows(() => report({ sections: [] } as any), TypeError, "title must be a string, got undefined");
  // deno-lint-ignore no-explicit-any
  assertThrows(() => report({ title: "x" } as any), TypeError, "sections must be an array");
});
