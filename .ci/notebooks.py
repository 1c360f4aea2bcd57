"""Runs every notebook of notebooks/ in real Jupyter: nbclient, and the installed kernel.

A notebook passes when no cell raises (cells tagged "raises-exception" may) and the texts it prints are those it was
saved with, but for cells tagged "volatile". Exit status 1 if any fails.

    python .ci/notebooks.py [--kernel NAME] [--rounds N] [FILES...]
"""

import argparse
import pathlib
import re
import sys

import nbclient
import nbformat


def texts(cell):
    """What a cell shows as text: streams joined, the text of results, error names and messages."""
    streams, shown = {}, []
    for out in cell.get("outputs", []):
        if out.output_type == "stream":
            streams[out.name] = streams.get(out.name, "") + out.text
        elif out.output_type == "error":
            shown.append(f"{out.ename}: {out.evalue}")
        elif "text/plain" in out.get("data", {}):
            shown.append(out.data["text/plain"])
    # times and object ids differ from run to run
    return [re.sub(r"\b\d+(\.\d+)? ?(ms|s|us)\b", "TIME", t) for t in [*streams.values(), *shown]]


def check(path, kernel):
    """Problems of one notebook, as lines."""
    saved = nbformat.read(path, as_version=4)
    fresh = nbformat.read(path, as_version=4)
    try:
        folder = {"metadata": {"path": str(path.parent)}}
        nbclient.NotebookClient(fresh, kernel_name=kernel, timeout=300, resources=folder).execute()
    except Exception as error:
        return [f"{type(error).__name__}: {error}"]
    problems = []
    for number, (before, after) in enumerate(zip(saved.cells, fresh.cells)):
        volatile = "volatile" in before.metadata.get("tags", [])
        if before.cell_type == "code" and not volatile and texts(before) != texts(after):
            problems.append(f"cell {number} shows {texts(after)!r}, saved with {texts(before)!r}"[:2000])
    return problems


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kernel", default="dinograd")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    args = parser.parse_args()
    paths = args.files or sorted(pathlib.Path("notebooks").glob("*.ipynb"))
    if not paths:
        print("there are no notebooks")
        return 1
    bad = 0
    for number in range(args.rounds):
        for path in paths:
            problems = check(path, args.kernel)
            bad += bool(problems)
            print(f"{'FAIL' if problems else 'ok'} {path} (round {number + 1})")
            for problem in problems:
                print("  " + problem)
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
