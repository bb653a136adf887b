"""A table as a pandas frame, from a file of text or from columns; and which of its columns is meant by a name."""

from __future__ import annotations

import contextlib
import csv
import difflib
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

if TYPE_CHECKING:
    import pandas

SEPARATORS = ";\t,|"
HEADER = re.compile(r"^(.*?)\s*(?:\(([^()]*)\)|\[([^\[\]]*)\])?\s*$", re.DOTALL)  # name, name (unit) or name [unit]


def read_csv(path: str | Path) -> tuple[pandas.DataFrame, str]:
    """A file as a frame of texts, and the sign that parts its columns. UTF-8 with or without a mark, UTF-16 or Windows-1252."""
    import pandas

    path = Path(path)
    if not path.is_file():
        raise ValueError(f"there is no file {path}: give the path of a table, such as Path.home() / 'mine.csv'")
    content = path.read_bytes()
    if content[:2] in (b"PK", b"\xd0\xcf"):
        raise ValueError(f"{path.name} is a workbook and no table of text: save it as CSV first")
    try:
        text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    written = [line if line.strip() else "" for line in re.split(r"\r\n|\r|\n", text)]  # `splitlines` parts cells too
    lines = [line for line in written if line]
    if lines and re.fullmatch(r"sep=.", lines[0].strip()):  # Excel's own first line
        written[written.index(lines.pop(0))] = ""
    if len(lines) < 2:
        raise ValueError(f"{path.name} has {len(lines)} lines: a table has a header and at least one row")
    separator = max(SEPARATORS, key=lambda sign: (lines[0].count(sign) > 0, _steady(lines[:20], sign), lines[0].count(sign)))
    try:
        frame = pandas.read_csv(
            io.StringIO("\n".join(written)), sep=separator, dtype=str, keep_default_na=False, skipinitialspace=True, header=None
        )
    except pandas.errors.ParserError as error:
        where = _too_long(written, separator) or str(error).strip()
        raise ValueError(f"{path.name}: {where}. Quote cells that contain {separator!r}, or repair the line") from None
    if len(frame) < len(lines):  # cells of several lines: one of them is a whole row where a quotation mark was not closed
        for cell in (cell for name in frame for cell in frame[name] if "\n" in str(cell)):
            if max(line.count(separator) for line in cell.split("\n")) >= len(frame.columns) - 1:
                raise ValueError(f"{path.name}: a quotation mark is not closed, and several rows are read as {cell[:40]!r} …")
    header = [str(name).strip() for name in frame.iloc[0]]
    return frame.iloc[1:].reset_index(drop=True).set_axis(header, axis=1), separator


def _too_long(lines: Sequence[str], separator: str) -> str | None:
    """Which line ends a row of more cells than the header. (pandas counts a row of several lines as one.)"""
    width, rows = None, csv.reader(lines, delimiter=separator, skipinitialspace=True)
    with contextlib.suppress(csv.Error):  # it reads no cell of more than 131,072 signs, which pandas does
        for row in rows:
            width = width or len(row)
            if len(row) > width:
                return f"line {rows.line_num} has {len(row)} cells and the header {width}"
    return None


def _steady(lines: Sequence[str], sign: str) -> bool:
    """Whether each line, without what is quoted, has equally many of a sign."""
    counts = {re.sub(r'"[^"]*"', "", line).count(sign) for line in lines}
    return len(counts) == 1 and counts != {0}


def headers(frame: pandas.DataFrame, roles: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The headers of the columns that are named for each role, of which a column has one."""
    found: dict[str, list[str]] = {}
    seen: dict[str, str] = {}
    for role, names in roles.items():
        if isinstance(names, str):
            raise ValueError(f"{role} takes a list of columns: {role}=[{names!r}]")
        found[role] = [] if names is None else [_named(frame, name) for name in names]
        if not found[role]:
            raise ValueError(f"{role} needs at least one column")
        for header in found[role]:
            if header in seen:
                raise ValueError(f"column {header!r} is given as {seen[header]} and as {role}: a column has one role")
            seen[header] = role
    return found


def _named(frame: pandas.DataFrame, wanted: str) -> str:
    """The header of the column that is meant: its whole text, or its text without the unit, in any capitals."""
    every, wanted = list(frame.columns), str(wanted)
    found = [h for h in every if h == wanted] or [h for h in every if _plain(h) == _plain(wanted)]
    if len(found) > 1:
        raise ValueError(f"{len(found)} columns are called {wanted!r}: give each a name of its own in the header")
    if found:
        return found[0]
    close = difflib.get_close_matches(_plain(wanted), [_plain(h) for h in every], n=1, cutoff=0.5)
    hint = f"; did you mean {next(h for h in every if _plain(h) == close[0])!r}?" if close else ""
    raise ValueError(f"no column is called {wanted!r}: there are {', '.join(map(repr, every))}{hint}")


def name_and_unit(header: str) -> tuple[str, str]:
    """Of "height (m)" or "height [m]"; the unit is empty where there is none."""
    name, *units = HEADER.findall(header)[0]  # it fits every text
    return name.strip(), "".join(units).strip()


def _plain(header: str) -> str:
    return name_and_unit(header)[0].lower()


def framed(frame: Any) -> pandas.DataFrame:
    """A pandas frame, or a mapping of columns, with texts for headers and rows numbered from 0."""
    import pandas

    if isinstance(frame, Mapping):
        for name, values in frame.items():
            if isinstance(values, str) or not hasattr(values, "__len__") or getattr(values, "ndim", 1) != 1:
                raise ValueError(f"column {name!r} is a {type(values).__name__}: give one value for each row, in a list")
        lengths = {name: len(values) for name, values in frame.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"the columns have different lengths: {lengths}")
        orders = [values.index for values in frame.values() if isinstance(values, pandas.Series)]
        if any(not order.equals(orders[0]) for order in orders[1:]):
            raise ValueError("the columns have different indices, and pandas would change their order: give their .to_numpy()")
        frame = pandas.DataFrame({name: v.tolist() if isinstance(v, Tensor) else v for name, v in frame.items()})
    if not isinstance(frame, pandas.DataFrame):
        kind = type(frame).__name__
        advice = "Table.from_csv(path, …) reads a file"
        raise ValueError(f"a table is made of a pandas frame or a mapping of columns, got {kind}; {advice}")
    if not len(frame):
        raise ValueError("the table has no rows")
    if frame.columns.nlevels > 1:
        raise ValueError("the columns of this frame have names of several levels: join them, frame.columns = [...]")
    return frame.reset_index(drop=True).rename(columns=str)
