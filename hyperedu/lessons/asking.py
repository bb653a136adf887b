"""Questions that keep their answers: predictions, which are locked before a figure answers, and quizzes.

A prediction is a choice, a number, or a curve sketched by hand. Until it is locked, or skipped, the figure is not shown; then
what was predicted stands beside what is so, with the distance and a sentence. What was answered is kept in the learner's
progress (progress.py) and, as text, in the notebook: opened again it is there, with a kernel and without. Beside the text it
stands there as progress.json has it, for programs that read many notebooks (course/collected.py).

The other way round, what readers ask is answered below the exercises of each lesson.
"""

import html
import json
import re
import uuid
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import numpy as np
import traitlets
from IPython.display import display

from hyperedu.figures.kept import cell_that_runs
from hyperedu.figures.live import LiveFigure
from hyperedu.lessons import progress
from hyperedu.words import _, prose

HERE = Path(__file__).parent
SKIPPED = "skipped"


@dataclass(frozen=True)
class Choice:
    """What is predicted by choosing.

    Attributes:
        question: in one sentence.
        options: what can be chosen → what is said to who chose it.
        right: the option that is so.
    """

    question: str
    options: Mapping[str, str]
    right: str

    kind = "choice"

    def answer(self, chosen: str) -> str:
        mark = "✓" if chosen == self.right else "✗"
        said = f"{mark} {_(self.options[chosen])}"
        return said if chosen == self.right else said + " " + _("What is so: {right}", right=_(self.right))


@dataclass(frozen=True)
class Number:
    """What is predicted as a number.

    Attributes:
        question: in one sentence.
        unit: of the number.
        close: a distance up to which a prediction is called close.
        because: said to everybody.
    """

    question: str
    unit: str
    close: float
    because: str

    kind = "number"

    def answer(self, said: float, so: float) -> str:
        near = _("close") if abs(said - so) <= self.close else _("not close")
        return _(
            "You said {said:g} {unit}, it is {so:.3g} {unit}: {distance:.2g} away, {near}. {because}",
            said=said, so=so, unit=self.unit, distance=abs(said - so), near=near, because=_(self.because),
        )  # fmt: skip

    def told(self, so: float) -> str:
        """To who skipped: no figure behind it need say it."""
        return _("It is {so:.3g} {unit}. {because}", so=so, unit=self.unit, because=_(self.because))


@dataclass(frozen=True)
class Sketch:
    """What is predicted as a curve over a few places.

    Attributes:
        question: in one sentence.
        x, y: labels of the axes.
        places: the names of the places along x.
        low, high: the ends of the y axis.
        because: said to everybody.
    """

    question: str
    x: str
    y: str
    places: Sequence[str]
    low: float
    high: float
    because: str

    kind = "sketch"

    def answer(self, said: Sequence[float], so: Sequence[float]) -> str:
        error = np.asarray(said) - np.asarray(so)
        worst = int(np.abs(error).argmax())
        return _(
            "Your curve is {rms:.2g} away on average (root mean square), furthest at {place}, by {far:.2g}. {because}",
            rms=float(np.sqrt((error**2).mean())), place=self.places[worst], far=abs(error[worst]), because=_(self.because),
        )  # fmt: skip


class Question(anywidget.AnyWidget):
    """One question in the browser.

    Attributes:
        asks: kind, question and what belongs to it, in the reader's language.
        given: what the learner locked: {"value": …}, or {"value": "skipped"}; empty before.
        so: what is so: of a number one, of a sketch a number for each place, of a choice none.
        said: what is said to the answer.
        labels: of buttons and fields.
    """

    _esm = HERE / "asking.js"
    _css = HERE / "asking.css"
    asks = traitlets.Dict().tag(sync=True)
    given = traitlets.Dict().tag(sync=True)
    so = traitlets.List().tag(sync=True)
    said = traitlets.Unicode("").tag(sync=True)
    labels = traitlets.Dict().tag(sync=True)


class Asked(ipywidgets.VBox):
    """A question and, once it is answered or skipped, what it stands before.

    A saved notebook keeps it as text.
    """

    shown: "weakref.WeakSet[Asked]" = weakref.WeakSet()  # every question there is, for tools that skip them

    def __init__(
        self, name: tuple[str, str], question: Question, answer: Callable[[Any], str], keep: Callable[[Any], None], given: Any,
        figure: LiveFigure | None = None,
    ):  # fmt: skip
        self._answer, self._keep, self._figure, self._stored = answer, keep, figure, None
        self.name = name  # of the lesson, and its own there
        self._key = uuid.uuid4().hex
        self.question = question
        super().__init__([question])
        self.add_class("hyperedu-asked")
        if given is not None:
            question.given = {"value": given}
            self._reveal()
        question.observe(self._locked, "given")
        self._cell, self._run = cell_that_runs()
        for other in list(self.shown):  # of an earlier run of the same cell
            if self._cell is not None and other._cell == self._cell and other._run != self._run:
                other.close()
        self.shown.add(self)

    @property
    def answered(self) -> bool:
        return bool(self.question.given)

    def lock(self, value: Any) -> None:
        """Answer by program, as the browser does."""
        self.question.given = {"value": value}

    def close(self) -> None:
        """Free the question; what was answered is kept, and the figure is its own cell's to close."""
        self.shown.discard(self)
        self.question.unobserve_all()
        self.question.close()
        super().close()
        self._figure = self._stored = None

    def _locked(self, change: dict) -> None:
        if self.answered:
            self._keep(self.question.given["value"])
            self._reveal()

    def _reveal(self) -> None:
        value = self.question.given["value"]
        self.question.said = self._answer(value)
        if self._figure is not None:
            self.children = [self.question, self._figure]
        self._refresh()

    def _kept(self) -> tuple[dict[str, str], dict[str, dict]]:
        """The question as text, for places without a kernel; a figure that is not yet to be seen is folded away."""
        asks, given = self.question.asks, self.question.given.get("value")
        lines = [f"<p><strong>{html.escape(asks['question'])}</strong></p>"]
        if asks.get("options"):
            chosen = "".join(
                f"<li>{html.escape(option)}{' ← ' + html.escape(_('your choice')) if value == given else ''}</li>"
                for option, value in zip(asks["options"], asks["values"], strict=True)
            )
            lines.append(f"<ul>{chosen}</ul>")
        elif self.answered and given != SKIPPED:
            lines.append(f"<p>{html.escape(_('You said: {said}', said=given))}</p>")
        lines.append(f"<p>{html.escape(self.question.said)}</p>" if self.question.said else "")
        data, metadata, shown = _behind(self._figure, self.answered) if self._figure is not None else ({}, {}, "")
        lines.append(shown)
        text = " ".join(filter(None, (asks["question"], *asks.get("options", ()), self.question.said)))
        (lesson, name), so = self.name, self.question.so
        noted = _noted({lesson: {"predictions": {name: given}}, "so": so}) if self.answered else ""
        page = f'<div data-hyperedu-kept="{self._key}"{noted}>{"".join(lines)}</div>'
        return data | {"text/html": page, "text/plain": text}, metadata

    def _ipython_display_(self, **kwargs) -> None:
        self.question.labels = {**self.question.labels, "key": self._key}
        data, metadata = self._repr_mimebundle_(**kwargs)
        display(data, metadata=metadata, raw=True)
        data, metadata = self._kept()
        self._stored = display(data, raw=True, metadata=metadata, display_id=f"hyperedu-{uuid.uuid4().hex}")
        if self._figure is not None:
            self._figure.kept_by(self._refresh)

    def _refresh(self) -> None:
        if self._stored is not None:
            data, metadata = self._kept()
            self._stored.update(data, raw=True, metadata=metadata)

    def _repr_mimebundle_(self, **kwargs) -> tuple[dict, dict]:
        found = self.question._repr_mimebundle_(**kwargs)
        return super()._repr_mimebundle_(**kwargs), found[1] if isinstance(found, tuple) else {}


class Waiting(ipywidgets.VBox):
    """A figure that lives from now on, as one that follows a training, and is shown once a question above it is answered."""

    def __init__(self, asked: Asked, figure: LiveFigure):
        self._asked, self._figure, self._stored, self._key = asked, figure, None, uuid.uuid4().hex
        kept = f'[data-hyperedu-kept="{self._key}"]'
        self._hidden = f"<style>{kept}, .jp-OutputArea-child:has({kept}) {{ display: none }}</style>"
        said = html.escape(_("The figure waits for your prediction above."))
        super().__init__([ipywidgets.HTML(f"{self._hidden}<p>{said}</p>")])
        self.add_class("hyperedu-waiting")
        asked.question.observe(self._reveal, "given")
        if asked.answered:
            self._reveal()

    def _reveal(self, change: object = None) -> None:
        if self._figure in LiveFigure.shown:  # its cell may have been run again, and another waits
            self.children = [ipywidgets.HTML(self._hidden), self._figure]
            self._refresh()

    def _kept(self) -> tuple[dict[str, str], dict[str, dict]]:
        data, metadata, shown = _behind(self._figure, self._asked.answered)
        return data | {"text/html": f'<div data-hyperedu-kept="{self._key}">{shown}</div>'}, metadata

    def _refresh(self) -> None:
        if self._stored is not None:
            data, metadata = self._kept()
            self._stored.update(data, raw=True, metadata=metadata)

    def _ipython_display_(self, **kwargs) -> None:
        data, metadata = self._repr_mimebundle_(**kwargs)
        display(data, metadata=metadata, raw=True)
        data, metadata = self._kept()
        self._stored = display(data, raw=True, metadata=metadata, display_id=f"hyperedu-{uuid.uuid4().hex}")
        self._figure.kept_by(self._refresh)

    def _repr_mimebundle_(self, **kwargs) -> tuple[dict, dict]:
        found = self._figure._surface._repr_mimebundle_(**kwargs)
        return super()._repr_mimebundle_(**kwargs), found[1] if isinstance(found, tuple) else {}


def _behind(figure: LiveFigure, answered: bool) -> tuple[dict[str, str], dict[str, dict], str]:
    """A figure for places without a kernel, and its page, which is folded away until its question is answered."""
    data, metadata = figure._kept()
    page = data["text/html"].replace("data-hyperedu-kept", "data-hyperedu-inner")
    if not answered:
        page = f"<details><summary>{html.escape(_('What is so'))}</summary>{page}</details>"
    return data, metadata, page


def _noted(answers: dict) -> str:
    """An attribute that says what was answered, as progress.json has it; in a prediction's, `so` is beside it."""
    return f' data-hyperedu-answers="{html.escape(json.dumps(answers))}"'


def _labels() -> dict[str, str]:
    return {
        "lock": _("Lock my prediction"),
        "skip": _("Skip, and show"),
        "yours": _("yours"),
        "so": _("what is so"),
        "hand": _("draw with the mouse or a finger; by keyboard: left and right choose a place, up and down move it"),
    }


Prediction = Choice | Number | Sketch


def predict(lesson: str, known: Mapping[str, Prediction], name: str, figure: LiveFigure | None = None, so: Any = None) -> Asked:
    """Ask for a prediction before a figure is shown; without a figure, before the reader goes on.

    Args:
        known: the predictions of the lesson.
        name: of the prediction, which is that of the figure's cell.
        so: for a number what it is, for a sketch the numbers (n,) that it is over the places.

    Raises:
        ValueError: a number or a sketch, and nothing to compare with.
    """
    asked = known[name]
    asks: dict[str, Any] = {"kind": asked.kind, "question": _(asked.question)}
    if isinstance(asked, Choice):
        asks["options"], asks["values"] = [_(option) for option in asked.options], list(asked.options)
    else:
        if so is None:
            raise ValueError(f"the prediction {name!r} of {lesson} is a {asked.kind}: say so=, what is so")
        if isinstance(asked, Sketch):
            asks |= {"x": _(asked.x), "y": _(asked.y), "places": list(asked.places), "low": asked.low, "high": asked.high}
        else:
            asks["unit"] = asked.unit

    def answer(said: Any) -> str:
        if said == SKIPPED:
            return asked.told(so) if isinstance(asked, Number) else ""
        return asked.answer(said) if isinstance(asked, Choice) else asked.answer(said, so)

    true = [] if isinstance(asked, Choice) else [float(v) for v in (so if isinstance(asked, Sketch) else [so])]
    question = Question(asks=asks, labels=_labels(), so=true)

    def keep(value: Any) -> None:
        progress.note(lesson, "predictions", name, value)

    given = progress.found(lesson, "predictions", name)
    return Asked((lesson, name), question, answer, keep, given, figure)


def after(lesson: str, name: str, figure: LiveFigure) -> Waiting | LiveFigure:
    """A figure that is to be shown in another cell than the one that asked for the prediction `name`, once it is made.

    Where nothing was asked, it is the figure itself.
    """
    asked = [asked for asked in Asked.shown if asked.name == (lesson, name)]
    return Waiting(asked[0], figure) if asked else figure


# ------------------------------------------------------------------------------------------------------------ the quiz

QUESTION = re.compile(r"\*\*\d+\. (.+?)\*\*")
OPTION = re.compile(r"<details><summary>(.*?)</summary>(.*?)</details>")
YES = ("Yes", "Right")  # how the reason behind a right option begins


def questions(lesson: str) -> list[Choice]:
    """The quiz of a lesson, as its notebook has it, in the reader's language."""
    source = (HERE / lesson / "lesson.py").read_text(encoding="utf-8")
    (cell,) = re.findall(r"^# %% quiz \[markdown\]\n((?:#.*\n)+)", source, re.MULTILINE)
    english = "\n".join(line[2:] for line in cell.splitlines())
    found = []
    for (_question, reasons), (question, said) in zip(_parts(english), _parts(prose(lesson, "quiz", english)), strict=True):
        place = [reason.startswith(YES) for reason in reasons.values()].index(True)
        found.append(Choice(question, said, list(said)[place]))
    return found


def _parts(quiz: str) -> list[tuple[str, dict[str, str]]]:
    """(question, option → reason) of a quiz's text."""
    _heading, *rest = QUESTION.split(quiz)
    return [(question, dict(OPTION.findall(options))) for question, options in zip(rest[::2], rest[1::2], strict=True)]


class Quiz(anywidget.AnyWidget):
    """The questions of a lesson, each of which says its reason as soon as something is chosen.

    Attributes:
        asks: for each question its text, its options, their reasons, and the place of the right one.
        given: number of the question, from 1 on → the place of what was chosen.
    """

    _esm = HERE / "asking.js"
    _css = HERE / "asking.css"
    asks = traitlets.List().tag(sync=True)
    given = traitlets.Dict().tag(sync=True)
    labels = traitlets.Dict().tag(sync=True)

    def __init__(self, lesson: str):
        self.lesson, self.choices = lesson, questions(lesson)
        self._key, self._stored = uuid.uuid4().hex, None
        asks = [
            {"question": c.question, "options": list(c.options), "reasons": list(c.options.values()), "right": self._right(c)}
            for c in self.choices
        ]
        before = progress.read().get(lesson, {}).get("quiz", {})
        given = {k: answer["chosen"] for k, answer in before.items() if k.isdigit() and int(k) <= len(asks)}
        super().__init__(asks=asks, given=given, labels={"key": self._key})
        self.observe(self._chosen, "given")

    def __repr__(self) -> str:
        return f"Quiz({self.lesson!r})"  # by which a notebook that is saved knows it (hyperedu_server)

    @staticmethod
    def _right(choice: Choice) -> int:
        return list(choice.options).index(choice.right)

    @property
    def score(self) -> int:
        return sum(answer["right"] for answer in self.answers.values())

    @property
    def answers(self) -> dict[str, dict[str, int | bool]]:
        """Number of the question → the place of what was chosen, and whether it is right."""
        rights = {str(k): self._right(choice) for k, choice in enumerate(self.choices, 1)}
        return {k: {"chosen": place, "right": place == rights[k]} for k, place in self.given.items()}

    def _chosen(self, change: dict) -> None:
        for k, answer in self.answers.items():
            if (change["old"] or {}).get(k) != answer["chosen"]:
                progress.note(self.lesson, "quiz", k, answer)
        if self._stored is not None:
            self._stored.update(self._kept(), raw=True)

    def _kept(self) -> dict[str, str]:
        said = (
            _("{n} of {all} answered rightly.", n=self.score, all=len(self.choices)) if self.given else _("Not answered yet.")
        )
        noted = _noted({self.lesson: {"quiz": self.answers}}) if self.given else ""
        return {"text/html": f'<p data-hyperedu-kept="{self._key}"{noted}>{html.escape(said)}</p>', "text/plain": said}

    def _ipython_display_(self, **kwargs) -> None:
        found = self._repr_mimebundle_(**kwargs)
        data, metadata = found if isinstance(found, tuple) else (found, {})
        display(data, metadata=metadata, raw=True)
        self._stored = display(self._kept(), raw=True, display_id=f"hyperedu-{uuid.uuid4().hex}")


def quiz(lesson: str) -> Quiz:
    """The quiz of a lesson to be answered; without a kernel the text above it has the same questions and reasons."""
    return Quiz(lesson)


# ------------------------------------------------------------------------------------------------------ what readers asked


def of_readers(known: Mapping[str, str], **values: object) -> None:
    """Show what readers of a lesson asked (question → answer), each answer behind a click; as text all is there in full.

    Args:
        values: what the cell has computed, and answers say in the places {name}.
    """
    said = {_(question): _(answer, **values) for question, answer in known.items()}
    folded = [
        f"<details><summary>{html.escape(question)}</summary><p>{html.escape(answer)}</p></details>"
        for question, answer in said.items()
    ]
    plain = "\n\n".join(f"{question}\n{answer}" for question, answer in said.items())
    display({"text/html": "\n".join(folded), "text/plain": plain}, raw=True)
