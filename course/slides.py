"""The slides edition: how its notebooks are arranged, and its export to pages that need neither a kernel nor a network.

    python course/slides.py          every lesson, in dist/slides/
    python course/slides.py 06       only this one

A page holds everything: reveal.js (https://revealjs.com), pictures in place of live figures, mathematics as MathML, which
browsers show by themselves, its font, and the teacher's notes, which the key S opens.
"""

import argparse
import base64
import html
import io
import re
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import nbformat
from fontTools import subset
from nbconvert import SlidesExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from editions import KEPT, LESSONS, ROOT, lessons, path
from environments import environment, packages

FONT = "the-font-of-mathematics"  # where it goes in the template
ENVIRONMENT, PINS = ROOT / ".venv-slides", ROOT / "course" / "slides-requirements.txt"
TEMPLATES = ROOT / "course" / "templates"
WIDTH, HEIGHT = 1280, 720  # pixels of a slide; the page is scaled to the screen
MARGIN = 64  # pixels at the left and the right
ROOM = 540  # pixels under a heading
LETTER, LINE = 0.61, 1.45  # the width of a letter and the height of a line of what is printed, for its size
SMALLEST, LARGEST = 16, 28  # pixels of what is printed
HIDDEN, SHOWN = {"source_hidden": True, "outputs_hidden": True}, {"source_hidden": True}


def arranged(chosen: Sequence[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """The cells of the edition as slides.

    A cell with the tag `slides` begins a slide, and the cells with the tag `shown` up to the next stand on it; other code runs
    unseen. A note of the teacher's is beside each slide since the note before it.
    """
    found: list[nbformat.NotebookNode] = []
    waiting: list[nbformat.NotebookNode] = []  # slides without a note
    for cell in chosen:
        tags = set(cell.metadata.get("tags", []))
        if cell.cell_type == "code":
            shown = bool(tags & {"shown", "teacher"})
            cell.metadata.slideshow = {"slide_type": "-" if shown else "skip"}
            cell.metadata.jupyter = dict(SHOWN if shown else HIDDEN)
            found.append(cell)
        elif "slides" in tags:
            cell.metadata.slideshow = {"slide_type": "slide"}
            found.append(cell)
            waiting.append(cell)
        else:
            for slide in waiting:
                note = nbformat.v4.new_markdown_cell(cell.source, id=f"{slide.id}-note", metadata={"tags": ["teacher"]})
                note.metadata.slideshow, note.metadata.jupyter = {"slide_type": "notes"}, dict(SHOWN)
                found.insert(found.index(slide) + 1, note)
            waiting = []
    return found


def printed(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A notebook of the edition as it is exported: a live figure is its picture, and its settings are among the notes."""
    for cell in notebook.cells:
        if cell.cell_type != "code" or cell.metadata.slideshow.slide_type == "skip":
            continue
        if "teacher" in cell.metadata.get("tags", []):
            cell.metadata.slideshow.slide_type = "notes"
        pictures = [output for output in cell.outputs if "image/png" in output.get("data", {})]
        for picture in pictures:
            picture.data = {"image/png": picture.data["image/png"]}  # beside it lies HTML that says how to make it live again
        cell.outputs = pictures or _joined(cell.outputs)
        for output in cell.outputs:
            if "text/html" in output.get("data", {}):  # settings are folded for a class's eyes; among the notes they are open
                output.data["text/html"] = output.data["text/html"].replace("<details>", "<details open>")
    return notebook


def _joined(outputs: Sequence[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """What was printed in one piece, with the size at which it goes on a slide under a heading."""
    said = "".join(output.text for output in outputs if output.output_type == "stream").rstrip()
    others = [output for output in outputs if output.output_type != "stream"]
    if not said:
        return others
    lines = said.splitlines()
    across, down = (WIDTH - 2 * MARGIN) / (LETTER * max(map(len, lines))), ROOM / (LINE * len(lines))
    size = {"size": min(LARGEST, max(SMALLEST, int(min(across, down))))}
    return [*others, nbformat.v4.new_output("display_data", {"text/plain": said}, metadata=size)]


def library() -> Path:
    """Where reveal.js and the converter of mathematics lie: in an environment of their own."""
    # Of sphinx-revealjs only the files of reveal.js are wanted, hence nothing of what it needs.
    environment(ENVIRONMENT, PINS, "slides", "--no-deps")
    return packages(ENVIRONMENT)


@cache
def _mathml():
    if str(library()) not in sys.path:
        sys.path.append(str(library()))
    from math_core import LatexToMathML

    return LatexToMathML(fancy_error=False)


class _Renderer(IPythonRenderer):
    """Markdown as HTML, and mathematics in it as MathML."""

    def inline_math(self, body: str) -> str:
        return _mathml().convert_with_local_state(body, displaystyle=False)

    def block_math(self, body: str) -> str:
        return _mathml().convert_with_local_state(body, displaystyle=True)


def _to_html(markdown: str) -> str:
    return MarkdownWithMath(renderer=_Renderer(escape=False, exclude_anchor_links=True)).render(markdown)


def _inlined(name: str) -> str:
    """A file of reveal.js, as it can stand in a page."""
    text = (library() / "sphinx_revealjs" / "_static" / "revealjs" / name).read_text(encoding="utf-8")
    return text.replace("</script", "<\\/script")


# Browsers set a single letter in mathematics in italics, which have places of their own among the letters.
ITALICS = (*range(0x1D434, 0x1D468), 0x210E, *range(0x1D6E2, 0x1D71C))


def _font(text: str) -> str:
    """Of the font of mathematics what the formulas of a page need, in base64: not every machine has one whose signs grow."""
    signs = {ord(sign) for formula in re.findall(r"<math.*?</math>", text, re.DOTALL) for sign in html.unescape(formula)}
    file = library() / "ziamath" / "fonts" / "STIXTwoMath-Regular.ttf"
    options = subset.Options(layout_features=["*"], notdef_outline=True)
    font, cut = subset.load_font(str(file), options), subset.Subsetter(options)
    cut.populate(unicodes=[*signs, *ITALICS])
    cut.subset(font)
    font.save(written := io.BytesIO())
    return base64.b64encode(written.getvalue()).decode()


def page(notebook: nbformat.NotebookNode, title: str) -> str:
    """A notebook of the edition as one page."""
    exporter = SlidesExporter(
        extra_template_basedirs=[str(TEMPLATES)], template_name="slides", exclude_input=True, exclude_output_prompt=True
    )
    exporter.register_filter("markdown2html", _to_html)
    reveal = {"css": _inlined("dist/reveal.css"), "js": _inlined("dist/reveal.js"), "notes": _inlined("plugin/notes/notes.js")}
    resources = {"slides": {"title": html.escape(title), "width": WIDTH, "height": HEIGHT, **reveal}}
    text, _resources = exporter.from_notebook_node(printed(notebook), resources=resources)
    return text.replace(FONT, _font(text))


def export(lesson: str, folder: Path) -> Path:
    """Write the page of a lesson, from its notebook as it was built."""
    (edition,) = [edition for edition in KEPT if edition.slides and edition.language == "en"]
    source = path(edition, lesson)
    notebook = nbformat.read(source, as_version=4)
    written = folder / source.with_suffix(".html").name
    folder.mkdir(parents=True, exist_ok=True)
    written.write_text(page(notebook, source.stem.replace("_", " ")), encoding="utf-8")
    return written


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lessons", nargs="*", help="only those whose number or name starts so")
    told = parser.parse_args()
    chosen = [lesson for lesson in LESSONS if any(lesson in lessons(prefix) for prefix in told.lessons or [""])]
    if not chosen:
        print(f"no lesson starts with {' or '.join(told.lessons)}")
        return 1
    for lesson in chosen:
        print(export(lesson, ROOT / "dist" / "slides").relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
