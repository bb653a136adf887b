"""What a movement of each live figure costs in the kernel: milliseconds of processor time for the update, the painting and the
JPEG, which a busy machine changes less than what is seen in the browser (slider_latency.py).

    python benchmarks/kernel_time.py          all lessons
    python benchmarks/kernel_time.py 03 06    only these

Each slider moves to and fro by one step from the middle of its range; of a figure the slowest slider is told. The figures are
those of the lessons, after trainings of 20 steps.
"""

import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from lab import ROOT, SHORT, SKIP

MOVES = 20
MEASURE = f"""
import statistics, time
from hyperedu.figures.live import LiveFigure
from hyperedu.figures.painter import Painter
from hyperedu.figures.surface import Surface

spent = {{}}
def timed(name, function):
    def call(*args, **kwargs):
        before = time.process_time()
        try:
            return function(*args, **kwargs)
        finally:
            spent.setdefault(name, []).append(1000 * (time.process_time() - before))
    return call

Painter.paint, Surface.show = timed("paint", Painter.paint), timed("encode", Surface.show)
for live in sorted(LiveFigure.shown, key=lambda live: list(live.controls)):
    slowest = (0, "")
    live._update = timed("update", live._update)
    for name, control in live.controls.items():
        if not hasattr(control, "max"):
            continue
        middle = (control.min + control.max) / 2
        control.value = type(control.value)(middle)
        for move in range({MOVES} + 2):
            if move == 2:  # which artists move is known by then
                spent.clear()
            control.value += control.step * (-1) ** move
        parts = [statistics.median(spent[part]) for part in ("update", "paint", "encode")]
        slowest = max(slowest, (sum(parts), f"{{name}} | " + " + ".join(f"{{part:.0f}}" for part in parts)))
    if slowest[0]:
        print(f"| {{LESSON}}: {{', '.join(live.controls)}} | {{slowest[1]}} | {{slowest[0]:.0f}} |")
"""


def main() -> None:
    print("| lesson: controls | the slowest | update + painting + JPEG, ms | together |\n|---|---|---|---|", flush=True)
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        if sys.argv[1:] and not path.name.startswith(tuple(sys.argv[1:])):
            continue
        notebook = nbformat.read(path, 4)
        last = f"{SKIP}\nLESSON = {path.name[:2]!r}"
        notebook.cells += [nbformat.v4.new_code_cell(source) for source in (last, MEASURE)]
        next(cell for cell in notebook.cells if cell.cell_type == "code").source += "\n" + SHORT
        client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(path.parent)}})
        client.execute(env=os.environ | {"HYPEREDU_PROGRESS": "off"})  # nothing is noted as a learner's
        said = (output.text for output in notebook.cells[-1].outputs if output.output_type == "stream")
        print("".join(said), end="", flush=True)


if __name__ == "__main__":
    main()
