"""The code as such: typed, in one style, in pieces that can be read; randomness, encodings and kinds as the design says."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = sorted((ROOT / "hyperedu").rglob("*.py"))
CORE = [path for path in PACKAGE if "lessons" not in path.parts]
OF_LESSONS = [path for path in PACKAGE if "lessons" in path.parts]
DRAWS = {"matplotlib", "ipywidgets", "anywidget", "IPython", "PIL"}
LEARNERS = {"Learner", "SharedWeights", "MAML", "FirstOrderMAML", "ANIL", "MetaSGD", "Reptile", "Conditioned", "Hypernetwork",
            "SupportSetHypernetwork", "HyperMAML", "TaskConditionedMAML", "DescriptorAdaptation"}  # fmt: skip


def functions(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def imported(path):
    """The modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))


def test_the_core_knows_no_lesson():
    assert {path.name: name for path in CORE for name in imported(path) if name.startswith("hyperedu.lessons")} == {}


def test_a_lesson_knows_no_other():
    for path in OF_LESSONS:
        own = path.parent.name
        others = {name.split(".")[2] for name in imported(path) if name.startswith("hyperedu.lessons.")}
        others -= {own, "asking", "feedback", "probes", "progress", "projecting", "variants", "writing"}
        assert own == "lessons" or not others, path


def test_what_computes_does_not_draw():
    for path in CORE:
        reads = {"PIL"} if path.name == "omniglot.py" else set()  # drawings that people made
        if "figures" not in path.parts:
            assert not {name.split(".")[0] for name in imported(path)} & DRAWS - reads, path


@pytest.mark.parametrize("command", ["mypy", "ruff check", "ruff format --check"])
def test_the_code_passes(command):
    said = subprocess.run([sys.executable, "-m", *command.split()], cwd=ROOT, capture_output=True, encoding="utf-8")
    assert said.returncode == 0, said.stdout + said.stderr


def test_no_function_of_the_core_is_longer_than_sixty_lines():
    long = {
        f"{path.name}:{f.name}": f.end_lineno - f.lineno + 1
        for path in CORE for f in functions(path) if f.end_lineno - f.lineno >= 60
    }  # fmt: skip
    assert long == {}


def test_randomness_is_called_rng():
    for path in CORE:
        for function in functions(path):
            for argument in (*function.args.args, *function.args.kwonlyargs):
                if argument.annotation and "torch.Generator" in ast.unparse(argument.annotation):
                    assert argument.arg == "rng", f"{path.name}:{function.name}"


def test_nothing_asks_a_learner_of_which_kind_it_is():
    for path in CORE:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("isinstance", "issubclass", "type"):
                assert not LEARNERS & {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}, f"{path.name}:{node.lineno}"


def test_intervals_are_computed_in_one_place():
    for path in (ROOT / "hyperedu").rglob("*.py"):
        code = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
        assert path.name == "statistics.py" or "1.96" not in "\n".join(code), path
