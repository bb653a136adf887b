"""Settings of live figures that are worth projecting, as buttons in the teacher's edition.

Each says what is to be seen, and is tried whenever its lesson is built: the figure's own sentence must say it too. What is said
stays folded away until the button is pressed: it would answer what a class is about to predict, before its eyes.
"""

import html
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import ipywidgets
from IPython.display import display

from hyperedu.figures.live import LiveFigure
from hyperedu.words import _, language


def _anything(*_numbers: float) -> bool:
    return True


@dataclass(frozen=True)
class Setting:
    """A setting of a live figure.

    Attributes:
        values: control → value; the others stay as they are.
        shows: what a class should see there, in one sentence.
        says: a regular expression that is to be found in the figure's sentence.
        holds: what is true of the numbers that the groups of `says` catch, in their order.
    """

    values: Mapping[str, Any]
    shows: str
    says: str
    holds: Callable[..., bool] = field(default=_anything)

    def shown_by(self, sentence: str) -> bool:
        """Whether the sentence, which is English or is not read, says it."""
        if language() != "en":
            return True
        found = re.search(self.says, sentence)
        return found is not None and self.holds(*(float(n.replace(",", "").replace("−", "-")) for n in found.groups()))


def project(known: Mapping[str, Sequence[Setting]], name: str, figure: LiveFigure) -> None:
    """Display a figure's settings as buttons that move the figure there, and as a folded list; each is tried first.

    Args:
        known: the settings of a lesson, by the names of the figures' cells.
        name: of this figure's cell.

    Raises:
        ValueError: a setting does not show what it is said to show.
    """
    settings = known[name]
    before = {name: control.value for name, control in figure.controls.items()}
    buttons, lines, said = [], [], ipywidgets.HTML()
    for number, setting in enumerate(settings, 1):
        figure.move_to(**{**before, **setting.values})
        if figure.problem or not setting.shown_by(figure.sentence):
            raise ValueError(
                f"{dict(setting.values)} does not show that {setting.shows!r}: {figure.problem or figure.sentence}"
            )
        values = ", ".join(f"{_(name.replace('_', ' '))} {_(str(value))}" for name, value in setting.values.items())
        button = ipywidgets.Button(description=f"{number}: {values}", layout={"width": "auto"})
        button.on_click(partial(_move, figure, {**before, **setting.values}, said, f"{number}: {_(setting.shows)}"))
        buttons.append(button)
        lines.append(f"<li><strong>{html.escape(values)}</strong> – {html.escape(_(setting.shows))}</li>")
    figure.move_to(**before)
    text = "\n".join(f"{n}: {_(s.shows)}" for n, s in enumerate(settings, 1))
    folded = f"<details><summary>{_('What each setting shows')}</summary><ol>{''.join(lines)}</ol></details>"
    display({"text/html": folded, "text/plain": text}, raw=True)
    display(ipywidgets.VBox([ipywidgets.HBox(buttons, layout={"flex_flow": "row wrap"}), said]))


def _move(figure: LiveFigure, values: Mapping[str, Any], said: ipywidgets.HTML, shows: str, _button: ipywidgets.Button) -> None:
    figure.move_to(**values)
    said.value = f"<p>{html.escape(shows)}</p>"
