/**
 * Garbage collection when we ask for it, in synchronous code, and weak references that tell of it at once.
 *
 * V8 makes a function of its collector for contexts that are created after a flag was set. A weak reference holds its target until
 * the running job ends, so in a loop that never lets the event loop turn it would hold it for ever; a context with a queue of
 * microtasks of its own, run for a moment, ends that, and runs nothing of anybody else's. Weak references of users may notice:
 * their targets can go in the middle of a job.
 * @module
 */
import v8 from "node:v8";
import vm from "node:vm";

let gc: (() => void) | null | undefined;
let turn: (() => void) | null = null;
let known: boolean | undefined;
let made = 0;

/** Weak references that may be made before their targets are let go. */
const MANY = 4096;

function prepare(): void {
  if (gc !== undefined) return;
  try {
    v8.setFlagsFromString("--expose-gc");
    gc = vm.runInNewContext("gc") as () => void;
    const context = vm.createContext({}, { microtaskMode: "afterEvaluate" }), script = new vm.Script("0");
    turn = () => void script.runInContext(context);
  } catch {
    gc ??= null; // a host without V8's flags collects when it wants to
  }
}

/** Collects garbage, where the host lets us; what only weak references of this job held goes, too. */
export function collectGarbage(): void {
  prepare();
  turn?.();
  gc?.();
}

/** Counts a weak reference that was made; from time to time targets are let go. */
export function letGo(): void {
  if (++made < MANY) return;
  made = 0;
  turn?.();
}

/** Whether weak references tell right after {@linkcode collectGarbage} what is gone. The first call tries it. */
export function forgetful(): boolean {
  return known ??= tried();
}

function tried(): boolean {
  const reference = forgotten();
  collectGarbage();
  return turn !== null && reference.deref() === undefined;
}

/** In a function of its own, so that nothing else refers to the target. */
function forgotten(): WeakRef<object> {
  return new WeakRef({});
}
