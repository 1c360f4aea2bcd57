/** Starting Deno's kernel on ports that other programs take in the meantime. */
import { assertEquals, assertRejects } from "@std/assert";
import { freePorts, newConnectionInfo } from "../../kernel/connection.ts";
import { killQuietly, startListeningKernel } from "../../kernel/process.ts";
import { mayStartKernels } from "./permissions.ts";

const ignore = !mayStartKernels(), hostname = "127.0.0.1";

/** Runs with a port that somebody's connection has: nobody listens there, and nobody can. */
async function withTakenPort(run: (port: number) => Promise<void>): Promise<void> {
  using listener = Deno.listen({ hostname, port: 0 });
  using connection = await Deno.connect({ hostname, port: (listener.addr as Deno.NetAddr).port });
  using _other = await listener.accept();
  await run((connection.localAddr as Deno.NetAddr).port);
}

Deno.test({
  name: "a kernel whose port was taken is started again on others",
  ignore,
  fn: () =>
    withTakenPort(async (taken) => {
      using listener = Deno.listen({ hostname, port: 0 });
      const listening = (listener.addr as Deno.NetAddr).port;
      let calls = 0;
      const ports = (count: number) => {
        const free = freePorts(count);
        if (calls === 0) free[0] = listening;
        if (calls === 1) free[2] = taken;
        calls++;
        return free;
      };
      const { kernel, info } = await startListeningKernel(newConnectionInfo(), ports);
      try {
        assertEquals(calls, 3);
        (await Deno.connect({ hostname, port: info.shell_port })).close();
      } finally {
        killQuietly(kernel.child, "SIGKILL");
        await kernel.ended;
      }
    }),
});

Deno.test({
  name: "a kernel that never gets its ports is an error",
  ignore,
  fn: () =>
    withTakenPort(async (taken) => {
      const info = { ...newConnectionInfo(), hb_port: taken };
      await assertRejects(() => startListeningKernel(info), Error, "did not start in 3 attempts");
    }),
});
