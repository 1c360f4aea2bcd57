/** The worker pool: jobs one after the other, workers that die, numbers of threads, the end of the process. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as dg from "../../mod.ts";
import { setGemmTier } from "../../src/backend/cpu/gemm.ts";
import { Pool, type Program, type Runner, WorkerLost } from "../../src/backend/cpu/pool.ts";
import { currentPool, hasGemm } from "../../src/backend/cpu/wasm/gemm.ts";
import { newPace, prefersHelp, type Speed } from "../../src/backend/cpu/wasm/stream.ts";

const ignore = !hasGemm();

/** A program without WebAssembly: task i adds job[0] to the i-th number of the memory. */
function counting(runner?: Runner): Program {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  return {
    memory,
    modules: [],
    runners: [runner ?? ((_, job) => (task) => void (job[1 + task] += job[0]))],
  };
}

async function workersOf(pool: Pool, count: number): Promise<void> {
  const until = performance.now() + 20_000;
  while (pool.workers < count && performance.now() < until) await new Promise((go) => setTimeout(go, 20));
  assertEquals(pool.workers, count);
}

async function withThreads(n: number, fn: () => void | Promise<void>): Promise<void> {
  const before = dg.getNumThreads(), tier = setGemmTier("auto"), blas = dg.getBlas();
  try {
    dg.setBlas("off"); // where native libraries are permitted, products would not come here
    dg.setNumThreads(n);
    await fn();
  } finally {
    dg.setNumThreads(before);
    setGemmTier(tier);
    dg.setBlas(blas);
  }
}

Deno.test({
  name: "a pool does every task once, with and without workers, job after job",
  ignore,
  fn: () =>
    withThreads(4, async () => {
      const pool = new Pool(counting()), { job } = pool;
      const perform = (count: number, by: number) => {
        job.fill(0);
        job[0] = by;
        pool.perform(count);
        assertEquals(
          [...job.subarray(1)],
          Array.from({ length: job.length - 1 }, (_, i) => i < count ? by : 0),
        );
      };
      try {
        perform(5, 2);
        pool.start();
        for (let i = 0; i < 2000; i++) perform(i % 40, i); // while the workers come
        await workersOf(pool, 3);
        for (let i = 0; i < 20_000; i++) perform(i % 40, i);
        perform(0, 1);
      } finally {
        pool.stop();
      }
    }),
});

Deno.test({
  name: "workers fall asleep when nothing comes, and are woken before tasks are ready",
  ignore,
  fn: () =>
    withThreads(3, async () => {
      const pool = new Pool(counting());
      const comes = async (awake: number) => {
        const until = performance.now() + 20_000;
        while (pool.awake !== awake && performance.now() < until) {
          await new Promise((go) => setTimeout(go, 1));
        }
        assertEquals(pool.awake, awake);
      };
      try {
        pool.expect(); // nobody is there
        assertEquals(pool.awake, 0);
        pool.start();
        await workersOf(pool, 2);
        await comes(0);
        for (let i = 0; i < 3; i++) {
          const until = performance.now() + 20_000;
          let awake = 0;
          while (awake === 0 && performance.now() < until) {
            pool.expect();
            awake = pool.awake;
          }
          assert(awake > 0);
          await comes(0); // though it was not true
          pool.job.fill(0);
          pool.job[0] = 1;
          pool.perform(30);
          assertEquals([...pool.job.subarray(1, 32)], [...Array(30).fill(1), 0]);
        }
      } finally {
        pool.stop();
      }
    }),
});

Deno.test("help is asked for where it was faster as of late, and tried now and then", () => {
  const pace = newPace(),
    share = () => {
      let helped = 0;
      for (let worked = 0; worked < 6000; worked++) helped += Number(prefersHelp(pace, worked));
      return helped / 6000;
    };
  const few = 1 / 30, most = 29 / 30;
  const tell = (speed: Speed, times: number, ms: number) => {
    for (let i = 0; i < times; i++) speed.learn(ms, 1);
  };
  assertEquals(share(), few); // nothing is known
  tell(pace.alone, 1, 0.5);
  tell(pace.together, 1, 5); // workers have just been woken
  assertEquals(share(), most);
  tell(pace.together, 10, 0.3);
  assertEquals(share(), most);
  tell(pace.together, 3, 50); // a few runs are nothing
  assertEquals(share(), most);
  tell(pace.together, 100, 0.8); // another program needs the processor
  assertEquals(share(), few);
  tell(pace.together, 100, 0.3);
  assertEquals(share(), most);
  // long runs say more
  const long = newPace();
  tell(long.alone, 10, 100);
  tell(long.together, 10, 60);
  assert(prefersHelp(long, 400));
  tell(long.together, 3, 150);
  assert(!prefersHelp(long, 400));
});

Deno.test({
  name: "a task that a dead worker claimed is missed; its loss is reported and no answer is made up",
  ignore,
  fn: () =>
    withThreads(2, () => {
      const pool = new Pool(counting(), 50);
      const unclaimed = 1;
      Object.assign(pool, {
        // as a worker does that claims a task and dies
        runs: [() => void Atomics.sub(pool.control, unclaimed, 1)],
      });
      assertThrows(() => pool.perform(4), WorkerLost, "a worker did not end its task");
    }),
});

Deno.test({
  name: "a stream is filled and drained in order, no more of it at a time than it is wide",
  ignore,
  fn: () =>
    withThreads(4, async () => {
      // task i squares what is at its place
      const pool = new Pool(counting((_, job) => (task) => {
        job[task % 5] *= job[task % 5];
        return task % 3;
      }));
      const stream = (count: number) => {
        let filled = 0, drained = 0;
        pool.stream({
          count,
          width: 5,
          fill: (task) => {
            assertEquals(task, filled++);
            assert(filled - drained <= 5);
            pool.job[task % 5] = task;
          },
          drain: (task, result) => {
            assertEquals([task, result, pool.job[task % 5]], [drained++, task % 3, task * task]);
          },
        });
        assertEquals([filled, drained], [count, count]);
      };
      try {
        for (const count of [0, 1, 3, 100]) stream(count);
        pool.start();
        for (let i = 0; i < 500; i++) stream(i % 50); // while the workers come
        await workersOf(pool, 3);
        for (let i = 0; i < 2000; i++) stream(i % 50);
      } finally {
        pool.stop();
      }
    }),
});

Deno.test({
  name: "a stream of which a dead worker claimed a task ends before it",
  ignore,
  fn: () =>
    withThreads(4, () => {
      const pool = new Pool(counting(() => () => 0), 50), unclaimed = 1, drained: number[] = [];
      let calls = 0;
      Object.assign(pool, {
        runs: [() => {
          // as a worker does that claims a task and dies
          if (++calls === 4) {
            assert(Atomics.sub(pool.control, unclaimed, 1) > 0);
            Atomics.add(pool.control, 4, 1);
          }
          return 0;
        }],
      });
      const job = { count: 20, width: 8, fill: () => {}, drain: (task: number) => void drained.push(task) };
      assertThrows(() => pool.stream(job), WorkerLost, "a worker did not end its task");
      assertEquals(drained, [0, 1, 2, 3]);
    }),
});

Deno.test({
  name: "a worker that ended is noticed: the product is right, and workers come again",
  ignore,
  fn: () =>
    withThreads(2, async () => {
      const a = dg.ones(300, 300), product = () => assert(dg.equal(a.mm(a), dg.full([300, 300], 300)));
      product();
      const pool = currentPool()!, stop = 3, signal = 0;
      pool.start();
      await workersOf(pool, 1);
      product();
      // Only the worker is told to end.
      Atomics.store(pool.control, stop, 1);
      Atomics.add(pool.control, signal, 1);
      Atomics.notify(pool.control, signal);
      await new Promise((go) => setTimeout(go, 300));
      Atomics.store(pool.control, stop, 0);
      const until = performance.now() + 20_000;
      while (currentPool() === pool && performance.now() < until) {
        product();
        await new Promise((go) => setTimeout(go, 50));
      }
      product();
      assert(currentPool() !== pool, "the loss was not noticed");
      currentPool()!.start();
      await workersOf(currentPool()!, 1);
      product();
    }),
});

Deno.test("the number of threads is the processor's, or what was set", async () => {
  assert(dg.getNumThreads() >= 1 && dg.getNumThreads() <= navigator.hardwareConcurrency);
  await withThreads(3, () => {
    assertEquals(dg.getNumThreads(), 3);
    assertThrows(() => dg.setNumThreads(0), RangeError, "setNumThreads expects a positive integer");
    assertThrows(() => dg.setNumThreads(1.5), RangeError, "setNumThreads expects a positive integer");
    assertThrows(
      () => dg.setNumThreads("2" as never),
      TypeError,
      "setNumThreads expects an int, but got string",
    );
    assertEquals(dg.getNumThreads(), 3);
  });
});

Deno.test({
  name: "one thread means no workers, however much there is to do",
  ignore,
  fn: () =>
    withThreads(1, () => {
      const a = dg.ones(500, 500);
      for (let i = 0; i < 40; i++) a.mm(a);
      const pool = currentPool()!;
      pool.start();
      assertEquals([pool.threads, pool.workers], [1, 0]);
    }),
});

const mayRun = (["run", "write"] as const).every((name) =>
  Deno.permissions.querySync({ name }).state === "granted"
);

Deno.test({
  name: "workers start by themselves where there is much to do, and do not keep the process alive",
  ignore: ignore || !mayRun,
  fn: async () => {
    const from = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
    const script = `
      import * as dg from ${from("../../mod.ts")};
      import { currentPool } from ${from("../../src/backend/cpu/wasm/gemm.ts")};
      dg.setNumThreads(3);
      const a = dg.ones(400, 400), until = performance.now() + 20000;
      do a.mm(a); while (currentPool().workers < 2 && performance.now() < until);
      console.log(currentPool().workers, a.mm(a).sum().item());`;
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const file = await Deno.makeTempFile({ suffix: ".ts" });
    try {
      await Deno.writeTextFile(file, script);
      const output = await new Deno.Command(Deno.execPath(), {
        args: ["run", "--quiet", "--no-prompt", "--no-check", "--config", config, file],
        signal: AbortSignal.timeout(60_000),
      }).output();
      assertEquals(new TextDecoder().decode(output.stderr), "");
      assertEquals(new TextDecoder().decode(output.stdout), "2 64000000\n");
      assertEquals(output.code, 0);
    } finally {
      await Deno.remove(file);
    }
  },
});
