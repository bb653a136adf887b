"""Every edition of every notebook: fresh, runs from top to bottom, reads well without a kernel, within the course's bounds."""

import ast
import importlib.util
import re
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
_spec = importlib.util.spec_from_file_location("build", NOTEBOOKS / "build.py")
build = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(build)

SOURCES = build.sources()
COMMITTED = sorted([*NOTEBOOKS.glob("*.ipynb"), *NOTEBOOKS.glob("solutions/*.ipynb")])
every_source = pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem[:2])
every_committed = pytest.mark.parametrize("path", COMMITTED, ids=lambda path: f"{path.stem[:2]}-{path.parent.name}")


def outputs(notebook):
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def test_what_is_committed_was_built_from_the_sources_as_they_are():
    assert build.stale() == [], "run `make notebooks` and commit what it writes"


def test_a_change_of_the_source_makes_an_edition_stale(tmp_path, monkeypatch):
    (tmp_path / "source").mkdir()
    source = tmp_path / "source" / "90_example.py"
    source.write_text("# %% [markdown]\n# # Example\n\n# %%\nprint(1)\n", encoding="utf-8")
    monkeypatch.setattr(build, "HERE", tmp_path / "notebooks")
    monkeypatch.setattr(build, "sources", lambda prefix="": [source])
    folders = {"learner": tmp_path / "notebooks", "solutions": tmp_path / "notebooks" / "solutions"}
    monkeypatch.setattr(build, "EDITIONS", folders)
    assert len(build.stale()) == 2
    for name, folder in folders.items():
        folder.mkdir(exist_ok=True)
        nbformat.write(build.edition(source, name), folder / "90_example.ipynb")
    assert build.stale() == []
    source.write_text(source.read_text(encoding="utf-8").replace("print(1)", "print(2)"), encoding="utf-8")
    assert len(build.stale()) == 2


@every_source
@pytest.mark.parametrize("name", build.EDITIONS)
@pytest.mark.notebook
def test_an_edition_runs_from_top_to_bottom_and_every_slider_moves(source, name):
    notebook = build.edition(source, name)
    build.run(notebook)  # raises where a cell or a slider does
    said = "".join(output.get("text", "") for output in outputs(notebook) if output.output_type == "stream")
    assert said.count("○ Not answered yet") == (3 if name == "learner" else 0)
    assert said.count("✓ Right") == (0 if name == "learner" else 3)
    assert "✗" not in said


def test_a_slider_whose_callback_raises_fails_the_build(tmp_path):
    source = tmp_path / "90_broken.py"
    source.write_text(
        "# %% [markdown]\n# # Broken\n\n# %%\nfrom hyperedu import figures, live\n"
        "figure, (axes,) = figures.subplots()\nlive.interact(figure, lambda a: str(1 / (a - 3)), a=(1, 3))\n",
        encoding="utf-8",
    )
    with pytest.raises(Exception, match="ZeroDivisionError"):
        build.run(build.edition(source, "learner"))


@every_committed
def test_a_committed_notebook_reads_well_without_a_kernel(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert "widgets" not in notebook.metadata
    for output in outputs(notebook):
        assert output.output_type != "error", path
        data = output.get("data", {})
        assert not any("widget" in kind for kind in data), "a page without a kernel shows 'model not found'"
        if "image/png" in data:
            assert len(output.metadata["image/png"]["alt"]) > 30
    for cell in notebook.cells:
        if cell.cell_type == "code" and "live.interact" in cell.source:
            assert any("image/png" in output.get("data", {}) for output in cell.outputs), "the live figure left no picture"


@every_source
def test_a_lesson_has_the_parts_of_the_template(source):
    for name in build.EDITIONS:
        cells = build.edition(source, name).cells
        prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        code = [cell.source for cell in cells if cell.cell_type == "code"]
        for part in ("*You will be able to*", "minutes", "## Exercises", "## Quiz", "## In one breath", "## References"):
            assert part in prose, part
        assert prose.count("**Predict.**") >= sum("live.interact" in cell for cell in code) >= 1
        assert len(re.findall(r"<summary>Hint", prose)) == 6
        assert len(re.findall(r"^\*\*\d\. ", prose, re.MULTILINE)) == 5
        assert all(len(cell.splitlines()) <= 15 for cell in code)
        for cell in code:
            ast.parse(cell)


@every_source
def test_every_displayed_equation_has_a_test(source):
    """The tests say in their docstrings or names which equation they are of."""
    equations = re.findall(r"\\tag\{(\d+)\}", source.read_text(encoding="utf-8"))
    assert equations == [str(n + 1) for n in range(len(equations))], "numbered in order"
    tests = "\n".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    lesson = source.stem[:2]
    for number in equations:
        assert re.search(rf"[Ll]esson[ _]{lesson},?[ _]equation[ _]{number}\b", tests), f"lesson {lesson}, equation {number}"


@every_source
def test_links_between_lessons_lead_somewhere(source):
    prose = "\n".join(cell.source for cell in build.edition(source, "solutions").cells if cell.cell_type == "markdown")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", prose):
        assert (NOTEBOOKS / target).exists(), target
