"""What a reader meets, as catalogues for translators: gettext's .po files, one for each lesson and one for what they share.

    python course/catalogues.py zh-CN    bring hyperedu/languages/zh-CN.po and hyperedu/lessons/*/zh-CN.po up to date

A cell of prose is one message, whose context is its name; what is said while a notebook runs is a message without context. Each
carries a hash of the English that it was made from: where that has changed the translation is marked as fuzzy, and not used
until somebody has looked at it; the others stay. What is not translated appears in English.
"""

import ast
import hashlib
import importlib.util
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import nbformat
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from editions import EDITIONS, FOLDERS, LESSONS, ROOT, Edition, cells, documents_of, source

PACKAGE = ROOT / "hyperedu"
# A module of the package by itself: the whole of it would load torch, for which nobody should wait.
_words = importlib.util.spec_from_file_location("words", PACKAGE / "words.py")
words = importlib.util.module_from_spec(_words)
_words.loader.exec_module(words)
# Of a figure's labels: the keywords that take one, and the functions whose plain text is one.
LABELS = {"label", "xlabel", "ylabel", "description", "title", "alt", "placeholder", "desc", "shows"}
LABELLING = {"title", "set_title", "set_label", "set_xlabel", "set_ylabel", "text", "annotate", "legend", "suptitle", "show"}
# What a family is drawn with: the names of its properties, which are those of sliders, and of its axes.
LABELLING |= {"Metadata"}
AXES = "axis_labels"
WORDS = re.compile(r"[^\W\d_]{3}")
# Modules of a lesson in which every sentence is for the reader: what checks and questions say.
CHECKS = re.compile(r"[^\W\d_]{3}.* |\w \w")
SAYING = {"checks.py": CHECKS, "self_test_checks.py": CHECKS, "questions.py": WORDS}


def context(document: str, name: str) -> str:
    beside = document.partition("/")[2]  # two documents of a lesson may have cells of the same name
    return f"{words.CONTEXT}: {beside}/{name}" if beside else f"{words.CONTEXT}: {name}"


def digest(english: str) -> str:
    return "sha256 " + hashlib.sha256(english.encode()).hexdigest()[:12]


def translated(document: str, language: str) -> list[nbformat.NotebookNode]:
    """The cells of a document in a language: the prose as far as its lesson's catalogue has it, the code as it is."""
    found, lesson = cells(document), document.partition("/")[0]
    if language == "en":
        return found
    catalogue = pseudo(lesson) if language == PSEUDO else read(FOLDERS / lesson / f"{language}.po", language)
    for cell in found:
        if cell.cell_type == "markdown":
            cell.source = _said(catalogue, cell.source, context(document, cell.id))
    return found


def ending(edition: Edition) -> str:
    """What is added to the opening of an edition, in its language."""
    if edition.language == "en":
        return edition.ending
    path = PACKAGE / "languages" / f"{edition.language}.po"
    return _said(pseudo(None) if edition.language == PSEUDO else read(path, edition.language), edition.ending)


def _said(catalogue: Catalog, english: str, where: str | None = None) -> str:
    message = catalogue.get(english, where) if english else None
    return message.string if message and words.is_translated(message.string) and "fuzzy" not in message.flags else english


def messages(lesson: str | None) -> Iterator[tuple[str | tuple[str, str], str | None, str]]:
    """(English, context, where it is) of all that a lesson says; None for what is said by all that lessons share."""
    if lesson is None:
        shared = [p for p in PACKAGE.rglob("*.py") if "lessons" not in p.parts or p.parent.name == "lessons"]
        for edition in EDITIONS:
            if edition.ending:
                yield edition.ending, None, "course/editions.py"
    else:
        written = {document: source(document) for document in documents_of(lesson)}
        shared = [p for p in (FOLDERS / lesson).glob("*.py") if p not in written.values()]
        for document, file in written.items():
            for cell in cells(document):
                if cell.cell_type == "markdown":
                    yield cell.source, context(document, cell.id), f"{file.name}, {cell.id}"
                else:
                    yield from ((text, None, f"{file.name}, {cell.id}") for text in _in_a_cell(cell.source))
    for path in sorted(shared):
        if not path.name.startswith("test_"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            yield from ((text, None, str(path.relative_to(ROOT))) for text in _in_a_module(tree, path.name))


def _in_a_module(tree: ast.Module, name: str) -> Iterator[str | tuple[str, str]]:
    """What goes through `_` and `n_`, labels of figures, names in constants, and what checks and questions say."""
    for constant in (node for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign)):
        if isinstance(constant.value, ast.Dict):
            keys = (getattr(key, "value", None) for key in constant.value.keys)
            yield from (key for key in keys if isinstance(key, str) and WORDS.search(key))
    if name in SAYING:
        documented = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        inside = (part for node in tree.body for part in ast.walk(node) if id(part) not in documented)
        yield from (
            text for part in inside if isinstance(part, ast.Constant) for text in _constants(part) if SAYING[name].search(text)
        )
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in (AXES, f"self.{AXES}"):
            yield from (text for text in _constants(node.value) if WORDS.search(text))
        if not isinstance(node, ast.Call):
            continue
        called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if called == "_":
            yield from _constants(node.args[0])
        elif called == "n_":
            yield tuple(text for argument in node.args[:2] for text in _constants(argument))
        else:
            if called in LABELLING:
                yield from (text for part in node.args for text in _constants(part) if WORDS.search(text))
            for keyword in node.keywords:
                if keyword.arg in LABELS:
                    yield from (text for text in _constants(keyword.value) if WORDS.search(text))


def _in_a_cell(source: str) -> Iterator[str]:
    """The texts in a cell that may come to stand in a figure, and the names of sliders: rather too many than too few."""
    tree = ast.parse(source)
    printed = {id(part) for node in ast.walk(tree) if isinstance(node, ast.Call) for part in ast.walk(node)
               if ast.unparse(node.func) == "print"}  # fmt: skip
    documented = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("interact"):
            yield from (keyword.arg.replace("_", " ") for keyword in node.keywords if keyword.arg not in (None, "drag", "play"))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in printed | documented:
            said = dict.fromkeys((node.value, node.value.replace("_", " ")))  # a name of a slider may stand in a dictionary
            yield from (text for text in said if WORDS.search(text))


def _constants(node: ast.AST) -> Iterator[str]:
    inside = {id(part) for joined in ast.walk(node) if isinstance(joined, ast.JoinedStr) for part in ast.walk(joined)}
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and id(part) not in inside:
            yield part.value


def read(path: Path, language: str) -> Catalog:
    if not path.exists():
        return Catalog(locale=language.replace("-", "_"))
    with path.open("rb") as file:
        return read_po(file, locale=language.replace("-", "_"))


def update(path: Path, language: str, lesson: str | None) -> tuple[int, int]:
    """Bring a catalogue up to date with the English; returns how many messages are to be looked at, and of how many."""
    old = read(path, language)
    # With the date of the one that is there: where nothing changed, nothing of the file does.
    new = Catalog(locale=old.locale, fuzzy=False, creation_date=old.creation_date)
    by_context = {message.context: message for message in old if message.context}
    for english, where, place in messages(lesson):
        message = old.get(english, where)
        if message:
            new.add(english, message.string, [(place, None)], message.flags, [digest(str(english))], context=where)
        elif where in by_context:  # the cell says something else now
            said = by_context[where].string
            new.add(english, said, [(place, None)], {"fuzzy"} if said else (), [digest(str(english))], context=where)
        else:
            new.add(english, None, [(place, None)], auto_comments=[digest(str(english))], context=where)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, new, width=120, omit_header=False, ignore_obsolete=True)
    waiting = sum(not words.is_translated(message.string) or "fuzzy" in message.flags for message in new if message.id)
    return waiting, len(new)


# The pseudo-language: it has every text that a catalogue can have, marked and a third longer.
PSEUDO = "en-XA"
BEGIN, END = "⟦", "⟧"
_ACCENTS = str.maketrans("aeiouAEIOU", "äëïöüÄËÏÖÜ")
# What stays as it is: code, mathematics, tags, entities, places of links, names of lessons, placeholders.
KEPT = re.compile(
    r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$]*\$|</?\w[^>]*>|&\w+;|\]\([^)]*\)|\{[^}]*\}|https?://\S+",
    re.DOTALL,
)


def marked(text: str) -> str:
    """A text in the pseudo-language; of several lines each paragraph, item, heading and cell of a table by itself."""
    kept: list[str] = []

    def keep(found: re.Match) -> str:
        kept.append(found.group())
        return f"\0{len(kept) - 1}\0"

    lines = KEPT.sub(keep, text).split("\n")
    done = "\n".join("|".join(map(_marked_line, line.split("|"))) for line in lines)
    return re.sub(r"\0(\d+)\0", lambda found: kept[int(found.group(1))], done)


def _marked_line(line: str) -> str:
    """What makes a line a heading, an item or a quotation, and the tags round it, stays outside of the marks."""
    frame = r"(\s*(?:#+ |[*-] (?!-)|\d+\. |> )?(?:\0\d+\0)*)(.*?)((?:\0\d+\0)*\s*)"
    front, text, end = re.fullmatch(frame, line, re.DOTALL).groups()
    parts = re.split(r"(\0\d+\0|\{[^}]*\}|\$[^$]*\$)", text)
    said = "".join(parts[::2])
    if not WORDS.search(said):
        return line
    parts[::2] = [part.translate(_ACCENTS) for part in parts[::2]]
    return f"{front}{BEGIN}{''.join(parts)}{'·' * max(1, len(said) // 3 - 2)}{END}{end}"


@cache
def pseudo(lesson: str | None) -> Catalog:
    """The catalogue of the pseudo-language."""
    found = Catalog(locale="en", fuzzy=False)
    for english, where, _ in messages(lesson):
        mark = marked if where else _marked_line  # in a figure a text of two lines is one
        found.add(english, tuple(map(mark, english)) if isinstance(english, tuple) else mark(english), context=where)
    return found


def write_pseudo(folder: Path) -> None:
    """The catalogues of the pseudo-language, as the package reads them, for HYPEREDU_CATALOGUES."""
    for lesson in (None, *LESSONS):
        path = folder / (f"lessons/{lesson}" if lesson else "languages") / f"{PSEUDO}.po"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            write_po(file, pseudo(lesson))


def main() -> int:
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print(__doc__)
        return 1
    language = sys.argv[1]
    for lesson in (None, *LESSONS):
        path = (FOLDERS / lesson if lesson else PACKAGE / "languages") / f"{language}.po"
        waiting, all_of_them = update(path, language, lesson)
        print(f"{path.relative_to(ROOT)}: {waiting} of {all_of_them} messages wait for a translation")
    return 0


if __name__ == "__main__":
    sys.exit(main())
