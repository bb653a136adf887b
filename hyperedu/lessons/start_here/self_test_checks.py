"""The questions of the self-test before the first lesson: who can answer them can take the course.

They count in no progress: that is of the lessons. What was answered is known until the kernel ends, for the summary.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hyperedu.lessons import feedback
from hyperedu.words import _

PYTORCH = "https://docs.pytorch.org/"
AUTOGRAD = f"the tutorial on autograd: {PYTORCH}tutorials/beginner/blitz/autograd_tutorial.html"
SHAPES = f"the notes on broadcasting: {PYTORCH}docs/stable/notes/broadcasting.html"
LAYERS = "Dive into Deep Learning, Linear Algebra: https://d2l.ai/chapter_preliminaries/linear-algebra.html"
CALCULUS = "Dive into Deep Learning, Calculus: https://d2l.ai/chapter_preliminaries/calculus.html"
TESTS = "Dive into Deep Learning, Generalization: https://d2l.ai/chapter_linear-regression/generalization.html"
PYTHON = "the Python tutorial, chapters 3 to 5: https://docs.python.org/3/tutorial/"


@dataclass(frozen=True)
class Question:
    """What is right, and what is said of anything else.

    Attributes:
        right: a number, a shape, or the letter of a choice.
        because: why it is right.
        mistakes: a wrong answer → the mistake behind it.
        otherwise: what is said of other wrong answers.
        read: what to read where it is missing.
        before: the number of the lesson that needs it.
    """

    right: float | tuple[int, ...] | str
    because: str
    read: str
    otherwise: str
    mistakes: Mapping = field(default_factory=dict)
    before: int = 0


QUESTIONS = {
    "gradient": Question(
        30, "2 · 5 · 3, the outer derivative at 5 times the inner one.", AUTOGRAD,
        "The derivative of (3w − 1)² is 2 (3w − 1) · 3.",
        {10: "The inner derivative, 3, is missing.", 25: "That is the loss itself.", 6: "That leaves out 3w − 1, which is 5."},
    ),
    "detach": Question(
        "c", "After detach() nothing leads from the loss to w: backward raises an error, and w.grad stays None.", AUTOGRAD,
        "detach() gives the value without its history.",
        {"a": "That would be so without detach().", "b": "Not a zero: there is no gradient at all, and backward says so."},
    ),
    "weights": Question(
        16, "3 · 4 weights and 4 biases.", LAYERS,
        "Each of the 4 outputs has 3 weights and a bias.",
        {12: "The biases are missing.", 7: "Each input is joined to each output.",
         15: "One bias for each output, not each input."},
    ),
    "broadcast": Question(
        (25, 7, 1), "Shapes are compared from the right; the missing one on the left counts as 1.", SHAPES,
        "Write both shapes below each other, flush right.",
        {(7, 1): "All 25 stay.", (25, 7, 7): "So it would be with a y of shape (1, 7)."},
    ),
    "step": Question(
        1.8, "(1 − αh) θ = 0.6 · 3.", CALCULUS, "The derivative of ½ h θ² is h θ; subtract α times it.",
        {4.2: "A step of descent goes against the gradient.", 2.4: "The ½ goes away in the derivative.",
         0.6: "That is the factor, 1 − αh; times θ.", -9: "The rate is missing."},
        before=5,
    ),
    "test-set": Question(
        "b", "What was fitted to data, or chosen by it, looks better there than on new data.", TESTS,
        "What is a test set to tell?",
        {"a": "Time is no reason.", "c": "More data would help the fit; but what would then tell how good it is?"},
    ),
    "chain-rule": Question(
        8, "∂L/∂W = z xᵀ, and its first entry is z₁ x₁ = 4 · 2.", CALCULUS, "First z = Wx = (4, 1); then ∂L/∂W₁₁ = z₁ · x₁.",
        {4: "That is ∂L/∂z₁; times ∂z₁/∂W₁₁.", 2: "That is ∂z₁/∂W₁₁; times ∂L/∂z₁.",
         16: "The ½ goes away once, and the rest is z₁ x₁."},
        before=2,
    ),
    "product": Question(
        (25, 7, 4), "25 products, each of (7, 3) with (3, 4).", SHAPES,
        "The last two are matrices; what stands before is a batch.",
        {(7, 4): "Each of the 25 has its own.", (25, 7, 25, 4): "The 25 go side by side, not each with each.",
         (25, 4, 7): "Rows of the first, columns of the second."},
        before=1,
    ),
    "chosen": Question(
        "a", "The smallest of ten is small partly by luck, and luck does not come again.", TESTS,
        "Why was this one of the ten the best?",
        {"b": "Its test error was used to choose it.", "c": "What could make it smaller?"},
    ),
    "alias": Question(
        2, "Both names are of one tensor, and += changes it.", PYTHON, "Does `other = theta` make a copy?",
        {0: "`other = theta` makes no copy.", 1: "Both numbers are changed; their sum is asked for."},
    ),
}  # fmt: skip
_given: dict[str, bool] = {}  # the name of a question → whether it was answered rightly


def check(name: str, answer: object) -> None:
    """Say whether the answer to a question is right; where it is not, what the mistake is and what to read.

    Raises:
        ValueError: there is no such question.
    """
    if name not in QUESTIONS:
        raise ValueError(_("there is no question {name!r}, but {known}", name=name, known=", ".join(QUESTIONS)))
    asked = QUESTIONS[name]
    found = feedback.result(_compare, asked, answer)
    if found.right is None:
        _given.pop(name, None)
        return
    _given[name] = found.right
    if not found.right:
        print(_("  Read {read}.", read=asked.read))


def _compare(asked: Question, answer: object) -> None:
    if isinstance(asked.right, int | float):
        mistakes = {said: gives for gives, said in asked.mistakes.items()}
        feedback.number(answer, asked.right, asked.because, mistakes, asked.otherwise)
    elif not feedback.unanswered(answer):
        _compare_choice(asked, answer)


def _compare_choice(asked: Question, answer: object) -> None:
    """A letter in any case, or a shape as a tuple, a list or a torch.Size."""
    if isinstance(asked.right, str):
        given = answer.strip().lower() if isinstance(answer, str) else None
        expected = _('Write the letter of an answer in quotation marks: "a".')
    else:
        given = tuple(answer) if isinstance(answer, tuple | list) else None
        expected = _("Write the shape in parentheses, as (25, 7).")
    if given is None or (isinstance(given, str) and given not in ("a", "b", "c")):
        feedback.wrong(expected)
    elif given == asked.right:
        feedback.right(asked.because)
    else:
        feedback.wrong(asked.mistakes.get(given, asked.otherwise))


def summary() -> None:
    """Say whether one can begin, and what to do first."""
    missing = [name for name in QUESTIONS if name not in _given]
    if not _given:
        print(_("Nothing is answered yet: answer the questions above, and run this cell again."))
    elif missing:
        print(_("{n} of {all} are not answered yet: {names}.", n=len(missing), all=len(QUESTIONS), names=", ".join(missing)))
    wrong = [QUESTIONS[name] for name in QUESTIONS if _given.get(name) is False]
    for before in sorted({asked.before for asked in wrong}):
        reads = dict.fromkeys(asked.read for asked in wrong if asked.before == before)  # each once, in this order
        when = _("Do this first") if before == 0 else _("Before lesson {number:02d}", number=before)
        for read in reads:
            print(f"{when}: {read}")
    if not missing and not wrong:
        print(_("Ready: begin with lesson 00."))
    elif not missing and all(asked.before for asked in wrong):
        print(_("Ready: begin with lesson 00, and read the above in time."))
