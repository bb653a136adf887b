"""Build, run and check the editions of the lessons.

    python course/build.py            build what changed, and run what must be run again
    python course/build.py 01 maml    only these lessons
    python course/build.py --all      run everything again, as after a change of the package under the lessons
    python course/build.py --check    fail if what is committed was built from another source

A document (editions.py) is run once for each language, with the cells of all its editions, two at a time. What comes out
belongs to the code that was run: where that is the same, and only the prose changed, nothing is run.
"""

import argparse
import hashlib
import json
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

import nbformat
from nbclient import NotebookClient

from catalogues import ending, translated
from editions import FOLDERS, KEPT, NOTEBOOKS, ROOT, Edition, cells, documents, documents_of, file_name, included, path, source
from slides import arranged

WIDGET = "application/vnd.jupyter.widget-view+json"
SECONDS = 180  # that one cell may take
SIDE_BY_SIDE = 2

# Run in the notebook's own kernel after its last cell, by the messages that the browser would send: every slider goes to its
# ends and back, and a hand goes through every panel that can be taken. Before that each figure is kept as it then is, after its
# training: what a kernel says between two cells, as when a figure rests, is lost here.
TRY_EVERY_FIGURE = """
from ipywidgets.widgets.widget import _instances as _all
from hyperedu.figures.live import LiveFigure as _Live
for _figure in _Live.shown:
    _figure._keep()
for _widget in [w for w in _all.values() if {"value", "min", "max"} <= set(w.keys)]:
    _first = _widget.value
    for _value in (_widget.min, _first, _widget.max, _first):
        _widget._handle_msg({"content": {"data": {"method": "update", "state": {"value": _value}}}})
        if _widget.value != _value:  # ipywidgets swallows what is raised on the way
            raise RuntimeError(f"{_widget.description} is {_widget.value} after it was moved to {_value}")
        _problems = [figure.problem for figure in _Live.shown if figure.problem]
        if _problems:
            raise RuntimeError(f"{_widget.description} = {_value}: {_problems}")
for _figure in _Live.shown:
    for _n, (_left, _top, _width, _height) in enumerate(_figure._surface.grips):
        for _begins, _across, _down in ((1, 0.5, 0.5), (0, 0, 0), (0, 1, 1), (1, 0.3, 0.7), (0, 2, -1)):
            _hand = [_n, _left + _across * _width, _top + _down * _height, _begins]
            _figure._surface._handle_msg({"content": {"data": {"method": "update", "state": {"hand": _hand}}}})
            if _figure._surface.hand != _hand or _figure.problem:
                raise RuntimeError(f"{_figure.alt}: panel {_n}, taken at {_across}, {_down}: {_figure.problem}")
"""


def notebook_of(edition: Edition, document: str, outputs: dict[str, list]) -> nbformat.NotebookNode:
    """The notebook of one edition, with what came out of each code cell: name → outputs."""
    chosen = [cell for cell in translated(document, edition.language) if included(edition, cell)]
    if edition.ending:
        chosen[0].source += "\n\n" + ending(edition)
    if edition.slides:
        chosen = arranged(chosen)
    for number, cell in enumerate((cell for cell in chosen if cell.cell_type == "code"), 1):
        cell.outputs, cell.execution_count = outputs.get(cell.id, []), number if outputs else None
    notebook = nbformat.v4.new_notebook(cells=chosen)
    notebook.metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "hyperedu": {"edition": edition.name, "language": edition.language, "ran_with": ran_with(document, edition.language)},
    }
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def ran_with(document: str, language: str) -> str:
    """A digest of what its outputs come from: its code cells, its lesson's modules, and the words of another language."""
    told = [[cell.id, cell.source] for cell in cells(document) if cell.cell_type == "code"]
    lesson = document.partition("/")[0]
    others = {source(other) for other in documents_of(lesson)}
    modules = sorted(p for p in (FOLDERS / lesson).glob("*.py") if p not in others and p.name != "trainings.py")
    told += [[file.name, file.read_text(encoding="utf-8")] for file in modules if not file.name.startswith("test_")]
    if language != "en":
        told.append([language, [cell.source for cell in translated(document, language)]])
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


def run(notebook: nbformat.NotebookNode, language: str = "en") -> None:
    """Run the notebook in place, try its figures, and leave out what needs a kernel."""
    last = nbformat.v4.new_code_cell(TRY_EVERY_FIGURE)
    notebook.cells.append(last)
    client = NotebookClient(
        notebook, timeout=SECONDS, kernel_name="python3", record_timing=False, store_widget_state=False,
        resources={"metadata": {"path": str(NOTEBOOKS)}},
    )  # fmt: skip
    surroundings = {"HYPEREDU_LANGUAGE": language, "OMP_NUM_THREADS": "1", "HYPEREDU_PROGRESS": "off", "HYPEREDU_KEY": ""}
    client.execute(env=os.environ | surroundings)
    notebook.cells.remove(last)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.metadata.pop("execution", None)
            # Of a live figure its picture follows; of a progress bar nothing is left.
            cell.outputs = _joined([output for output in cell.outputs if WIDGET not in output.get("data", {})])
            said = [o.text for o in cell.outputs if o.output_type == "stream" and o.name == "stderr"]
            if said:
                raise RuntimeError(f"the cell {cell.id} wrote to stderr: {said[0]}\n{cell.source}")


def _joined(outputs: list) -> list:
    """What was printed at one place, in one piece: into how many it comes depends on the moment."""
    found: list = []
    for output in outputs:
        if found and output.output_type == found[-1].output_type == "stream" and output.name == found[-1].name:
            found[-1].text += output.text
        else:
            found.append(output)
    return found


def run_document(document: str, language: str = "en") -> tuple[dict[str, list], float]:
    """What comes out of every code cell of a document, those of all editions, name → outputs; and the seconds it took."""
    code = [cell for cell in translated(document, language) if cell.cell_type == "code"]
    start = time.perf_counter()
    run(notebook := nbformat.v4.new_notebook(cells=code), language)
    return {cell.id: cell.outputs for cell in notebook.cells}, time.perf_counter() - start


def kept_outputs(document: str, rows: Sequence[Edition]) -> dict[str, list] | None:
    """What came out of a document when it was last run, if that still is what its code gives."""
    outputs, wanted = {}, ran_with(document, rows[0].language)
    for edition in rows:
        if not path(edition, document).exists():
            return None
        notebook = nbformat.read(path(edition, document), as_version=4)
        if notebook.metadata.get("hyperedu", {}).get("ran_with") != wanted:
            return None
        outputs |= {cell.id: cell.outputs for cell in notebook.cells if cell.cell_type == "code"}
    return outputs


def write(document: str, rows: Sequence[Edition], outputs: dict[str, list]) -> bool:
    """Write a document's editions of one language where they differ from what is there."""
    changed = False
    for edition in rows:
        text = nbformat.writes(notebook_of(edition, document, outputs)) + "\n"
        file = path(edition, document)
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
            changed = True
    return changed


def stale() -> list[str]:
    """The notebooks that were not built from their source as it now is, and those that have none."""
    found = []
    for edition in KEPT:
        for document in documents(edition):
            file, wanted = path(edition, document), notebook_of(edition, document, {})
            if not file.exists() or _without_outputs(nbformat.read(file, as_version=4)) != _without_outputs(wanted):
                found.append(str(file.relative_to(ROOT)))
    known = {path(edition, document) for edition in KEPT for document in documents(edition)}
    there = {file for edition in KEPT for file in (ROOT / str(edition.folder)).glob("*.ipynb")}
    return found + [str(file.relative_to(ROOT)) for file in sorted(there - known)]


def _without_outputs(notebook: nbformat.NotebookNode) -> tuple:
    return notebook.metadata.get("hyperedu"), [(cell.id, cell.cell_type, cell.source, cell.metadata) for cell in notebook.cells]


def build(prefixes: Sequence[str], everything: bool) -> int:
    """Write what changed; returns how many documents failed."""
    rows: dict[tuple[str, str], list[Edition]] = {}  # of each document and language
    for edition in KEPT:
        for document in sorted({found for prefix in prefixes or [""] for found in documents(edition, prefix)}, key=file_name):
            rows.setdefault((document, edition.language), []).append(edition)
    if not rows:
        print(f"no lesson starts with {' or '.join(map(repr, prefixes))}")
        return 1
    to_run = []
    for (document, language), editions in rows.items():
        outputs = None if everything else kept_outputs(document, editions)
        if outputs is None:
            to_run.append((document, language))
        elif write(document, editions, outputs):
            print(f"{document} ({language}): written, nothing had to be run", flush=True)
    if not to_run:
        print("every lesson was run with its code as it is")
        return 0
    failed = 0
    with ProcessPoolExecutor(min(SIDE_BY_SIDE, len(to_run))) as pool:
        jobs = {pool.submit(run_document, *job): job for job in to_run}
        for done, job in enumerate(as_completed(jobs), 1):
            document, language = jobs[job]
            try:
                outputs, took = job.result()
            except Exception as error:
                failed += 1
                print(f"[{done}/{len(jobs)}] {document} ({language}) failed:\n{error}", flush=True)
                continue
            write(document, rows[jobs[job]], outputs)
            print(f"[{done}/{len(jobs)}] {document} ({language}): {took:.0f} s", flush=True)
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lessons", nargs="*", help="only those whose number or name starts so")
    parser.add_argument("--all", action="store_true", help="run everything again")
    parser.add_argument("--check", action="store_true", help="build nothing; fail if a notebook is stale")
    arguments = parser.parse_args()
    if arguments.check:
        found = stale()
        print(f"stale, run `make notebooks`: {', '.join(found)}" if found else "every edition is fresh")
        return bool(found)
    return build(arguments.lessons, arguments.all)


if __name__ == "__main__":
    sys.exit(main())
