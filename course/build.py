"""Build, run and check every edition of every notebook from its one source in hyperedu/lessons/.

    python notebooks/build.py            build, run and write all
    python notebooks/build.py 01         only those whose name starts with 01
    python notebooks/build.py --check    fail if what is committed was built from another source

A source is a jupytext percent script. Cells tagged "exercise" are in the learner's edition only, cells tagged
"solution" in the solutions edition only.
"""

import argparse
import hashlib
import sys
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent
EDITIONS = {"learner": HERE, "solutions": HERE / "solutions"}
LEAVES_OUT = {"learner": "solution", "solutions": "exercise"}
WIDGET = "application/vnd.jupyter.widget-view+json"

# Run in the notebook's own kernel after its last cell, by the messages that the browser would send: every slider goes to its
# ends and back, and a hand goes through every panel that can be taken.
TRY_EVERY_FIGURE = """
from ipywidgets.widgets.widget import _instances as _all
from hyperedu.live import LiveFigure as _Live
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


def sources(prefix: str = "") -> list[Path]:
    return sorted((HERE / "source").glob(f"{prefix}*.py"))


def edition(source: Path, name: str) -> nbformat.NotebookNode:
    """The notebook of one edition, not yet run."""
    notebook = jupytext.read(source)
    cells = [c for c in notebook.cells if LEAVES_OUT[name] not in c.metadata.get("tags", [])]
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number:03d}"  # the same at every build
        cell.source = cell.source.strip()
    if name == "solutions":
        cells[0].source += "\n\n*This is the edition with solutions.*"
    notebook.cells = cells
    notebook.metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "hyperedu": {"edition": name, "source_sha256": digest(source)},
    }
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def digest(source: Path) -> str:
    return hashlib.sha256(source.read_bytes()).hexdigest()


def run(notebook: nbformat.NotebookNode, seconds: int = 180) -> float:
    """Run the notebook in place, try its figures, and leave out what needs a kernel; returns seconds."""
    last = nbformat.v4.new_code_cell(TRY_EVERY_FIGURE)
    notebook.cells.append(last)
    client = NotebookClient(
        notebook, timeout=seconds, kernel_name="python3", record_timing=False, store_widget_state=False,
        resources={"metadata": {"path": str(HERE)}},
    )  # fmt: skip
    start = time.perf_counter()
    client.execute()
    took = time.perf_counter() - start
    notebook.cells.remove(last)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.metadata.pop("execution", None)
            # Of a live figure its picture follows; of a progress bar nothing is left.
            cell.outputs = [output for output in cell.outputs if WIDGET not in output.get("data", {})]
            said = [o.text for o in cell.outputs if o.output_type == "stream" and o.name == "stderr"]
            if said:
                raise RuntimeError(f"a cell wrote to stderr: {said[0]}\n{cell.source}")
    return took


def stale() -> list[str]:
    """The editions that were not built from the source as it now is."""
    found = []
    for source in sources():
        for name, folder in EDITIONS.items():
            path = folder / f"{source.stem}.ipynb"
            if not path.exists() or not _agrees(nbformat.read(path, as_version=4), edition(source, name)):
                found.append(str(path.relative_to(HERE.parent)))
    known = {f"{source.stem}.ipynb" for source in sources()}
    extra = [p for folder in EDITIONS.values() for p in folder.glob("*.ipynb") if p.name not in known]
    return found + [str(p.relative_to(HERE.parent)) for p in extra]


def _agrees(built, wanted) -> bool:
    return built.metadata.get("hyperedu") == wanted.metadata["hyperedu"] and [(c.cell_type, c.source) for c in built.cells] == [
        (c.cell_type, c.source) for c in wanted.cells
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("prefix", nargs="?", default="", help="only notebooks whose name starts so")
    parser.add_argument("--check", action="store_true", help="build nothing; fail if an edition is stale")
    arguments = parser.parse_args()
    if arguments.check:
        found = stale()
        print(f"stale, run `make notebooks`: {', '.join(found)}" if found else "every edition is fresh")
        return bool(found)
    if not sources(arguments.prefix):
        print(f"no source in hyperedu/lessons/ starts with {arguments.prefix!r}")
        return 1
    for source in sources(arguments.prefix):
        for name, folder in EDITIONS.items():
            notebook = edition(source, name)
            took = run(notebook)
            folder.mkdir(exist_ok=True)
            nbformat.write(notebook, folder / f"{source.stem}.ipynb")
            print(f"{source.stem} ({name}): {took:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
