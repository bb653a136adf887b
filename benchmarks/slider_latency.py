"""From the hand to pixels: every live figure of every lesson, in every way that it can be moved, in JupyterLab and Chromium;
and lesson 01's main figure as `ipywidgets.interact` would draw it, in the same run.

    python benchmarks/slider_latency.py          all
    python benchmarks/slider_latency.py 03 06    only these lessons

Every time is measured in the browser, from an event to the animation frame that shows another picture: a key pressed on a
slider's handle, the last movement of the mouse in a drag, a number typed into a slider's box, a movement in a panel that can be
taken. The cost of importing the package is that of fresh processes, by turns.

The bounds in milliseconds are of a machine on which an empty round trip took 22. So each time is also told as a multiple of
what the smallest figure takes in the same notebook, and judged by the bounds over 22.
"""

import contextlib
import itertools
import json
import math
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from playwright.sync_api import TimeoutError

from lab import ROOT, Figure, Notebook, jupyterlab

PRESSES, DRAGS, MOVES, NUMBERS = 60, 4, 40, 10
MEDIAN, P95, SETTLED = 35, 60, 100  # milliseconds: the bounds
ROUND_TRIP = 22  # milliseconds, where these were set

# The same triptych, as a reader would write it who knows only `interact`: the figure is drawn anew for each value. What
# need not be computed anew, the learner and the family, is not.
ORDINARY = """
import ipywidgets
from IPython.display import display

def redraw(amplitude=2.55, phase=1.56):
    picture = figures.Triptych(family, learner)
    print(picture.update(amplitude=amplitude, phase=phase))
    display(picture.figure)

from IPython.core.pylabtools import select_figure_formats
select_figure_formats(get_ipython(), ["png"])
box = ipywidgets.interactive(redraw, amplitude=(0.1, 5.0, 0.05), phase=(0.0, 3.14, 0.02))
box.add_class("ordinary")
display(box)
"""
# The least that any live figure can take: one moving line on a small picture.
BARE = """
bare, (axes,) = figures.subplots(width=2, height=2)
(line,) = axes.plot([0, 1], [0, 0])
axes.set(ylim=(0, 1))
from hyperedu import live as _live
display(_live.interact(bare, lambda y: line.set_ydata([y, y]), y=(0.0, 1.0, 0.02)))
"""
HELD = "import gc, psutil; gc.collect(); print(psutil.Process().memory_info().rss / 2**20)"


def presses(figure: Figure, n: int) -> list[float]:
    """Milliseconds from each of `n` key presses to pixels, each press after the picture of the one before.

    A few presses may change nothing that is seen, such as a rate where the adaptation is already out of the picture.
    """
    found, handles = [], figure.handles.count()
    for i in range(n):
        handle = figure.handles.nth(i % handles)
        least, now, most = (float(handle.get_attribute(f"aria-value{name}")) for name in ("min", "now", "max"))
        # There, then back, so that few pictures are those of before; one slider up and the next down, so that two that say the
        # same of two things, such as the ends of a walk, seldom stand at the same.
        back = now > least and (now == most or (i >= n // 2) == bool(i % handles % 2))
        with figure.watch(settle=0.0) as seen:
            handle.press("ArrowLeft" if back else "ArrowRight")
            with contextlib.suppress(TimeoutError):
                figure.page.wait_for_function("probe.seen.changes.length > 0", timeout=2000, polling=100)
        found += [latency for latency in seen.latencies() if not math.isinf(latency)]
    assert len(found) >= 0.8 * n, f"{n - len(found)} of {n} presses changed nothing"
    return found


def drags(figure: Figure, n: int) -> list[float]:
    """Milliseconds from the end of each drag of a slider to the last change of the picture."""
    found = []
    for i in range(n):
        with figure.watch(settle=1.0) as seen:
            figure.drag(figure.handles.nth(i // 2 % figure.handles.count()), 90 if i % 2 else -90)
        found += [seen.settled(seen.moves)] if seen.changes else []  # it may have stood at that end
    return found


def numbers(figure: Figure, n: int) -> list[float]:
    """Milliseconds from Enter to pixels, after one of a slider's ends was typed into its box."""
    found, handle = [], figure.handles.first
    for i in range(n):
        end = handle.get_attribute("aria-valuemax" if i % 2 else "aria-valuemin")
        figure.readouts.first.click()
        figure.page.keyboard.press("Control+A")
        figure.page.keyboard.type(f"{float(end):g}")
        with figure.watch(settle=0.5) as seen:
            figure.page.keyboard.press("Enter")
        found += [latency for latency in seen.latencies()[:1] if not math.isinf(latency)]  # it may have stood there already
    return found


def sentences(figure: Figure, n: int) -> list[float]:
    """Milliseconds from Enter to pixels, after another text was typed into the first box for text."""
    found, box = [], figure.boxes.first
    first = box.input_value()
    for i in range(n):
        box.fill(f"{first} {'or so' * (i % 2)}".strip())
        with figure.watch(settle=0.5) as seen:
            box.press("Enter")
        found += [latency for latency in seen.latencies()[:1] if not math.isinf(latency)]
    return found


def moves(figure: Figure, panel: int, n: int) -> tuple[list[float], float]:
    """Milliseconds from each movement in a panel to pixels, and from the last one of a drag to the last change."""
    mouse, place = figure.page.mouse, grip(figure, panel)
    mouse.move(*figure.place(panel, *place))
    mouse.down()
    with figure.watch(settle=0.3) as seen:
        for i in range(n):
            place = 0.5 + 0.4 * math.sin(i), 0.5 + 0.4 * math.cos(i)
            mouse.move(*figure.place(panel, *place))
            figure.page.wait_for_timeout(120)
    mouse.up()
    found = [latency for latency in seen.latencies(seen.moves) if not math.isinf(latency)]
    with figure.watch(settle=1.0) as seen:
        figure.drag_in(panel, place, (0.7, 0.6))
    return found, seen.settled(seen.moves) if seen.changes else math.nan


def grip(figure: Figure, panel: int) -> tuple[float, float]:
    """A place in a panel at which something is taken: in some figures only points can be."""
    for x, y in [(0.5, 0.5), *itertools.product([k / 20 for k in range(1, 20, 2)], repeat=2)]:
        with figure.watch(settle=0.5) as seen:
            figure.drag_in(panel, (x, y), (x, y + 0.05))
        if seen.changes:
            return x, y + 0.05
    raise ValueError(f"nothing can be taken in panel {panel + 1}")


def import_cost(n: int = 7) -> float:
    """`import hyperedu`, as a multiple of importing the libraries it stands on; medians of `n` runs each."""
    lines = {"own": "import hyperedu, hyperedu.figures.live", "theirs": "import torch, matplotlib, ipywidgets"}
    seconds = {name: [] for name in lines}
    for _ in range(n):
        for name, line in lines.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", line], check=True)
            seconds[name].append(time.perf_counter() - start)
    return statistics.median(seconds["own"]) / statistics.median(seconds["theirs"])


def say(where: str, what: str, value: str, bound: str = "", holds: bool = True, times: str = "") -> None:
    print(f"| {where} | {what} | {value} | {bound} | {judged(holds) if bound else ''} | {times or ' |'} |", flush=True)


def judged(holds: bool) -> str:
    return "holds" if holds else "**missed**"


def say_measured(where: str, what: str, found: list[float], bounds: list[float], bare: float) -> None:
    """Numbers and their bounds, in milliseconds and as multiples of the smallest figure's median."""
    times, most = [each / bare for each in found], [bound / ROUND_TRIP for bound in bounds]
    pairs = ((found, bounds), (times, most))
    held, in_ratio = (all(each <= bound for each, bound in zip(*pair, strict=True)) for pair in pairs)
    say(
        where,
        what,
        f"{', '.join(f'{each:.0f}' for each in found)} ms",
        f"≤ {', '.join(f'{bound:.0f}' for bound in bounds)} ms",
        held,
        f"{', '.join(f'{each:.1f}' for each in times)} (≤ {', '.join(f'{bound:.1f}' for bound in most)}) | {judged(in_ratio)}",
    )


def say_times(where: str, way: str, found: list[float], bare: float) -> None:
    if len(found) < 2:
        say(where, way, "no picture changed")
        return
    both = [statistics.median(found), statistics.quantiles(found, n=20)[-1]]
    say_measured(where, f"{way}: median, 95th percentile", both, [MEDIAN, P95], bare)


def measure(where: str, figure: Figure, bare: float) -> None:
    """One figure, in each way that it can be moved."""
    figure.canvas.scroll_into_view_if_needed()
    for box in figure.root.locator("input[type=checkbox]").all():  # such as a pen, which draws while it is down
        box.check()
    for k in range(figure.handles.count()):  # away from where one slider alone does nothing, as ten weights that are all 0
        figure.handles.nth(k).press("PageUp")
    figure.page.wait_for_timeout(500)
    if figure.handles.count():
        say_times(where, "keys", presses(figure, PRESSES), bare)
        if settled := drags(figure, DRAGS):
            say_measured(where, "mouse on a slider: settled, worst", [max(settled)], [SETTLED], bare)
    if figure.boxes.count():
        say_times(where, "a text typed", sentences(figure, NUMBERS), bare)
    if figure.readouts.count():
        say_times(where, "a number typed", numbers(figure, NUMBERS), bare)
    for panel in range(figure.grips.count()):
        found, settled = moves(figure, panel, MOVES)
        say_times(where, f"panel {panel + 1}, by hand", found, bare)
        if not math.isnan(settled):  # it may have been there
            say_measured(where, f"panel {panel + 1}: settled", [settled], [SETTLED], bare)
    assert figure.problem.inner_text() == ""


def smallest(notebook: Notebook) -> float:
    """The median of the smallest figure in this notebook, below all others."""
    last = notebook.page.locator(".hyperedu-live").count()
    notebook.run(BARE)
    notebook.page.locator(".hyperedu-live").nth(last).wait_for()
    return statistics.median(presses(notebook.figure(last), PRESSES))


def beside_interact(notebook: Notebook) -> None:
    """The same triptych as `interact` draws it; the live one before and after it, so that neither has the quieter machine."""
    before = presses(notebook.figure(), PRESSES)
    notebook.run(ORDINARY)
    ordinary = presses(notebook.figure(kind=".ordinary"), PRESSES // 2)
    ratio = statistics.median(ordinary) / statistics.median(before + presses(notebook.figure(), PRESSES))
    say("01, figure 1", "keys, with `interact`: median", f"{statistics.median(ordinary):.0f} ms")
    say("01, figure 1", "times faster than `interact`", f"{ratio:.1f}", "≥ 4", ratio >= 4)


def storm(notebook: Notebook) -> None:
    """Two hands, on the sliders and in a panel."""
    where, figure, events = "01, figure 1, 5,000 events in 60 s", notebook.figure(), 5000
    held = float(notebook.run(HELD))
    figure.canvas.scroll_into_view_if_needed()
    with figure.watch(settle=2.0) as seen:
        figure.storm(events, seconds=60)
    last = all(f"{value:.2f}" in figure.sentence.inner_text() for value in figure.numbers())
    say(where, "last state on the screen", str(last), "True", last)
    say(where, "blank frames", f"{seen.blank} of {seen.frames:,}", "0", seen.blank == 0)
    settled = seen.settled(sorted([*seen.keys, *seen.moves]))
    say(where, "settled after the last event", f"{settled:.0f} ms", "≤ 200 ms", settled <= 200)
    more = float(notebook.run(HELD)) - held
    say(where, "memory", f"{more:+.1f} MB", "≤ 10 MB", more <= 10)
    say(where, "errors in the page's console", str(len(notebook.errors)), "0", not notebook.errors)


def main() -> None:
    wanted = tuple(sys.argv[1:])
    print("| lesson | what | measured | bound | | times the smallest figure | |\n|---|---|---|---|---|---|---|", flush=True)
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        if "interact(" not in "".join("".join(c["source"]) for c in json.loads(path.read_text(encoding="utf-8"))["cells"]):
            continue
        if wanted and not path.name.startswith(wanted):
            continue
        with jupyterlab() as lab, lab.open(path.name) as notebook:
            notebook.run_all(seconds=300)
            figures = notebook.page.locator(".hyperedu-live").count()
            bare = smallest(notebook)
            say(path.name[:2], "keys, the smallest figure: median", f"{bare:.0f} ms")
            for k in range(figures):
                measure(f"{path.name[:2]}, figure {k + 1}", notebook.figure(k), bare)
            if path.name.startswith("01"):
                beside_interact(notebook)
                storm(notebook)
    cost = import_cost()
    say("", "import, times torch + matplotlib + ipywidgets", f"{cost:.2f}", "≤ 1.2", cost <= 1.2)


if __name__ == "__main__":
    main()
