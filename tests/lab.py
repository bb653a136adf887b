"""A real JupyterLab in a real browser, for the tests and benchmarks of what a reader sees.

with jupyterlab() as lab, lab.open("01_everything_is_a_mapping.ipynb") as notebook:
    notebook.run_all()
    figure = notebook.figure()
    with figure.watch() as seen:
        figure.handle("phase").press("ArrowRight")
    print(seen.latencies())
"""

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

ROOT = Path(__file__).parent.parent

expect.set_options(timeout=30_000)  # a machine that does other work, too, is no fault of a page's

# Without these, Chromium asks the network for things that have nothing to do with the page.
CHROMIUM = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# In the kernel: what a click on "Skip, and show" does, for every prediction.
SKIP = """
from hyperedu.lessons.asking import SKIPPED, Asked
for _asked in list(Asked.shown):
    _asked.lock(SKIPPED)
"""

# In the kernel, before a lesson's first cell, where a test is not of what is learned: no training takes more steps than these.
SHORT = """
import hyperedu.training
_begin = hyperedu.training._Run.__post_init__
def _begin_short(run):
    run.steps = min(run.steps, 20)
    _begin(run)
hyperedu.training._Run.__post_init__ = _begin_short
"""

BROWSERS = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge", "microsoft-edge-stable",
)  # fmt: skip
NO_BROWSER = (
    "no Chromium, Chrome or Edge: install one (on Debian: apt install chromium; elsewhere, in the environment: "
    "python -m playwright install chromium), or name its program in HYPEREDU_CHROMIUM"
)

# Lines of the console that say nothing about this project, each with its reason.
HARMLESS = (
    "favicon",  # JupyterLab swaps its tab icon while a kernel is busy, and Chromium may cancel the older request
)

# What one frame shows is read by copying the picture into a small canvas of our own: reading the canvas of the figure
# itself would change how the browser treats it. `interact` replaces an <img> at each change, which is copied the same way
# once the browser has loaded it; its decoding is therefore counted neither less nor more than the live figure's.
# To read a picture takes milliseconds that the figure itself needs, so that it is read when something was done to it only.
PROBE = """
for (const name of ["drawImage", "clearRect"]) {
  const original = CanvasRenderingContext2D.prototype[name];
  CanvasRenderingContext2D.prototype[name] = function (...given) {
    this.canvas.touched = (this.canvas.touched ?? 0) + 1;
    return original.apply(this, given);
  };
}
for (const name of ["width", "height"]) {  // to set one clears the canvas
  const { get, set } = Object.getOwnPropertyDescriptor(HTMLCanvasElement.prototype, name);
  Object.defineProperty(HTMLCanvasElement.prototype, name, {
    get,
    set(value) {
      this.touched = (this.touched ?? 0) + 1;
      set.call(this, value);
    },
  });
}
window.probe = {
  keys: [], moves: [], running: null,
  picture(root) {
    return root.querySelector("canvas.hyperedu-canvas") ?? root.querySelector("img");
  },
  pixels(picture, width, height) {
    this.copy ??= document.createElement("canvas");
    if (this.copy.width !== width || this.copy.height !== height) Object.assign(this.copy, { width, height });
    this.context ??= this.copy.getContext("2d", { willReadFrequently: true });
    this.context.clearRect(0, 0, width, height);
    this.context.drawImage(picture, 0, 0, width, height);
    return new Uint32Array(this.context.getImageData(0, 0, width, height).data.buffer);
  },
  // The picture's fingerprint; null while there is nothing or only one colour to be seen.
  look(root) {
    const picture = this.picture(root);
    const width = picture?.naturalWidth ?? picture?.width;
    if (!width || picture.complete === false) return null;
    const height = picture.naturalHeight ?? picture.height;
    const state = `${picture.touched} ${width} ${height} ${picture.src}`;
    if (picture.looked?.state === state) return picture.looked.hash;
    const pixels = this.pixels(picture, width >> 1, height >> 1);
    let hash = 0, varied = false;
    for (const pixel of pixels) {
      hash = (Math.imul(hash, 31) + pixel) | 0;
      varied ||= pixel !== pixels[0];
    }
    picture.looked = { state, hash: varied ? hash : null };
    return picture.looked.hash;
  },
  // Note every animation frame in which the picture differs from what it was.
  watch(root) {
    const seen = { frames: 0, blank: 0, changes: [] };
    let last = this.look(root);
    this.keys = [];
    this.moves = [];
    const frame = () => {
      const time = performance.now();  // before the looking, which takes time itself
      const now = this.look(root);
      seen.frames += 1;
      if (now === null) seen.blank += 1;
      else if (now !== last) {
        seen.changes.push(time);
        last = now;
      }
      this.running = requestAnimationFrame(frame);
    };
    this.running = requestAnimationFrame(frame);
    this.seen = seen;
  },
  stop() {
    cancelAnimationFrame(this.running);
    return { ...this.seen, keys: this.keys, moves: this.moves };
  },
  // Two hands at an even pace: arrow keys by turns to each handle, to and fro, and a pointer on a panel, if there is one, at
  // every other event. Nobody can type so fast, hence by script.
  async storm(handles, panel, events, seconds) {
    const start = performance.now();
    const point = (type, i) => {
      const { left, top, width, height } = panel.getBoundingClientRect();
      const [across, down] = [0.5 + 0.4 * Math.sin(i / 40), 0.5 + 0.4 * Math.cos(i / 30)];
      const at = { clientX: left + width * across, clientY: top + height * down };
      panel.dispatchEvent(new PointerEvent(type, { ...at, pointerId: 1, button: 0, bubbles: true, cancelable: true }));
    };
    if (panel) {
      panel.setPointerCapture = () => {};  // a pointer of a script cannot be captured
      panel.hasPointerCapture = () => true;
      point("pointerdown", 0);
    }
    for (let i = 0; i < events; i++) {
      while (performance.now() - start < (i * 1000 * seconds) / events) await new Promise((go) => setTimeout(go, 1));
      if (panel && i % 2) {
        point("pointermove", i);
        this.moves.push(performance.now());
        continue;
      }
      const key = Math.sin(i / 60) > -0.1 ? "ArrowRight" : "ArrowLeft";
      handles[i % handles.length].dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    }
    if (panel) delete panel.hasPointerCapture;
  },
};
addEventListener("keydown", (event) => probe.keys.push(event.timeStamp), true);
addEventListener("mousemove", (event) => probe.moves.push(event.timeStamp), true);
"""


def until(page: Page, holds: Callable[[], bool], seconds: float = 30) -> bool:
    """Whether something comes to hold. How soon a page answers is measured in benchmarks/; a test waits until it has."""
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        page.wait_for_timeout(20)
    return holds()


@dataclass
class Seen:
    """What a watch saw; times in milliseconds of the page's clock.

    Attributes:
        frames, blank: how many animation frames there were, and how many of them showed nothing.
        changes: when the picture became another one.
        keys, moves: when keys were pressed and the mouse moved.
    """

    frames: int = 0
    blank: int = 0
    changes: list[float] = field(default_factory=list)
    keys: list[float] = field(default_factory=list)
    moves: list[float] = field(default_factory=list)

    def latencies(self, events: list[float] | None = None) -> list[float]:
        """From each event to the first frame in which the picture differs; infinite if none came before the next."""
        begins = self.keys if events is None else events
        return [
            next((change - begin for change in self.changes if begin < change < end), float("inf"))
            for begin, end in zip(begins, [*begins[1:], float("inf")], strict=True)
        ]

    def settled(self, events: list[float]) -> float:
        """From the last of the events to the last change of the picture."""
        return max(0.0, self.changes[-1] - events[-1])


class Figure:
    """A picture and its sliders in the page: a live figure, or what `ipywidgets.interact` shows."""

    def __init__(self, root: Locator):
        self.root, self.page = root, root.page
        self.canvas = root.locator("canvas.hyperedu-canvas")
        self.grips = root.locator(".hyperedu-grip")
        self.busy = root.locator(".hyperedu-busy")
        self.sentence = root.locator(".hyperedu-sentence")
        self.problem = root.locator(".hyperedu-problem")
        self.handles = root.locator(".noUi-handle")
        self.readouts = root.locator(".widget-readout")
        self.boxes = root.locator(".widget-text input")
        self.handles.or_(self.boxes).first.scroll_into_view_if_needed()
        self.page.wait_for_function("root => probe.look(root) !== null", arg=root.element_handle())

    def handle(self, name: str) -> Locator:
        """The handle of a slider, by the name that a screen reader says."""
        return self.root.get_by_role("slider", name=name, exact=True)

    def look(self) -> int | None:
        """A fingerprint of the picture; None if it is blank."""
        return self.root.evaluate("root => probe.look(root)")

    def same_pixels(self, other: "Figure") -> bool:
        """Whether two figures show exactly the same picture."""
        return self.page.evaluate(
            """([one, other]) => {
              const [a, b] = [one, other].map((root) => {
                const { width, height } = probe.picture(root);
                return probe.pixels(probe.picture(root), width, height);
              });
              return a.length === b.length && a.every((pixel, i) => pixel === b[i]);
            }""",
            [self.root.element_handle(), other.root.element_handle()],
        )

    @contextlib.contextmanager
    def watch(self, settle: float = 0.0) -> Iterator[Seen]:
        """Watch the picture in every frame until `settle` seconds after the block; then the `Seen` is filled."""
        seen = Seen()
        self.root.evaluate("root => probe.watch(root)")
        yield seen
        self.page.wait_for_timeout(1000 * settle)
        vars(seen).update(self.page.evaluate("probe.stop()"))

    def drag(self, handle: Locator, distance: float, seconds: float = 0.5) -> None:
        """Drag a handle by the mouse, `distance` pixels to the right, as evenly as a hand does."""
        box = handle.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self._drag((x, y), (x + distance, y), seconds)

    def drag_in(self, panel: int, begin: tuple[float, float], end: tuple[float, float], seconds: float = 0.5) -> None:
        """Drag by the mouse in a panel that can be taken, from and to shares of its width and height, from its left top."""
        self._drag(self.place(panel, *begin), self.place(panel, *end), seconds)

    def touch_in(self, panel: int, *path: tuple[float, float]) -> None:
        """Put a finger on a panel, move it along and lift it; the context needs has_touch=True."""
        fingers = self.page.context.new_cdp_session(self.page)
        for kind, at in zip(("touchStart", *("touchMove" for _ in path[1:])), path, strict=True):
            x, y = self.place(panel, *at)
            fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
            self.page.wait_for_timeout(100)
        fingers.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    def place(self, panel: int, across: float, down: float) -> tuple[float, float]:
        """Of a place in a panel, the pixels of the page."""
        box = self.grips.nth(panel).bounding_box()
        return box["x"] + across * box["width"], box["y"] + down * box["height"]

    def _drag(self, begin: tuple[float, float], end: tuple[float, float], seconds: float) -> None:
        steps = round(60 * seconds)
        self.page.mouse.move(*begin)
        self.page.mouse.down()
        for step in range(1, steps + 1):
            self.page.mouse.move(*(a + (b - a) * step / steps for a, b in zip(begin, end, strict=True)))
            self.page.wait_for_timeout(1000 * seconds / steps)
        self.page.mouse.up()

    def numbers(self) -> list[float]:
        """What the boxes beside the sliders say."""
        return [float(text.replace("\N{MINUS SIGN}", "-")) for text in self.readouts.all_inner_texts()]

    def storm(self, events: int = 2000, seconds: float = 20) -> None:
        """Send key presses to all sliders by turns, and in between movements of a pointer to the first panel that has them."""
        panel = self.grips.first.element_handle() if self.grips.count() else None
        self.page.evaluate(
            "([handles, panel, events, seconds]) => probe.storm(handles, panel, events, seconds)",
            [self.handles.element_handles(), panel, events, seconds],
        )


class Notebook:
    """A notebook that is open in the browser and has a kernel.

    Attributes:
        errors: what the page reported to its console as errors, without what is known to be harmless.
    """

    def __init__(self, page: Page):
        self.page, self.errors = page, []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._note)

    def _note(self, message) -> None:
        line = f"{message.text} ({message.location['url']})"
        if message.type == "error" and not any(known in line for known in HARMLESS):
            self.errors.append(line)

    def wait_for_kernel(self) -> None:
        self.page.wait_for_function(
            """() => {
              const kernel = window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel;
              return kernel?.connectionStatus === "connected" && kernel.status === "idle";
            }""",
            timeout=60_000,
        )

    def run_all(self, seconds: float = 120, skip: bool = True) -> None:
        """Run all cells and wait until the last has ended; then skip all predictions, so that every figure is there."""
        self._command("notebook:run-all-cells", seconds)
        if skip:
            self.run(SKIP)

    def run(self, source: str, seconds: float = 60) -> str:
        """Add a cell at the end and run it; returns what it printed."""
        self.page.evaluate(
            """(source) => {
              const notebook = jupyterapp.shell.currentWidget.content;
              notebook.model.sharedModel.addCell({ cell_type: "code", source });
              notebook.activeCellIndex = notebook.widgets.length - 1;
            }""",
            source,
        )
        self._command("notebook:run-cell", seconds)
        return "".join(output.get("text", "") for output in self.outputs()[-1])

    def clear(self) -> None:
        """Take all cells away, and with them what they show, and forget what was reported; the kernel keeps what it knows."""
        self.page.evaluate(
            """() => {
              const model = jupyterapp.shell.currentWidget.content.model.sharedModel;
              model.deleteCellRange(0, model.cells.length);
            }"""
        )
        self.errors.clear()

    def run_again(self, times: int = 1, seconds: float = 60) -> None:
        """Run the last cell once more, or so many times."""
        for _ in range(times):
            self._command("notebook:run-cell", seconds)

    def save(self) -> None:
        self._command("docmanager:save", 30)

    def saved(self, file: Path) -> str:
        """What the notebook's file holds, saved now; what a figure shows is there once no hand has moved it for a while."""
        self.save()
        return file.read_text(encoding="utf-8")

    def _command(self, name: str, seconds: float) -> None:
        self.page.evaluate(
            """([name, seconds]) => Promise.race([
              jupyterapp.commands.execute(name),
              new Promise((_, fail) => setTimeout(() => fail(new Error(`${name}: not done in ${seconds} s`)), 1000 * seconds)),
            ])""",
            [name, seconds],
        )

    def outputs(self) -> list[list[dict]]:
        """The outputs of each code cell."""
        return self.page.evaluate(
            """() => [...jupyterapp.shell.currentWidget.content.model.cells]
              .filter((cell) => cell.type === "code").map((cell) => cell.outputs.toJSON())"""
        )

    def tracebacks(self) -> list[str]:
        return [f"{o['ename']}: {o['evalue']}" for cell in self.outputs() for o in cell if o["output_type"] == "error"]

    def selected_cell(self) -> int:
        return self.page.evaluate("() => jupyterapp.shell.currentWidget.content.activeCellIndex")

    def figure(self, index: int = 0, kind: str = ".hyperedu-live") -> Figure:
        """The live figure with this number, or another figure, by its class; scrolled into view."""
        root = self.page.locator(kind).nth(index)
        expect(root).to_be_attached(timeout=20_000)
        return Figure(root)


class Lab:
    """A running server and a browser.

    Attributes:
        folder: what the server shows; a copy, so that running a notebook changes nothing.
    """

    def __init__(self, url: str, token: str, folder: Path, browser: Browser):
        self.url, self.token, self.folder, self.browser = url, token, folder, browser

    @contextlib.contextmanager
    def open(self, name: str, **context) -> Iterator[Notebook]:
        """Open a notebook in a workspace and a browser context of its own, with its kernel connected."""
        options = {"viewport": {"width": 1500, "height": 1000}} | context
        with self.browser.new_context(**options) as browser_context:
            page = browser_context.new_page()
            page.add_init_script(PROBE)
            notebook = Notebook(page)
            workspace = secrets.token_hex(4)
            page.goto(f"{self.url}/lab/workspaces/{workspace}/tree/{name}?reset&token={self.token}", timeout=60_000)
            notebook.wait_for_kernel()
            try:
                yield notebook
            finally:
                self._shut_down_kernel(name)

    @contextlib.contextmanager
    def scratch(self, **context) -> Iterator[Notebook]:
        """Open an empty notebook."""
        with self.open(self.new(), **context) as notebook:
            yield notebook

    def new(self) -> str:
        """The name of an empty notebook."""
        path = self.folder / f"scratch-{secrets.token_hex(4)}.ipynb"
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(nbformat.v4.new_notebook(metadata={"kernelspec": kernel}), path)
        return path.name

    def _shut_down_kernel(self, name: str) -> None:
        for session in self._ask("GET", "sessions"):
            if session["path"] == name:
                self._ask("DELETE", f"sessions/{session['id']}")

    def _ask(self, method: str, path: str):
        headers = {"Authorization": f"token {self.token}"}
        with urllib.request.urlopen(
            urllib.request.Request(f"{self.url}/api/{path}", method=method, headers=headers), timeout=30
        ) as answer:
            return json.loads(answer.read() or "null")


@contextlib.contextmanager
def jupyterlab() -> Iterator[Lab]:
    """JupyterLab from this Python's environment, over a copy of the notebooks, and a browser to look at it."""
    scratch = tempfile.TemporaryDirectory(prefix="hyperedu-lab-", ignore_cleanup_errors=True)
    with scratch as home, browser() as started:
        folder = Path(home) / "notebooks"
        shutil.copytree(ROOT / "notebooks", folder, ignore=shutil.ignore_patterns("*.py", "__pycache__", ".ipynb_checkpoints"))
        with _server(Path(home), folder) as (url, token):
            yield Lab(url, token, folder, started)


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """Chromium, or what there is of its kind; without one a test is skipped, and fails where everything must be tried."""
    with sync_playwright() as playwright:
        program = find_browser(playwright.chromium.executable_path)
        if not program:
            missing = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
            missing(NO_BROWSER)
        started = playwright.chromium.launch(executable_path=program, args=CHROMIUM)
        yield started
        started.close()


def find_browser(playwrights_own: str) -> str | None:
    """The program of a browser that is built on Chromium: the one that HYPEREDU_CHROMIUM names, or any that is installed."""
    named = os.environ.get("HYPEREDU_CHROMIUM")
    if named:
        return shutil.which(named)
    on_path = (shutil.which(name) for name in BROWSERS)
    installed = (str(path) for path in [*_program_files(), Path(playwrights_own)] if path.is_file())
    return next((path for path in [*on_path, *installed] if path), None)


def _program_files() -> list[Path]:
    """Where browsers are on systems that have no programs of theirs on the PATH."""
    if sys.platform == "win32":
        folders = [os.environ.get(name) for name in ("ProgramFiles", "ProgramFiles(x86)", "LocalAppData")]
        programs = {"Chromium": "chrome", "Google/Chrome": "chrome", "Microsoft/Edge": "msedge"}
        names = [f"{name}/Application/{program}.exe" for name, program in programs.items()]
    elif sys.platform == "darwin":
        folders = ["/Applications", Path.home() / "Applications"]
        names = [f"{name}.app/Contents/MacOS/{name}" for name in ("Chromium", "Google Chrome", "Microsoft Edge")]
    else:
        folders, names = ["/snap/bin", "/opt"], ("chromium", "google/chrome/chrome", "microsoft/msedge/msedge")
    return [Path(folder) / name for name in names for folder in folders if folder]


@contextlib.contextmanager
def _server(home: Path, folder: Path) -> Iterator[tuple[str, str]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = home / "settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text('{"fetchNews": "false", "checkForUpdates": false}', encoding="utf-8")
    environment = os.environ | {
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_PREFER_ENV_PATH": "1",  # this environment's kernel, not one that the user has elsewhere
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
    }
    token, url = secrets.token_hex(16), f"http://127.0.0.1:{port}"
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
        "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}",
        "--LabApp.expose_app_in_browser=True",
    ]  # fmt: skip
    log = home / "server.log"
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=output, stderr=output)
    try:
        _wait_for(f"{url}/api", process, log)
        yield url, token
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait_for(address: str, process: subprocess.Popen, log: Path, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text(encoding='utf-8', errors='replace')[-3000:]}")
