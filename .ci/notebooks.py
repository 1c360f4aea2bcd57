"""Runs every notebook of notebooks/ in real Jupyter: nbclient, and the installed kernel.

A notebook passes when no cell raises (cells tagged "raises-exception" may) and the texts it prints are those it was
saved with, but for cells tagged "volatile". Exit status 1 if any fails.
"""

import pathlib
import re
import sys

import nbclient
import nbformat

KERNEL = "dinograd"


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


def check(path):
    """Problems of one notebook, as lines."""
    saved = nbformat.read(path, as_version=4)
    fresh = nbformat.read(path, as_version=4)
    try:
        folder = {"metadata": {"path": str(path.parent)}}
        nbclient.NotebookClient(fresh, kernel_name=KERNEL, timeout=300, resources=folder).execute()
    except Exception as error:
        return [f"{type(error).__name__}: {error}"]
    problems = []
    for number, (before, after) in enumerate(zip(saved.cells, fresh.cells)):
        volatile = "volatile" in before.metadata.get("tags", [])
        if before.cell_type == "code" and not volatile and texts(before) != texts(after):
            problems.append(f"cell {number} shows {texts(after)!r}, saved with {texts(before)!r}"[:2000])
    return problems


def main():
    paths = sorted(pathlib.Path("notebooks").glob("*.ipynb"))
    if not paths:
        print("there are no notebooks")
        return 1
    bad = 0
    for path in paths:
        problems = check(path)
        bad += bool(problems)
        print(f"{'FAIL' if problems else 'ok'} {path}")
        for problem in problems:
            print("  " + problem)
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
