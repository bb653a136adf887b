"""What a reader meets can be said in another language: all of it, and nothing of the code changes."""

import ast
import json
import re
import subprocess
import sys
from dataclasses import replace

import nbformat
import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

import build
import catalogues
import editions
import hyperedu
from hyperedu.lessons.progress import EXERCISES
from lab import SHORT

# Before the first cell: remember every figure that is shown.
REMEMBER = """
import hyperedu.figures.live, hyperedu.figures.style
_figures, _speak = [], hyperedu.figures.style.speak
def _remembering(figure):
    _speak(figure)
    _figures.append(figure)
hyperedu.figures.style.speak = hyperedu.figures.live.speak = _remembering
"""
# After the last: what stands in them and below them, what of it does not fit into the picture, and what a legend tells apart by
# colour alone.
TELL = """
import json as _json
from matplotlib.legend import Legend as _Legend
from matplotlib.offsetbox import DrawingArea as _Area
from matplotlib.text import Text as _Text
_said, _clipped, _alike = set(), set(), set()
def _look(_part):
    _asked = ("linestyle", "marker", "linewidth", "markersize", "hatch", "sizes", "alpha")
    _paths = [_path.vertices.tolist() for _path in _part.get_paths()] if hasattr(_part, "get_paths") else []
    _hollow = getattr(_part, "get_markerfacecolor", str)() in ("none", "white")
    return repr([type(_part).__name__, _paths, _hollow, *(getattr(_part, f"get_{_name}", str)() for _name in _asked)])
for _figure in _figures:
    _figure.canvas.draw()
    _box = _figure.bbox.padded(2)
    for _text in _figure.findobj(_Text):
        if _text.get_text().strip() and _text.get_visible() and (_text.axes is None or _text.axes.axison):
            _said.add(_text.get_text())
            _part = _text.get_window_extent()
            _fits = _box.x0 <= _part.x0 and _part.x1 <= _box.x1 and _box.y0 <= _part.y0 and _part.y1 <= _box.y1
            if _part.width and not _fits:
                _clipped.add(_text.get_text())
    for _legend in _figure.findobj(_Legend):
        _drawn = [[_look(_part) for _part in _area.get_children()] for _area in _legend.findobj(_Area)]
        _looks = [(_parts, _text.get_text()) for _parts, _text in zip(_drawn, _legend.get_texts(), strict=True)]
        _alike |= {f"{_a}, {_b}" for _n, (_one, _a) in enumerate(_looks) for _two, _b in _looks[:_n] if _one == _two}
from hyperedu.figures.live import LiveFigure as _Live
for _live in _Live.shown:
    _said |= {_live.sentence} | {control.description for control in _live.controls.values()}
print(_json.dumps([sorted(_said), sorted(_clipped), sorted(_alike)]))
"""
LETTERS = re.compile(r"[^\W\d_]{4,}")
# The words of the sentence whose reading lesson 04 draws: what an English model reads stays English.
READ = {"slow", "tall", "wave", "shifted", "left"}


def words_of(text):
    """What nobody could translate of a text: of what is not marked, all but mathematics, and the names that code has."""
    text = re.sub(r"\$[^$]*\$", " ", text)
    while "⟦" in text and (less := re.sub(r"⟦[^⟦⟧]*⟧", " ", text)) != text:
        text = less
    return [word for word in LETTERS.findall(text) if not hasattr(hyperedu, word) and word not in READ]


@pytest.fixture(scope="module")
def pseudo_catalogues(tmp_path_factory):
    folder = tmp_path_factory.mktemp("catalogues")
    catalogues.write_pseudo(folder)
    return folder


@pytest.mark.notebook
@pytest.mark.parametrize("lesson", editions.LESSONS)
def test_a_lesson_runs_in_a_language_in_which_every_text_is_marked_and_longer(lesson, pseudo_catalogues, monkeypatch):
    """It runs from top to bottom, every slider moves, every answer is right, all that is said is marked, nothing is clipped."""
    monkeypatch.setenv("HYPEREDU_CATALOGUES", str(pseudo_catalogues))
    (edition,) = [row for row in editions.EDITIONS if row.language == catalogues.PSEUDO]
    cells = [cell for cell in catalogues.translated(lesson, edition.language) if cell.cell_type == "code"]
    first, last = (nbformat.v4.new_code_cell(source) for source in (SHORT + REMEMBER, TELL))
    notebook = nbformat.v4.new_notebook(cells=[first, *cells, last])
    build.run(notebook, edition.language)
    figures, clipped, alike = json.loads(notebook.cells.pop().outputs[0].text)
    wrong = [f"not marked: {text}" for text in figures if words_of(text)]
    wrong += [f"clipped: {text}" for text in clipped if "⟦" in text]  # not ticks beyond the limits, which nobody sees
    wrong += [f"told apart by colour alone: {names}" for names in alike]
    checked = 0
    for cell in notebook.cells[1:]:
        text = "".join(output.get("text", "") for output in cell.outputs if output.output_type == "stream")
        tags = cell.metadata.get("tags", [])
        if "checks." in cell.source and ("exercise" in tags or "solution" in tags):
            checked += 1
            if not text.startswith("⟦") or ("○" in text) != ("exercise" in tags) or ("✓" in text) != ("solution" in tags):
                wrong.append(f"{cell.id} said: {text}")
        alts = [kept["alt"] for output in cell.outputs for kept in output.get("metadata", {}).values() if "alt" in kept]
        wrong += [f"{cell.id} has the alt text: {alt}" for alt in alts if words_of(alt)]
    assert not wrong, "\n".join(wrong)
    assert checked == 2 * EXERCISES, "each unanswered and answered"


@pytest.mark.parametrize("document", [document for lesson in editions.LESSONS for document in editions.documents_of(lesson)])
def test_another_language_has_other_prose_and_the_same_code(document):
    english, other = editions.cells(document), catalogues.translated(document, catalogues.PSEUDO)
    assert [(cell.id, cell.cell_type) for cell in english] == [(cell.id, cell.cell_type) for cell in other]
    for one, two in zip(english, other, strict=True):
        if one.cell_type == "code":
            assert one == two
            continue
        assert one.source.count("\n") == two.source.count("\n")
        assert catalogues.KEPT.findall(one.source) == catalogues.KEPT.findall(two.source), one.id
        assert re.findall(r"(?m)^#+ ", one.source) == re.findall(r"(?m)^#+ ", two.source), one.id
        assert words_of(catalogues.KEPT.sub(" ", two.source)) == [], one.id


def test_a_text_in_the_pseudo_language_is_a_third_longer():
    for text in (
        "mean squared error",
        "A number is asked for, this is {kind}: use .item() to take the one number of a tensor.",
    ):
        assert 1.2 < len(catalogues.marked(text)) / len(text) < 1.5
    assert "{kind}" in catalogues.marked("this is {kind}, which it is not")
    assert catalogues.marked("# A *heading* of `code`, as it is").startswith("# ⟦Ä *hëädïng* öf `code`, äs")


def test_what_a_family_is_drawn_with_is_in_the_catalogue_of_what_all_share():
    """The names of its properties and of its axes: a lesson that draws it need not write them out."""
    assert {"amplitude", "phase"} <= {english for english, _, _ in catalogues.messages(None)}
    module = """
class Falls:
    axis_labels = ("time (s)", "y")

    def __init__(self):
        self.descriptors = Metadata(["height"], ["m"], mean=0, std=1)
"""
    assert set(catalogues._in_a_module(ast.parse(module), "falls.py")) == {"time (s)", "height"}


@pytest.fixture
def translation(tmp_path, monkeypatch):
    """A lesson of two cells of prose, its German catalogue, and what it says after its translation."""
    source = tmp_path / "lessons" / "example" / "lesson.py"
    source.parent.mkdir(parents=True)
    lines = ("# %% opening [markdown]", "# # Tasks", "", "# %% one", "1", "", "# %% more [markdown]", "# More.", "")
    source.write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setattr(editions, "FOLDERS", tmp_path / "lessons")
    monkeypatch.setattr(catalogues, "FOLDERS", tmp_path / "lessons")
    monkeypatch.setattr(catalogues, "ROOT", tmp_path)
    path = source.parent / "de.po"
    assert catalogues.update(path, "de", "example") == (2, 2)
    with path.open("rb") as file:
        catalogue = read_po(file)
    for message in catalogue:
        if message.id:
            message.string = {"# Tasks": "# Aufgaben", "More.": "Mehr."}[message.id]
    with path.open("wb") as file:
        write_po(file, catalogue)
    return source, path


def test_a_translation_is_found_by_the_name_of_the_cell(translation):
    assert [cell.source for cell in catalogues.translated("example", "de")] == ["# Aufgaben", "1", "Mehr."]
    assert [cell.source for cell in catalogues.translated("example", "fr")] == ["# Tasks", "1", "More."]


def test_what_has_not_changed_leaves_the_catalogue_as_it_is(translation):
    _source, path = translation
    catalogues.update(path, "de", "example")
    before = re.sub(r"POT-Creation-Date: [^\\]*", "POT-Creation-Date: 2020-02-02 02:02+0000", path.read_text(encoding="utf-8"))
    path.write_text(before, encoding="utf-8")
    catalogues.update(path, "de", "example")
    assert path.read_text(encoding="utf-8") == before


def test_the_ending_of_an_edition_is_in_its_language(translation, tmp_path, monkeypatch):
    _source, _path = translation
    english = next(edition for edition in editions.EDITIONS if edition.ending)
    german = replace(english, language="de")
    monkeypatch.setattr(catalogues, "PACKAGE", tmp_path)
    assert build.notebook_of(german, "example", {}).cells[0].source.endswith(english.ending)
    catalogue = Catalog(locale="de")
    catalogue.add(english.ending, "*Mit Lösungen.*")
    (tmp_path / "languages").mkdir()
    with (tmp_path / "languages" / "de.po").open("wb") as file:
        write_po(file, catalogue)
    assert build.notebook_of(german, "example", {}).cells[0].source == "# Aufgaben\n\n*Mit Lösungen.*"
    assert catalogues.ending(replace(english, language=catalogues.PSEUDO)) == catalogues.marked(english.ending)


def test_what_was_changed_in_english_is_stale_and_nothing_else(translation):
    source, path = translation
    source.write_text(source.read_text(encoding="utf-8").replace("More.", "More of it."), encoding="utf-8")
    assert [cell.source for cell in catalogues.translated("example", "de")] == ["# Aufgaben", "1", "More of it."]
    assert catalogues.update(path, "de", "example") == (1, 2)
    text = path.read_text(encoding="utf-8")
    assert "#, fuzzy" in text, "for the translator, with what it was"
    assert "Mehr." in text
    assert catalogues.digest("More of it.") in text
    assert [cell.source for cell in catalogues.translated("example", "de")] == ["# Aufgaben", "1", "More of it."]


def said_in(language, folder, script):
    line = f"import os; os.environ.update(HYPEREDU_LANGUAGE={language!r}, HYPEREDU_CATALOGUES={str(folder)!r})\n{script}"
    done = subprocess.run([sys.executable, "-c", line], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_package_speaks_the_language_of_its_catalogues(tmp_path):
    catalogue = Catalog(locale="de")
    catalogue.add("this is {kind}", "das ist {kind}")
    catalogue.add(("{n} step", "{n} steps"), ("{n} Schritt", "{n} Schritte"))
    catalogue.add(("{n} task", "{n} tasks"), ("", ""))
    catalogue.add("old", "alt", flags={"fuzzy"})
    (tmp_path / "languages").mkdir()
    with (tmp_path / "languages" / "de.po").open("wb") as file:
        write_po(file, catalogue)
    script = "from hyperedu.words import _, n_\n"
    script += "print(_('this is {kind}', kind=1), n_('{n} step', '{n} steps', 1), n_('{n} step', '{n} steps', 2), "
    script += "_('old'), _('{x}'), n_('{n} task', '{n} tasks', 2))"
    assert said_in("de", tmp_path, script) == "das ist 1 1 Schritt 2 Schritte old {x} 2 tasks\n"
    assert said_in("en", tmp_path, script) == "this is 1 1 step 2 steps old {x} 2 tasks\n"
    assert said_in("fr", tmp_path, script) == "this is 1 1 step 2 steps old {x} 2 tasks\n", "without a catalogue it is English"


def test_a_notebook_speaks_the_language_of_its_folder(tmp_path):
    for folder in ("catalogues/languages", "zh-CN/solutions"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "catalogues" / "languages" / "zh-CN.po").write_text('msgid "old"\nmsgstr "旧"\n', encoding="utf-8")
    for folder in ("zh-CN", "zh-CN/solutions"):
        script = f"os.chdir({str(tmp_path / folder)!r})\nfrom hyperedu.words import language\nprint(language())"
        assert said_in("", tmp_path / "catalogues", script) == "zh-CN\n"
