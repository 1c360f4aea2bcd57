import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { checkConnectionInfo } from "../../kernel/connection.ts";
import { MessageError, Session, Signer } from "../../kernel/messages.ts";
import { findSyntaxError } from "../../kernel/syntax.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const DELIMITER = 1; // the index of the delimiter in the frames below, behind one identity

function frames(signer: Signer): Uint8Array[] {
  const message = new Session("me").message("execute_request", { code: "1 + ü" });
  message.identities = [bytes("who")];
  message.buffers = [Uint8Array.of(1, 2, 3)];
  return signer.encode(message);
}

Deno.test("a message survives encoding", () => {
  const signer = new Signer("key");
  const session = new Session("me");
  const request = session.message("execute_request", { code: 'a\n"b" ü 😀' });
  const reply = session.message("execute_reply", { status: "ok" }, {
    header: request.header,
    identities: [bytes("x")],
  });
  reply.buffers = [Uint8Array.of(0, 255)];
  const back = signer.decode(signer.encode(reply));
  assertEquals(back.header, reply.header);
  assertEquals(back.parentHeader, request.header);
  assertEquals(back.identities, [bytes("x")]);
  assertEquals(back.content, { status: "ok" });
  assertEquals(back.buffers, [Uint8Array.of(0, 255)]);
  assertEquals(signer.decode(signer.encode(request)).content.code, 'a\n"b" ü 😀');
  assertNotEquals(request.header.msg_id, reply.header.msg_id);
  assertEquals([request.header.session, request.header.version], [session.id, "5.3"]);
});

Deno.test("the signature is HMAC-SHA256 of the four JSON frames", () => {
  // printf '{}{}{}{}' | openssl dgst -sha256 -hmac secret
  const expected = "34982f0bfec60e7b933ffde06c1ecab0fba073717a95ab943d1dd06f82c2d5e4";
  const empty = bytes("{}");
  assertEquals(new Signer("secret").sign([empty, empty, empty, empty]), expected);
  assertEquals(new Signer("").sign([empty]), "");
});

Deno.test("a message that was changed, or signed with another key, is rejected", () => {
  const signer = new Signer("key");
  signer.decode(frames(signer));
  assertThrows(() => new Signer("other").decode(frames(signer)), MessageError, "wrong signature");
  for (let i = DELIMITER + 1; i <= DELIMITER + 5; i++) {
    const changed = frames(signer);
    changed[i] = Uint8Array.of(...changed[i].subarray(0, -1), 33);
    assertThrows(() => signer.decode(changed), MessageError, "wrong signature");
  }
  const unsigned = frames(signer);
  unsigned[DELIMITER + 1] = new Uint8Array(0);
  assertThrows(() => signer.decode(unsigned), MessageError, "wrong signature");
});

Deno.test("without a key nothing is checked", () => {
  const changed = frames(new Signer("key"));
  assertEquals(new Signer("").decode(changed).content.code, "1 + ü");
});

Deno.test("malformed messages are rejected with a reason", () => {
  const signer = new Signer("");
  const good = frames(signer);
  assertThrows(() => signer.decode([bytes("a")]), MessageError, "a message of 1 frames has no <IDS|MSG>");
  assertThrows(() => signer.decode(good.slice(0, DELIMITER + 5)), MessageError, "needs 4 JSON frames");
  const withFrame = (at: number, text: string) => good.map((frame, i) => i === at ? bytes(text) : frame);
  assertThrows(() => signer.decode(withFrame(DELIMITER + 2, "{")), MessageError, "header is not JSON");
  assertThrows(() => signer.decode(withFrame(DELIMITER + 2, "{}")), MessageError, "lacks msg_id");
  assertThrows(
    () => signer.decode(withFrame(DELIMITER + 5, "[1]")),
    MessageError,
    "content is not a JSON object",
  );
});

Deno.test("only loopback TCP with HMAC-SHA256 is served", () => {
  const info = {
    transport: "tcp",
    ip: "127.0.0.1",
    shell_port: 1,
    iopub_port: 2,
    stdin_port: 3,
    control_port: 4,
    hb_port: 65535,
    key: "k",
    signature_scheme: "hmac-sha256",
  };
  assertEquals(checkConnectionInfo(info), info);
  const refused = (change: object, message: string) =>
    assertThrows(() => checkConnectionInfo({ ...info, ...change }), Error, message);
  refused({ transport: "ipc" }, "the transport 'ipc' is not supported");
  refused({ ip: "0.0.0.0" }, "the loopback interface only");
  refused({ signature_scheme: "hmac-md5" }, "'hmac-md5' is not supported");
  refused({ key: undefined }, "key is not a string");
  refused({ hb_port: 65536 }, "hb_port is 65536");
  refused({ shell_port: undefined }, "shell_port is undefined");
  assertThrows(() => checkConnectionInfo(null), TypeError);
});

Deno.test("a syntax error is found with its place", () => {
  const error = findSyntaxError("const a = 1;\nlet x = (1 +\n");
  assert(error !== undefined);
  assertEquals(error.ename, "SyntaxError");
  assertEquals(error.traceback[0], `SyntaxError: ${error.evalue}`);
  assert(error.traceback.some((line) => line.includes("let x = (1 +")), error.traceback.join("\n"));
  assert(error.traceback.some((line) => /^ *\| +~/.test(line)), error.traceback.join("\n"));
  for (
    const code of ["", "1 + 1", "await 1; import * as a from 'b'", "enum A { B }", "let x: number = 2 as any"]
  ) {
    assertEquals(findSyntaxError(code), undefined, code);
  }
});
