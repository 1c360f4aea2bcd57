import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { display, html, markdown } from "../../src/display/display.ts";
import { escapeHTML, escapeScriptJSON } from "../../src/display/escape.ts";
import { DISPLAY, isDisplayable, MimeObject, plainBundle } from "../../src/display/mime.ts";
import { isNotebook } from "../../src/display/notebook.ts";
import { captureConsole, withNotebook } from "./helpers.ts";

const HOSTILE = `</script><script>alert("1")</script> & 'x'`;

Deno.test("escapeHTML leaves no character that could open a tag, end an attribute or start an entity", () => {
  assertEquals(
    escapeHTML(HOSTILE),
    "&lt;/script&gt;&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;",
  );
});

Deno.test("escapeScriptJSON keeps the value and drops every <", () => {
  const value = { text: HOSTILE, lines: "a\u2028b\u2029c" };
  const json = escapeScriptJSON(JSON.stringify(value));
  assert(!/[<\u2028\u2029]/.test(json));
  assertEquals(JSON.parse(json), value);
});

Deno.test("html: a string is taken as it is, a template escapes its values, html within html is kept", () => {
  const inner = html`<i>${"a<b"}</i>`;
  const outer = html`<p title="${HOSTILE}">${inner} and ${3}</p>`;
  const source = outer[DISPLAY]()["text/html"] as string;
  assertStringIncludes(source, "<i>a&lt;b</i> and 3");
  assert(!source.includes("<script>"));
  assertEquals(html("<b>bold</b>")[DISPLAY]()["text/html"], "<b>bold</b>");
});

Deno.test("html: the text form has no tags, no script and no style", () => {
  const made = html("<style>p{}</style><p>one</p><script>two()</script><p>1 &lt; 2 &amp; 3</p>");
  assertEquals(String(made), "one\n1 < 2 & 3");
});

Deno.test("markdown gives both formats", () => {
  assertEquals(markdown("# a")[DISPLAY](), { "text/plain": "# a", "text/markdown": "# a" });
});

Deno.test("a MIME object needs a plain text", () => {
  assertThrows(() => new MimeObject({ "text/html": "<b>" }), TypeError, "text/plain, got text/html");
});

Deno.test("plainBundle: typed arrays, bigints and NaN become what JSON has", () => {
  const bundle = {
    "application/json": { a: new Float32Array([1, NaN, 3]), b: 7n, c: new BigInt64Array([5n]) },
  };
  assertEquals(plainBundle(bundle), { "application/json": { a: [1, null, 3], b: 7, c: [5] } });
});

Deno.test("isDisplayable asks for the method, on objects", () => {
  assert(isDisplayable({ [DISPLAY]: () => ({}) }));
  assert(!isDisplayable({ [DISPLAY]: 1 }));
  assert(!isDisplayable(null));
  assert(!isDisplayable("text"));
});

Deno.test("outside a notebook display prints the text form", async () => {
  assert(!isNotebook());
  const lines = await captureConsole("log", async () => {
    await display(html("<b>bold</b>"));
    await display({ a: 1 });
    await display("plain");
    await display({ [DISPLAY]: () => Promise.resolve({ "text/plain": "late" }) });
  });
  assertEquals(lines, ["bold", "{ a: 1 }", "plain", "late"]);
});

Deno.test("in a notebook display sends the bundle before it returns", async () => {
  const sent = await withNotebook(() => {
    assert(isNotebook());
    void display(html("<b>bold</b>"));
  });
  assertEquals(sent, [{
    type: "display_data",
    content: { data: { "text/plain": "bold", "text/html": "<b>bold</b>" }, metadata: {}, transient: {} },
  }]);
});
