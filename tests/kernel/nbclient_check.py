"""The installed kernel under Jupyter's own client: outputs, interrupts, errors, questions, shutdown.

Usage: python nbclient_check.py KERNEL_NAME. Prints what fails; exit status 1 if anything does.
"""

import os
import signal
import sys
import tempfile
import time

import nbformat
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

KERNEL = sys.argv[1]
ROUNDS = 5
failures = 0


def check(what, found, expected):
    global failures
    if found != expected:
        failures += 1
        print(f"FAIL {what}: found {str(found)[:300]}, expected {str(expected)[:300]}")


def stream(cell, name="stdout"):
    return "".join(o.text for o in cell.outputs if o.output_type == "stream" and o.name == name)


def texts(cell):
    return [o.data["text/plain"] for o in cell.outputs if o.output_type in ("execute_result", "display_data")]


def outputs_are_whole():
    """60 sums, 5 cells of 5,000 lines, 3,000 lines on two streams, and what a timer prints later."""
    sources = [f"{i} + 1" for i in range(60)]
    sources += [f"for (let i = 0; i < 5000; i++) console.log('{k}', i); 'end'" for k in range(5)]
    sources += ["for (let i = 0; i < 3000; i++) i % 2 ? console.error(i) : console.log(i)"]
    sources += ["setTimeout(() => console.log('late'), 30); 1", "await new Promise((r) => setTimeout(r, 100)); 2"]
    for round in range(ROUNDS):
        notebook = new_notebook(cells=[new_code_cell(s) for s in sources])
        NotebookClient(notebook, kernel_name=KERNEL, timeout=60).execute()
        nbformat.validate(notebook)
        cells = notebook.cells
        check(f"round {round}: sums", [texts(c) for c in cells[:60]], [[str(i + 1)] for i in range(60)])
        for k in range(5):
            cell = cells[60 + k]
            check(f"round {round}: lines {k}", stream(cell), "".join(f"{k} {i}\n" for i in range(5000)))
            check(f"round {round}: result {k}", texts(cell), ["'end'".replace("'", '"')])
        check(f"round {round}: stdout", stream(cells[65]), "".join(f"{i}\n" for i in range(0, 3000, 2)))
        check(f"round {round}: stderr", stream(cells[65], "stderr"), "".join(f"{i}\n" for i in range(1, 3000, 2)))
        check(f"round {round}: late", (stream(cells[66]), stream(cells[67])), ("", "late\n"))


class Kernel:
    def __init__(self, cwd=None):
        self.manager = KernelManager(kernel_name=KERNEL)
        self.manager.start_kernel(cwd=cwd)
        self.connect()

    def connect(self):
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def run(self, code, **options):
        results = []

        def hook(message):
            if message["msg_type"] == "execute_result":
                results.append(message["content"]["data"]["text/plain"])

        reply = self.client.execute_interactive(code, timeout=30, output_hook=hook, **options)["content"]
        return results[-1] if results else reply["status"]

    def reply(self, timeout=15):
        return self.client.get_shell_msg(timeout=timeout)["content"]

    def interrupted(self, code):
        self.client.execute(code)
        time.sleep(0.5)
        self.manager.interrupt_kernel()
        return self.reply().get("ename")

    def close(self):
        started = time.monotonic()
        self.manager.shutdown_kernel(now=False)
        self.client.stop_channels()
        return time.monotonic() - started


def interrupts_and_errors():
    kernel = Kernel()
    check("run", kernel.run("let state = 41; state + 1"), "42")
    check("interrupt of a loop", kernel.interrupted("while (true) {}"), "Interrupted")
    loop = "while (true) await new Promise((r) => setTimeout(r, 5))"
    check("interrupt of an await", kernel.interrupted(loop), "Interrupted")
    check("state after interrupts", kernel.run("state"), "41")
    for code in ["1", "throw new Error('no')", "2", "3"]:
        kernel.client.execute(code)
    check("cells behind an error", [kernel.reply()["status"] for _ in range(4)], ["ok", "error", "aborted", "aborted"])
    kernel.client.execute("let x = (")
    check("a syntax error", kernel.reply()["ename"], "SyntaxError")
    answer = lambda message: kernel.client.input("Ada")
    check("a question", kernel.run("prompt('name?')", allow_stdin=True, stdin_hook=answer), '"Ada"')
    kernel.client.complete("Deno.jup", 8)
    check("completion", kernel.reply()["matches"], ["jupyter"])
    kernel.manager.restart_kernel()
    kernel.connect()
    check("restart", kernel.run("typeof state"), '"undefined"')
    kernel.client.execute("while (true) {}")
    time.sleep(0.3)
    seconds = kernel.close()
    check(f"shutdown of a busy kernel ({seconds:.1f} s)", seconds < 5, True)


def folders():
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "data.txt"), "w") as file:
            file.write("here")
        kernel = Kernel(cwd=folder)
        check("relative file", kernel.run("Deno.readTextFileSync('data.txt')"), '"here"')
        code = "import * as kernel from '@dinograd/dinograd/kernel'; typeof kernel.runNotebook"
        check("import by name", kernel.run(code), '"function"')
        kernel.close()


def is_running(pid):
    """Whether a process is there and more than a name that its parent has not asked after."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def no_orphans():
    if not os.path.exists("/proc/self/stat"):
        return
    kernel = Kernel()
    inner = int(kernel.run("Deno.pid"))
    kernel.client.execute("while (true) {}")
    time.sleep(0.3)
    os.kill(kernel.manager.provisioner.pid, signal.SIGKILL)
    for _ in range(50):
        if not is_running(inner):
            break
        time.sleep(0.1)
    check("the inner kernel is gone", is_running(inner), False)
    kernel.manager.shutdown_kernel(now=True)
    kernel = Kernel()
    kernel.client.execute("Deno.exit(3)")
    for _ in range(50):
        if not kernel.manager.is_alive():
            break
        time.sleep(0.1)
    check("a kernel that ended is seen to have ended", kernel.manager.is_alive(), False)
    kernel.manager.shutdown_kernel(now=True)


for part in [outputs_are_whole, interrupts_and_errors, folders, no_orphans]:
    started = time.monotonic()
    part()
    print(f"{part.__name__}: {time.monotonic() - started:.1f} s", flush=True)
sys.exit(1 if failures else 0)
