import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { encodeFrame, WireError } from "../../kernel/wire.ts";
import {
  checkGreeting,
  decodeCommand,
  encodeCommand,
  encodeGreeting,
  Publisher,
  type SocketType,
  ZmtpConnection,
} from "../../kernel/zmtp.ts";
import { mayUseNetwork } from "./permissions.ts";

const ignore = !mayUseNetwork();
const text = (message: Uint8Array[] | null) => message?.map((part) => new TextDecoder().decode(part));
const bytes = (...parts: string[]) => parts.map((part) => new TextEncoder().encode(part));

/** Two ends of one connection. */
async function pair(
  server: SocketType,
  client: SocketType,
  maxMessageBytes?: number,
): Promise<{ near: ZmtpConnection; far: ZmtpConnection } & Disposable> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const [far, near] = await Promise.all([
    listener.accept().then((conn) => ZmtpConnection.accept(conn, { type: server, maxMessageBytes })),
    ZmtpConnection.connect({ hostname: "127.0.0.1", port }, { type: client, identity: bytes("me")[0] }),
  ]);
  return {
    near,
    far,
    [Symbol.dispose]() {
      near.close();
      far.close();
    },
  };
}

/** A listening port on which `serve` speaks raw bytes. */
function rawServer(serve: (conn: Deno.TcpConn) => Promise<void>): { port: number; done: Promise<void> } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const done = (async () => {
    const conn = await listener.accept();
    listener.close();
    try {
      await serve(conn);
    } finally {
      conn.close();
    }
  })();
  return { port: (listener.addr as Deno.NetAddr).port, done };
}

Deno.test("a greeting says ZMTP 3.0 and NULL", () => {
  const greeting = encodeGreeting();
  assertEquals(greeting.length, 64);
  checkGreeting(greeting);
  const with_ = (at: number, value: number) => greeting.map((byte, i) => i === at ? value : byte);
  assertThrows(() => checkGreeting(with_(0, 71)), WireError, "does not speak ZMTP");
  assertThrows(() => checkGreeting(with_(10, 2)), WireError, "speaks ZMTP 2");
  assertThrows(() => checkGreeting(with_(12, 80)), WireError, "the mechanism PULL");
});

Deno.test("commands carry a name and properties", () => {
  const body = encodeCommand("READY", { "Socket-Type": bytes("DEALER")[0], "Identity": new Uint8Array(0) });
  const { name, properties } = decodeCommand(body);
  assertEquals(name, "READY");
  assertEquals(new TextDecoder().decode(properties.get("socket-type")), "DEALER");
  assertEquals(properties.get("identity"), new Uint8Array(0));
  for (const length of [0, 3, 8, body.length - 1]) {
    assertThrows(() => decodeCommand(body.subarray(0, length)), WireError, "cut short");
  }
});

Deno.test({
  name: "messages arrive whole and in order, both ways",
  ignore,
  async fn() {
    using ends = await pair("ROUTER", "DEALER");
    const { near, far } = ends;
    assertEquals([far.peerType, text([far.peerIdentity])?.[0]], ["DEALER", "me"]);
    const sent = Array.from({ length: 200 }, (_, i) => [`${i}`, "x".repeat(i * 37), ""]);
    const sending = Promise.all(sent.map((parts) => near.send(bytes(...parts))));
    for (const parts of sent) assertEquals(text(await far.receive()), parts);
    await sending;
    const big = new Uint8Array(5_000_000).map((_, i) => i % 253);
    const answer = far.send([big, big]);
    const received = await near.receive();
    await answer;
    assertEquals(received?.map((part) => part.length), [5_000_000, 5_000_000]);
    assert(received![1].every((byte, i) => byte === big[i]));
    near.close();
    assertEquals(await far.receive(), null);
    await assertRejects(() => near.send(bytes("late")), WireError, "closed");
  },
});

Deno.test({
  name: "a message above the limit ends the connection",
  ignore,
  async fn() {
    using ends = await pair("ROUTER", "DEALER", 1000);
    await ends.near.send(Array.from({ length: 11 }, () => new Uint8Array(100)));
    await assertRejects(() => ends.far.receive(), WireError, "exceeds the limit of 1000 bytes");
  },
});

Deno.test({
  name: "sockets that do not go together do not connect",
  ignore,
  async fn() {
    await assertRejects(() => pair("ROUTER", "SUB"), WireError, "cannot talk to a peer of type");
  },
});

Deno.test({
  name: "a peer that is no ZMTP peer is refused, and one that hangs up is noticed",
  ignore,
  async fn() {
    const web = rawServer(async (conn) => {
      await conn.write(bytes("HTTP/1.1 400 Bad Request\r\n".padEnd(64))[0]);
    });
    await assertRejects(
      () => ZmtpConnection.connect({ hostname: "127.0.0.1", port: web.port }, { type: "DEALER" }),
      WireError,
      "does not speak ZMTP",
    );
    await web.done;
    const mute = rawServer(() => Promise.resolve());
    await assertRejects(
      () => ZmtpConnection.connect({ hostname: "127.0.0.1", port: mute.port }, { type: "DEALER" }),
      Deno.errors.ConnectionReset,
    );
    await mute.done;
  },
});

Deno.test({
  name: "PING is answered, and commands between messages do not disturb them",
  ignore,
  async fn() {
    const answers: number[] = [];
    const server = rawServer(async (conn) => {
      const ready = encodeCommand("READY", { "Socket-Type": bytes("ROUTER")[0] });
      const ping = Uint8Array.of(4, ...bytes("PING")[0], 0, 100, ...bytes("abc")[0]);
      for (
        const part of [
          encodeGreeting(),
          encodeFrame({ body: ready, more: false, command: true }),
          encodeFrame({ body: ping, more: false, command: true }),
          encodeFrame({ body: bytes("hello")[0], more: false, command: false }),
        ]
      ) await conn.write(part);
      const buffer = new Uint8Array(1000);
      for (let n = await conn.read(buffer); n !== null; n = await conn.read(buffer)) {
        answers.push(...buffer.subarray(0, n));
      }
    });
    const client = await ZmtpConnection.connect(
      { hostname: "127.0.0.1", port: server.port },
      { type: "DEALER" },
    );
    assertEquals(text(await client.receive()), ["hello"]);
    await client.flush();
    client.close();
    await server.done;
    assertEquals(answers.slice(-10), [4, 8, 4, ...bytes("PONG")[0], ...bytes("abc")[0]]);
  },
});

Deno.test({
  name: "a publisher sends to those who subscribed",
  ignore,
  async fn() {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const publisher = new Publisher();
    const { port } = listener.addr as Deno.NetAddr;
    const serving: Promise<void>[] = [];
    const join = async () => {
      const accepted = listener.accept();
      const subscriber = ZmtpConnection.connect({ hostname: "127.0.0.1", port }, { type: "SUB" });
      serving.push(publisher.serve(await accepted));
      return await subscriber;
    };
    const all = await join();
    const some = await join();
    await all.subscribe();
    await some.subscribe(bytes("b")[0]);
    // A subscription takes effect when it has been read: repeat until both have heard of theirs.
    const heard = Promise.all([all.receive(), some.receive()]);
    let done = false;
    heard.then(() => done = true);
    while (!done) {
      publisher.publish(bytes("b", "start"));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    publisher.publish(bytes("a", "1"));
    publisher.publish(bytes("b", "2"));
    publisher.publish(bytes("a", "end"));
    publisher.publish(bytes("b", "end"));
    const rest = async (subscriber: ZmtpConnection, until: string) => {
      const list: string[] = [];
      while (list.at(-1) !== until) list.push(text(await subscriber.receive())!.join(" "));
      return list.filter((line) => line !== "b start");
    };
    assertEquals(await rest(all, "b end"), ["a 1", "b 2", "a end", "b end"]);
    assertEquals(await rest(some, "b end"), ["b 2", "b end"]);
    all.close();
    some.close();
    await Promise.all(serving);
  },
});
