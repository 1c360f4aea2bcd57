/**
 * Dinograd in Jupyter: installs the kernel and runs notebooks.
 *
 * As a program: `deno run -A kernel/main.ts help`. As a module it exports what the program is made of.
 *
 * @module
 */

import { basename, dirname } from "node:path";
import { parseArgs } from "node:util";
import { compareNotebooks } from "./compare.ts";
import { diagnose } from "./doctor.ts";
import { installKernel, type InstallOptions, listKernels, uninstallKernel } from "./install.ts";
import { notebookPage } from "./page.ts";
import { formatNotebook, parseNotebook, writeFileAtomically } from "./notebook.ts";
import { CellError, type CellReport, runNotebook } from "./runner.ts";

export * from "./client.ts";
export * from "./compare.ts";
export * from "./connection.ts";
export * from "./doctor.ts";
export * from "./install.ts";
export * from "./launch.ts";
export type { Header, JsonObject, Message } from "./messages.ts";
export * from "./notebook.ts";
export * from "./page.ts";
export * from "./runner.ts";

const HELP = `Dinograd in Jupyter.

usage: deno run -A kernel/main.ts COMMAND

  install [--user | --prefix DIR] [--name NAME] [--stock]
      Make the kernel "Dinograd (Deno)" known to Jupyter: for this user (default), or under DIR/share/jupyter,
      where DIR is a virtual environment, say. Installing again renews it.
      --stock         install Deno's own kernel besides, under the name "deno", so that an interrupt does not end it
  uninstall [--user | --prefix DIR] [--name NAME] [--stock]
      Remove what install made.
  list [--prefix DIR]
      Show where Dinograd kernels are installed, and whether they can start.
  doctor [--prefix DIR]
      Look at everything that notebooks need, line by line, and say how to mend what is missing.
  run FILES... [--in-place | --check] [--html] [--timeout SECONDS] [--allow-errors]
      Run the code cells of notebooks in order, each notebook in a fresh kernel and in its own folder. Stops at the
      first error, and then writes nothing.
      --in-place      write the new outputs back to the files
      --check         compare the new text outputs with the stored ones (cells tagged "volatile" excepted)
      --html          write the notebook that was run as a page beside the file, with the ending .html
      --timeout S     interrupt a cell that takes longer than S seconds
      --allow-errors  go on after a cell that threw
  help
      Show this text.

Exit status: 0 all went well, 1 a notebook failed or differs, a file cannot be used or something needed is missing,
2 the command is wrong.
`;

const COMMANDS = ["install", "uninstall", "list", "doctor", "run"];

class UsageError extends Error {}

/** Runs the program with command-line arguments; returns its exit status. */
export async function main(args: readonly string[]): Promise<number> {
  const [command, ...rest] = args;
  try {
    switch (command) {
      case "install":
        for (const options of kernelOptions(rest)) console.log(`installed ${await installKernel(options)}`);
        return 0;
      case "uninstall":
        for (const options of kernelOptions(rest)) console.log(`removed ${await uninstallKernel(options)}`);
        return 0;
      case "list":
        return await list(rest);
      case "doctor":
        return await doctor(rest);
      case "run":
        return await run(rest);
      case "help":
      case "--help":
      case "-h":
        console.log(HELP);
        return 0;
      case undefined:
        throw new UsageError(`a command is missing: ${COMMANDS.join(", ")} or help`);
      default:
        throw new UsageError(`there is no command '${command}', only ${COMMANDS.join(", ")} and help`);
    }
  } catch (error) {
    console.error((error as Error).message);
    return error instanceof UsageError ? 2 : 1;
  }
}

/** Turns the complaints of node:util's parseArgs into usage errors. */
function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new UsageError((error as Error).message.split(". ")[0]);
  }
}

/** What `install` and `uninstall` are to do, one after the other. */
function kernelOptions(args: string[]): InstallOptions[] {
  const { values } = parsed(() =>
    parseArgs({
      args,
      options: {
        user: { type: "boolean" },
        prefix: { type: "string" },
        name: { type: "string" },
        stock: { type: "boolean" },
      },
    })
  );
  const { user, prefix, name, stock } = values;
  if (user && prefix !== undefined) throw new UsageError("--user and --prefix exclude each other");
  return stock ? [{ prefix, name }, { prefix, stock }] : [{ prefix, name }];
}

async function list(args: string[]): Promise<number> {
  const { values } = parsed(() => parseArgs({ args, options: { prefix: { type: "string" } } }));
  const kernels = await listKernels(values);
  if (kernels.length === 0) console.log("no Dinograd kernel is installed");
  for (const { name, directory, version, fault } of kernels) {
    console.log(`${name}  ${version}  ${directory}${fault === undefined ? "" : `  (${fault})`}`);
  }
  return 0;
}

async function doctor(args: string[]): Promise<number> {
  const { values } = parsed(() => parseArgs({ args, options: { prefix: { type: "string" } } }));
  let missing = 0;
  for await (const { name, found, required, detail, remedy } of diagnose(values)) {
    if (!found && required) missing++;
    const state = found ? "ok     " : required ? "missing" : "absent ";
    console.log(`${state}  ${name}: ${detail}${remedy === undefined ? "" : `\n         ${remedy}`}`);
  }
  console.log(missing === 0 ? "nothing that notebooks need is missing" : `missing: ${missing}`);
  return missing === 0 ? 0 : 1;
}

interface RunSettings {
  inPlace: boolean;
  html: boolean;
  check: boolean;
  allowErrors: boolean;
  cellTimeoutMilliseconds: number | undefined;
  signal: AbortSignal;
}

async function run(args: string[]): Promise<number> {
  const { values, positionals } = parsed(() =>
    parseArgs({
      args,
      allowPositionals: true,
      options: {
        "in-place": { type: "boolean" },
        check: { type: "boolean" },
        html: { type: "boolean" },
        "allow-errors": { type: "boolean" },
        timeout: { type: "string" },
      },
    })
  );
  if (positionals.length === 0) throw new UsageError("run needs the names of notebooks");
  if (values["in-place"] && values.check) throw new UsageError("--in-place and --check exclude each other");
  const seconds = values.timeout === undefined ? undefined : Number(values.timeout);
  if (seconds !== undefined && !(seconds > 0)) {
    throw new UsageError(`--timeout needs a positive number of seconds, got '${values.timeout}'`);
  }
  const stop = new AbortController();
  const onSignal = () => stop.abort(new Error("interrupted"));
  const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  for (const signal of signals) Deno.addSignalListener(signal, onSignal);
  let failures = 0;
  try {
    for (const file of positionals) {
      const good = await runFile(file, {
        inPlace: values["in-place"] ?? false,
        check: values.check ?? false,
        html: values.html ?? false,
        allowErrors: values["allow-errors"] ?? false,
        cellTimeoutMilliseconds: seconds === undefined ? undefined : seconds * 1000,
        signal: stop.signal,
      });
      if (!good) failures++;
      stop.signal.throwIfAborted();
    }
  } finally {
    for (const signal of signals) Deno.removeSignalListener(signal, onSignal);
  }
  if (positionals.length > 1) {
    console.log(`${positionals.length - failures} of ${positionals.length} notebooks are good`);
  }
  return failures === 0 ? 0 : 1;
}

async function runFile(file: string, settings: RunSettings): Promise<boolean> {
  try {
    const stored = parseNotebook(await Deno.readTextFile(file));
    const fresh = await runNotebook(stored, {
      cwd: dirname(await Deno.realPath(file)),
      allowErrors: settings.allowErrors,
      cellTimeoutMilliseconds: settings.cellTimeoutMilliseconds,
      signal: settings.signal,
      onCell: (report) => console.log(progressLine(file, report)),
    });
    if (settings.inPlace) await writeFileAtomically(file, formatNotebook(fresh));
    if (settings.html) {
      const page = file.replace(/(?:\.ipynb)?$/, ".html");
      await writeFileAtomically(page, await notebookPage(fresh, { title: basename(file, ".ipynb") }));
      console.log(`wrote ${page}`);
    }
    if (!settings.check) return true;
    const differences = compareNotebooks(stored, fresh);
    for (const { index, message } of differences) console.error(`${file}: cell ${index + 1}: ${message}`);
    return differences.length === 0;
  } catch (error) {
    console.error(`${file}: ${(error as Error).message}`);
    if (error instanceof CellError) { for (const line of error.traceback) console.error(`  ${line}`); }
    return false;
  }
}

function progressLine(file: string, report: CellReport): string {
  const { step, steps, milliseconds, error, cell } = report;
  const outputs = cell.outputs?.length ?? 0;
  const took = milliseconds < 1000
    ? `${milliseconds.toFixed(0)} ms`
    : `${(milliseconds / 1000).toFixed(1)} s`;
  const outcome = error === undefined ? `${outputs} output${outputs === 1 ? "" : "s"}` : `${error.ename}`;
  return `${basename(file)} [${step}/${steps}] ${took}, ${outcome}`;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
