"""Solutions changed at one place by program: no check takes one that computes something else.

What is taken all the same computes the same, for a reason that stands in `SAME`.
"""

import ast
import contextlib
import copy
import io

import pytest

import editions
from saying import RIGHT
from test_answers import call_of_the_check, namespace

WAYS = 20  # of each solution
OTHER_NAME = {
    "mean": "sum", "sum": "mean", "any": "all", "all": "any", "square": "abs", "abs": "square", "support": "query",
    "query": "support", "x": "y", "y": "x", "stack": "cat", "cat": "stack", "weight": "bias", "train": "test", "test": "train",
}  # fmt: skip
OTHER_SIGN = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult, ast.Eq: ast.NotEq,
    ast.Is: ast.IsNot, ast.MatMult: ast.Mult, ast.And: ast.Or, ast.Or: ast.And, ast.In: ast.NotIn, ast.Lt: ast.GtE,
}  # fmt: skip
# What changes nothing: lesson, exercise, a part of the changed solution → why.
SAME = {
    ("start_here", 2, "x([6]))"): "a tensor of one number is one number",
    ("start_here", 2, "x([-6])"): "half a year back is half a year on",
    ("everything_is_a_mapping", 2, "view(4, -1)"): "torch fills in the -1",
    ("everything_is_a_mapping", 2, "x * W_1.T"): "of one input a product and a broadcast are the same",
    ("everything_is_a_mapping", 3, "view(-1, 3)"): "torch fills in the -1",
    ("everything_is_a_mapping", 3, "theta[12:26]"): "a slice ends where θ ends",
    ("task_descriptors", 1, "2 * 2 /"): "2 · 2 = 2²",
    ("task_descriptors", 2, "dim=1"): "of two dimensions the last is 1",
    ("learning_to_learn", 2, ".mean() for D"): "a tensor of one number is one number",
    ("hypernetworks_meet_maml", 1, "1 ** "): "a power of one",
    ("hypernetworks_meet_maml", 2, "dim=1"): "of two dimensions the last is 1",
    ("hypernetworks_meet_maml", 3, "tau - s"): "the errors are symmetric",
    ("regularization", 1, " / 2"): "0, 1 and 2 · 2 = 2²: the sum is the same",
    ("regularization", 2, "h="): "the default for h, which the check gives",
    ("regularization", 3, "sum(1)"): "of two dimensions the last is 1",
    ("regularization", 3, "sum(--1)"): "of two dimensions the last is 1",
    ("few_shot_characters", 1, "1, 2 * 2"): "2 · 1 − 1 = 1",
    ("few_shot_characters", 2, "sum(1)"): "of two dimensions the last is 1",
    ("few_shot_characters", 2, "sum(--1)"): "of two dimensions the last is 1",
}


def changes(node: ast.AST) -> list:
    """What may be done to one node: functions that change it, or give what stands in its place."""
    found: list = []
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        found += [
            lambda n, v=v: setattr(n, "value", v) for v in (node.value + 1, 2 * node.value, -node.value) if v != node.value
        ]
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        found.append(lambda n: setattr(n, "value", not n.value))
    if isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in OTHER_SIGN:
        found.append(lambda n: setattr(n, "op", OTHER_SIGN[type(n.op)]()))
    if isinstance(node, ast.BinOp):
        found += [lambda n: n.left, lambda n: n.right]
    if isinstance(node, ast.Compare) and type(node.ops[0]) in OTHER_SIGN:
        found.append(lambda n: n.ops.__setitem__(0, OTHER_SIGN[type(n.ops[0])]()))
    if isinstance(node, ast.UnaryOp):
        found.append(lambda n: n.operand)
    if isinstance(node, ast.Attribute) and node.attr in OTHER_NAME:
        found.append(lambda n: setattr(n, "attr", OTHER_NAME[n.attr]))
    if isinstance(node, ast.Attribute) and node.attr == "T":
        found.append(lambda n: n.value)
    if isinstance(node, ast.Call):
        found += [lambda n, k=k: n.keywords.pop(k) and None for k in range(len(node.keywords))]
        if len(node.args) > 1:
            found.append(lambda n: n.args.reverse())
        if isinstance(node.func, ast.Attribute) and not isinstance(node.func.value, ast.Name):
            found.append(lambda n: n.func.value)
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("detach", "square", "mean", "sum", "float"):
            found.append(lambda n: n.func.value)
    return found


class At(ast.NodeTransformer):
    """Changes the k-th place that can be changed."""

    def __init__(self, k: int):
        self.left, self.done = k, ""

    def visit(self, node):
        for change in changes(node):
            self.left -= 1
            if self.left == -1:
                replaced = change(node)
                return replaced if isinstance(replaced, ast.AST) else node
        return self.generic_visit(node)


def mutants(source: str) -> list[str]:
    """At most `WAYS` of them, spread evenly over all."""
    tree = ast.parse(source)
    n = sum(len(changes(node)) for node in ast.walk(tree))
    every = [ast.unparse(ast.fix_missing_locations(At(k).visit(copy.deepcopy(tree)))) for k in range(n)]
    every = [one for one in dict.fromkeys(every) if one != ast.unparse(tree)]
    return [every[k * len(every) // WAYS] for k in range(WAYS)] if len(every) > WAYS else every


def solution(lesson: str, exercise: int) -> str:
    (cell,) = [cell for cell in editions.cells(lesson) if cell.id == f"exercise-{exercise}-solution"]
    return "\n".join(line for line in cell.source.splitlines() if not line.startswith("checks."))


def accepted(lesson: str, exercise: int) -> list[str]:
    found = []
    for mutant in mutants(solution(lesson, exercise)):
        names, said = dict(namespace(lesson)), io.StringIO()
        with contextlib.suppress(Exception), contextlib.redirect_stdout(said):
            exec(mutant, names)
            exec(call_of_the_check(lesson, exercise), names)
        if RIGHT in said.getvalue():
            found.append(mutant)
    return found


@pytest.mark.parametrize("exercise", [1, 2, 3])
@pytest.mark.parametrize("lesson", editions.LESSONS)
def test_a_solution_changed_at_one_place_is_not_taken(lesson, exercise):
    unknown = [m for m in accepted(lesson, exercise) if not any(part in m for (*of, part) in SAME if of == [lesson, exercise])]
    assert unknown == [], "if it computes the same, say in SAME why; if not, the check takes what is wrong"


def test_there_are_changes_enough():
    n = [len(mutants(solution(lesson, exercise))) for lesson in editions.LESSONS for exercise in (2, 3)]
    assert sum(n) > 10 * len(n)
