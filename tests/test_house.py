"""The code as such: typed, in one style, in pieces that can be read; randomness, encodings and kinds as the design says."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CORE = [path for path in sorted((ROOT / "hyperedu").rglob("*.py")) if not {"exercises", "pictures"} & set(path.parts)]
LEARNERS = {"Learner", "SharedWeights", "MAML", "FirstOrderMAML", "ANIL", "MetaSGD", "Reptile", "Conditioned", "Hypernetwork",
            "SupportSetHypernetwork", "HyperMAML", "TaskConditionedMAML", "DescriptorAdaptation"}  # fmt: skip


def functions(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


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
        assert path.name == "statistics.py" or "1.96" not in path.read_text(encoding="utf-8"), path
