"""The language in which figures, checks and progress speak to the reader: English, unless there is a catalogue of another.

`_("{n} stations", n=3)` looks the message up as it stands in the code and then fills it in. The catalogues are gettext's:
`<language>.po` in hyperedu/languages/ for what all lessons share, and in the folder of each lesson for its own; or in the same
places of the folder that HYPEREDU_CATALOGUES names.
"""

import functools
import gettext
import os
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

HERE = Path(os.environ.get("HYPEREDU_CATALOGUES") or Path(__file__).parent)
CONTEXT = "of a cell"  # the context of a cell's prose begins so; all others are said while a notebook runs


def catalogues(language: str) -> Iterator[Path]:
    """The files of a language that are there."""
    yield from (HERE / "languages").glob(f"{language}.po")
    yield from sorted((HERE / "lessons").glob(f"*/{language}.po"))


def is_translated(said: str | Sequence[str] | None) -> bool:
    """Whether there is a translation, of a plural in every form."""
    return bool(said) if isinstance(said, str | None) else all(said)


@functools.cache
def language() -> str:
    """The language of this process: that of HYPEREDU_LANGUAGE, or of the folder in which the notebook is, or English."""
    folder = Path.cwd()
    asked = (os.environ.get("HYPEREDU_LANGUAGE"), folder.name, folder.parent.name)
    return next((name for name in asked if name and name != "en" and any(catalogues(name))), "en")


@functools.cache
def _translations() -> gettext.NullTranslations:
    if language() == "en":
        return gettext.NullTranslations()
    from babel.messages.catalog import Catalog
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    whole = Catalog(locale=language().replace("-", "_"))
    for path in catalogues(language()):
        with path.open("rb") as file:
            for message in read_po(file, locale=whole.locale):
                if message.id and is_translated(message.string) and not (message.context or "").startswith(CONTEXT):
                    whole.add(message.id, message.string, flags=message.flags)
    compiled = BytesIO()
    write_mo(compiled, whole)  # leaves out what is marked as fuzzy: out of date
    return gettext.GNUTranslations(BytesIO(compiled.getvalue()))


def prose(lesson: str, cell: str, english: str) -> str:
    """The text of a cell of a lesson in the reader's language, as far as its catalogue has it."""
    path = HERE / "lessons" / lesson / f"{language()}.po"
    if language() == "en" or not path.exists():
        return english
    from babel.messages.pofile import read_po

    with path.open("rb") as file:
        message = read_po(file, locale=language().replace("-", "_")).get(english, f"{CONTEXT}: {cell}")
    return str(message.string) if message and is_translated(message.string) and not message.fuzzy else english


def _(message: str, **values: object) -> str:
    """A message in the reader's language, with the values in their places, written as `str.format` writes them."""
    found = _translations().gettext(message) if message else message
    return found.format(**values) if values else found


def n_(one: str, many: str, n: int, **values: object) -> str:
    """Like `_`, for a message that depends on how many there are, of which it can say {n}."""
    return _translations().ngettext(one, many, n).format(n=n, **values)
