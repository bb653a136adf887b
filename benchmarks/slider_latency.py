"""From a slider to pixels: lesson 01's main figure, live and as `ipywidgets.interact` would draw it, in one JupyterLab; then
the figures of lessons 03 and 08, whose callbacks write large or several networks, and of 06 and 07, which adapt them.

    python benchmarks/slider_latency.py

Every time is measured in the browser: from the key press, or from the last movement of the mouse in a drag, to the animation
frame that shows another picture. The cost of importing the package is that of fresh processes, by turns.
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from lab import Figure, Notebook, jupyterlab

PRESSES, DRAGS = 100, 6
FIGURES = {"03_generator_designs": 3, "06_maml": 1, "07_hypernetworks_meet_maml": 2, "08_regularization": 1}

# The same triptych, as a reader would write it who knows only `interact`: the figure is drawn anew for each value. What
# need not be computed anew, the learner and the family, is not.
ORDINARY = """
import ipywidgets
from IPython.display import display

def redraw(amplitude=2.55, phase=1.56):
    picture = pictures.SinusoidTriptych(family, learner)
    print(picture.update(amplitude, phase))
    display(picture.figure)

from IPython.core.pylabtools import select_figure_formats
select_figure_formats(get_ipython(), ["png"])
box = ipywidgets.interactive(redraw, amplitude=(0.1, 5.0, 0.05), phase=(0.0, 3.14, 0.02))
box.add_class("ordinary")
display(box)
"""


def presses(figure: Figure, n: int) -> list[float]:
    """Milliseconds from each of `n` key presses to pixels, each press after the picture of the one before."""
    found, handles = [], figure.handles.count()
    for i in range(n):
        handle = figure.handles.nth(i % handles)
        with figure.watch(settle=0.0) as seen:
            handle.press("ArrowLeft" if i // handles % 2 else "ArrowRight")  # there and back, so that no slider ends
            figure.page.wait_for_function("probe.seen.changes.length > 0", timeout=10_000, polling=100)
        found += seen.latencies()
    return found


def drags(figure: Figure, n: int) -> list[float]:
    """Milliseconds from the end of each drag to the last change of the picture."""
    found = []
    for i in range(n):
        with figure.watch(settle=2.0) as seen:
            figure.drag(figure.handles.first, 90 if i % 2 else -90)
        found.append(seen.settled(seen.moves))
    return found


def import_cost(n: int = 7) -> float:
    """`import hyperedu`, as a multiple of importing the libraries it stands on; medians of `n` runs each."""
    lines = {"own": "import hyperedu, hyperedu.live", "theirs": "import torch, matplotlib, ipywidgets"}
    seconds = {name: [] for name in lines}
    for _ in range(n):
        for name, line in lines.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", line], check=True)
            seconds[name].append(time.perf_counter() - start)
    return statistics.median(seconds["own"]) / statistics.median(seconds["theirs"])


def say(what: str, value: str, bound: str, holds: bool) -> None:
    print(f"| {what} | {value} | {bound} | {'holds' if holds else '**missed**'} |", flush=True)


def measure(notebook: Notebook) -> None:
    notebook.run_all()
    live = notebook.figure()
    pressed = presses(live, PRESSES)
    median, p95 = statistics.median(pressed), statistics.quantiles(pressed, n=20)[-1]
    say("key press to pixels, median", f"{median:.0f} ms", "≤ 50 ms", median <= 50)
    say("key press to pixels, 95th percentile", f"{p95:.0f} ms", "≤ 100 ms", p95 <= 100)
    settled = drags(live, DRAGS)
    say("drag settled after its end, worst", f"{max(settled):.0f} ms", "≤ 200 ms", max(settled) <= 200)

    notebook.run(ORDINARY)
    ordinary = presses(notebook.figure(kind=".ordinary"), PRESSES // 4)
    again = presses(notebook.figure(), PRESSES // 4)  # after it too, so that neither has the quieter machine
    ratio = statistics.median(ordinary) / statistics.median(pressed + again)
    say("the same with `interact`, median", f"{statistics.median(ordinary):.0f} ms", "", True)
    say("times faster than `interact`", f"{ratio:.1f}", "≥ 4", ratio >= 4)

    live = notebook.figure()
    with live.watch(settle=2.0) as seen:
        live.storm(events=2000, seconds=20)
    values = [float(text) for text in live.readouts.all_inner_texts()]
    last = all(f"{value:.2f}" in live.sentence.inner_text() for value in values)
    say("2,000 events in 20 s: last state on the screen", str(last), "True", last)
    say("blank frames", f"{seen.blank} of {seen.frames:,}", "0", seen.blank == 0)
    say("settled after the last event", f"{seen.settled(seen.keys):.0f} ms", "≤ 200 ms", seen.settled(seen.keys) <= 200)
    say("errors in the page's console", str(len(notebook.errors)), "0", not notebook.errors)


def main() -> None:
    print("| what | measured | bound | |\n|---|---|---|---|", flush=True)
    with jupyterlab() as lab, lab.open("01_everything_is_a_mapping.ipynb") as notebook:
        measure(notebook)
    for lesson, n_figures in FIGURES.items():
        with jupyterlab() as lab, lab.open(f"{lesson}.ipynb") as notebook:
            notebook.run_all()
            for k in range(n_figures):
                pressed = presses(notebook.figure(k), PRESSES)
                median, p95 = statistics.median(pressed), statistics.quantiles(pressed, n=20)[-1]
                say(f"lesson {lesson[:2]}, live figure {k + 1}, median", f"{median:.0f} ms", "≤ 60 ms", median <= 60)
                say(f"lesson {lesson[:2]}, live figure {k + 1}, 95th percentile", f"{p95:.0f} ms", "≤ 100 ms", p95 <= 100)
    cost = import_cost()
    say("import, times torch + matplotlib + ipywidgets", f"{cost:.2f}", "≤ 1.2", cost <= 1.2)


if __name__ == "__main__":
    main()
