"""Columns as people write them: numbers of both decimal signs, dates, missing values, units in the header."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Number
from typing import TYPE_CHECKING

import numpy as np
import torch

from hyperedu.batches import floats
from hyperedu.tasks.frames import name_and_unit

if TYPE_CHECKING:
    import pandas

MISSING = {"", "na", "n/a", "#n/a", "nan", "null", "none", "-", "–", "—", "?", ".", "missing", "k.a.", "k. a.", "n.d."}
MISSING |= {"#div/0!", "#value!", "#ref!", "#num!", "#name?", "#null!"}  # what spreadsheets write for a failed formula
# What instruments write where they have nothing.
STANDS_FOR_MISSING = (-99.0, -99.9, -999.0, -999.9, -9999.0, -9999.9, -99999.0)
CURRENCIES = "$€£¥"
TIME = r"\d{1,2}:[0-5]\d(?::[0-5]\d)?"  # of the day
SHORTER_THAN_HOURS = r"(?:m|min|minut\w*|m?m:ss|s|se[ck]\w*|d|days?|tage?|jours?)\.?"  # or longer: units that are no hours
NUMBER = r"[+-]?(?:\d[\d.,]*|[.,]\d+)(?:[eE][+-]?\d+)?"
# What proves a decimal sign: it comes after the sign that parts thousands, or cannot part them itself. 1,234 may be a thousand
# or a little more than one; 0,234 is no thousand.
PROOF = {
    sign: rf"(?![+-]?[1-9]\d{{0,2}}(?:[{sign}]\d{{3}})+$)(?:.*[{other}])?[^{other}]*[{sign}][^{other}]*"
    for sign, other in (",.", ".,")
}
DATES = {  # how a date looks → its format; where day and month could be taken for each other, both
    r"\d{4}-\d{1,2}-\d{1,2}": ["%Y-%m-%d"],
    r"\d{4}-\d{1,2}-\d{1,2}[ T]\d{1,2}:\d{2}": ["%Y-%m-%d %H:%M"],
    r"\d{4}-\d{1,2}-\d{1,2}[ T]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?": ["%Y-%m-%d %H:%M:%S", "ISO8601"],
    r"\d{4}/\d{1,2}/\d{1,2}": ["%Y/%m/%d"],
    r"\d{1,2}\.\d{1,2}\.\d{4}": ["%d.%m.%Y"],
    r"\d{1,2}\.\d{1,2}\.\d{4} \d{1,2}:\d{2}": ["%d.%m.%Y %H:%M"],
    r"\d{1,2}([./])\d{1,2}\1\d{2}": [],  # of which century?
    r"\d{1,2}/\d{1,2}/\d{4}": ["%d/%m/%Y", "%m/%d/%Y"],
}
IN_ONE_NUMBER = {"%Y%m%d": (19000101, 20991231), "%Y%m%d%H": (1900010100, 2099123123)}  # dates as instruments write them


@dataclass(frozen=True)
class Column:
    """One column: its name and unit from the header, and numbers (n,), NaN where missing; or texts, where it has no numbers."""

    name: str
    unit: str
    numbers: np.ndarray | None
    texts: np.ndarray

    @property
    def label(self) -> str:
        return self.name + (f" ({self.unit})" if self.unit else "")


def parsed(frame: pandas.DataFrame, headers: Sequence[str], separator: str | None, decimal: str | None) -> dict[str, Column]:
    """The columns that are used, by header. Whether a comma is a decimal sign is read off all of them together."""
    if decimal not in (None, ".", ","):
        raise ValueError(f"decimal must be '.' or ',', got {decimal!r}")
    texts, cells = {}, {}
    for header in headers:
        texts[header] = _texts(frame[header])
        there = texts[header] != ""
        if not there.any():
            raise ValueError(f"column {header!r} is empty: leave it out")
        values = frame[header].where(there).infer_objects()  # Python's own numbers in a column of objects are no texts
        cells[header] = (texts[header] if values.dtype.kind == "O" else values)[there]
    said = {sign for known in cells.values() if known.dtype.kind == "O" for sign in _decimal_signs(known)}
    if decimal is None and len(said) == 1:
        (decimal,) = said
    found = {}
    for header, known in cells.items():
        name, unit = name_and_unit(header)
        numbers: np.ndarray | None
        match known.dtype.kind:
            case "O":
                numbers, unit = _numbers(known, header, unit, separator, decimal)
            case "M":
                numbers, unit = _days(known)
            case "m":
                numbers, unit = _in_days(known), "days"
            case "c":
                raise ValueError(f"column {header!r} has complex numbers: give real and imaginary parts as two columns")
            case _:
                numbers = known.astype(float).to_numpy()  # booleans among them
                _refuse_a_stand_in(numbers, header)
        if numbers is None:
            _refuse_a_word_for_nothing(frame[header].dropna().astype(str).str.strip(), header)
        else:
            every = np.full(len(frame), np.nan)
            every[known.index] = np.where(np.isinf(numbers), np.nan, numbers)
            numbers, unit = _in_one_number(every) or (every, unit)
        found[header] = Column(name, unit, numbers, texts[header].to_numpy())
    return found


def _texts(values: pandas.Series) -> pandas.Series:
    """Texts without spaces round them; what stands for a missing value is empty."""
    texts = values.astype(object).where(values.notna(), "")
    if values.dtype == object:  # a Python 1.125 among texts is no thousand
        texts = texts.map(lambda v: f"{v}0" if isinstance(v, Number) and re.search(r"\.\d{3}$", str(v)) else v)
    texts = texts.astype(str).str.replace("\u00a0", " ").str.strip()
    texts = texts.str.replace(r"^\u2212(?=[\d.,])", "-", regex=True)  # the minus sign of typographers
    return texts.where(~texts.str.lower().isin(MISSING), "")


def _bare(texts: pandas.Series) -> pandas.Series:
    """Without currencies, spaces and what parts thousands. What parts other digits stays: 120 80, 120, 80 and 5'11 are none."""
    bare = texts.str.replace(rf"(?<=\d)[\s'’](?=\d{{3}}(?!\d))|(?<![\d.,])\s|\s(?![\d.,])|[{CURRENCIES}]", "", regex=True)
    return bare.str.replace(rf"^\(({NUMBER})\)$", r"-\1", regex=True)  # as accountants write what is below 0


def _decimal_signs(texts: pandas.Series) -> set[str]:
    """The decimal signs that a column of numbers proves."""
    plain = _bare(texts).str.rstrip("%")
    if plain.str.fullmatch(NUMBER).mean() <= 0.5:
        return set()
    return {sign for sign, proof in PROOF.items() if plain.str.fullmatch(proof).any()}


def _numbers(
    texts: pandas.Series, header: str, unit: str, separator: str | None, decimal: str | None
) -> tuple[np.ndarray | None, str]:
    """Numbers and their unit; None where most cells are no numbers. One cell that is none among numbers is an error."""
    import pandas

    plain = _bare(texts)
    percent = plain.str.endswith("%")
    if percent.any() and not percent.all() and unit != "%":
        raise ValueError(f"column {header!r} has a % in {percent.sum()} of {len(texts)} cells: write it in all or in none")
    if len(signs := set("".join(texts)) & set(CURRENCIES)) > 1 and plain.str.fullmatch(NUMBER).mean() > 0.5:
        raise ValueError(f"column {header!r} has amounts in {' and in '.join(sorted(signs))}: write all in one currency")
    plain = plain.str.rstrip("%")
    if plain.str.fullmatch(TIME).all():
        if re.fullmatch(SHORTER_THAN_HOURS, unit.lower()):
            raise ValueError(
                f"column {header!r} has times such as {texts.iloc[0]}, which are read as hours and minutes: write "
                f"numbers of {unit}"
            )
        return _hours(plain), unit or "h"
    looks = plain.str.fullmatch(NUMBER) | plain.str.lower().isin(["inf", "+inf", "-inf"])
    if not looks.any() or plain.str.fullmatch("|".join(DATES)).mean() > 0.5:
        return _dates(texts, header) or (None, unit)
    if looks.mean() <= 0.5:
        return None, unit
    if not looks.all():
        row = looks.index[~looks][0]
        raise ValueError(
            f"column {header!r} has numbers, but {texts[row]!r} in row {row + 1} (of {(~looks).sum()} such cells): "
            "correct it, or leave the cell empty"
        )
    proved = _decimal_signs(texts)
    if len(proved) == 2:
        raise ValueError(f"column {header!r} has both commas and points as decimal signs: write all its numbers in one way")
    decimal = proved.pop() if proved else _unproved(plain, header, separator, decimal)
    plain = plain.str.translate(str.maketrans(decimal, ".", "," if decimal == "." else "."))
    numbers = pandas.to_numeric(plain, errors="coerce").to_numpy(dtype=float)
    unread = np.isnan(numbers)
    if unread.any():
        raise ValueError(
            f"column {header!r} has {texts[unread].iloc[0]!r}, which is no number where {decimal!r} is the decimal sign: write "
            "all numbers in one way, or say decimal=',' or decimal='.'"
        )
    _refuse_a_stand_in(numbers, header)
    return numbers, unit or ("%" if percent.any() else "")


def _refuse_a_word_for_nothing(words: pandas.Series, header: str) -> None:
    """'none' may be said of a task, and NA is North America among codes of two letters."""
    for word, is_one in (("none", words.str.lower() == "none"), ("NA", words == "NA")):
        if is_one.any() and (word == "none" or words[words != ""].str.fullmatch("[A-Z]{2}").all()):
            raise ValueError(
                f"column {header!r} has words and {word!r}: leave the cell empty where it is not known, or write another word"
            )


def _refuse_a_stand_in(numbers: np.ndarray, header: str) -> None:
    """A -999 is no number where all others are at least 0, or further from it than from one another; nor -99 if further."""
    stand = np.isclose(numbers[:, None], STANDS_FOR_MISSING, rtol=1e-6, atol=0)  # (n, k): numbers may come from float32
    others = numbers[~stand.any(1)]
    for stand_in, mine in zip(STANDS_FOR_MISSING, stand.T, strict=True):
        far = not len(others) or others.min() - stand_in > np.ptp(others)
        if mine.any() and (far or (stand_in < -99 and (others >= 0).all())):
            raise ValueError(
                f"column {header!r} has {stand_in:g} in {int(mine.sum())} cells and nothing else near it: if this stands for "
                "a missing value, leave these cells empty"
            )


def _in_one_number(numbers: np.ndarray) -> tuple[np.ndarray, str] | None:
    """Days of dates such as 20240331 (n,), or of hours such as 2024033114; None where these are other numbers."""
    import pandas

    known = np.isfinite(numbers)
    for form, (first, last) in IN_ONE_NUMBER.items():
        if known.any() and first <= numbers[known].min() and numbers[known].max() <= last:
            texts = pandas.Series(numbers).map("{:.10g}".format, na_action="ignore")
            dates = pandas.to_datetime(texts, format=form, errors="coerce")
            if dates[known].notna().all():
                return _days(dates)
    return None


def _hours(texts: pandas.Series) -> np.ndarray:
    """Times of the day (n,) such as 7:30 or 07:30:00 in hours."""
    parts = texts.str.extract(r"^(\d+):(\d+)(?::(\d+))?$").astype(float)
    return (parts[0] + parts[1] / 60 + parts[2].fillna(0) / 3600).to_numpy()


def _unproved(plain: pandas.Series, header: str, separator: str | None, decimal: str | None) -> str:
    """The decimal sign where no number proves one: "." but for numbers that could be either, which must be asked about."""
    for sign, other in (",.", ".,"):
        if plain.str.count(re.escape(sign)).gt(1).any():  # what parts several groups can only part thousands
            return other
    for sign in ",." if decimal is None else "":
        mine = plain[plain.str.contains(sign, regex=False)]
        if len(mine) and (separator == ";" or sign == ","):
            raise ValueError(
                f"column {header!r} has numbers such as {mine.iloc[0]}, which may be thousands or decimals: say decimal=',' or "
                "decimal='.'"
            )
    return decimal or "."


def _dates(texts: pandas.Series, header: str) -> tuple[np.ndarray, str] | None:
    """Dates as days since the first, and that as the unit; None where there are none."""
    import pandas

    for look, formats in DATES.items():
        looks = texts.str.fullmatch(look)
        if looks.mean() < 0.5:
            continue
        plain = texts.str.replace("T", " ")
        dates = [pandas.to_datetime(plain, format=form, errors="coerce", utc=True) for form in formats]
        found = [days for days in dates if days.notna().all()]
        if len(found) == 2 and not found[0].equals(found[1]):
            raise ValueError(
                f"column {header!r} has dates such as {texts.iloc[0]}, in which day and month could be taken for each other: "
                "write them as 2024-03-31"
            )
        if not found:
            example = (texts if looks.all() else texts[~looks]).iloc[0]
            raise ValueError(f"column {header!r} has dates, but {example!r} is none of the same form: write them as 2024-03-31")
        return _days(found[0])
    return None


def _days(dates: pandas.Series) -> tuple[np.ndarray, str]:
    first = dates.min()
    return _in_days(dates - first), f"days since {first:%Y-%m-%d}"


def _in_days(times: pandas.Series) -> np.ndarray:
    return (times.dt.total_seconds() / 86400).to_numpy(dtype=float)


def check_differs(name: str, role: str, numbers: np.ndarray) -> None:
    if numbers.min() == numbers.max():
        raise ValueError(f"column {name!r} ({role}) is the same in every training row: leave it out")
    check_kept(name, role, numbers)
    if role == "y" and not 1e-3 <= numbers.std() <= 1e15:
        raise ValueError(
            f"column {name!r} (y) has a standard deviation of {numbers.std():.2g}, whose square training would take for "
            "nothing or for too much: give it in a unit in which it is about 1"
        )


def check_kept(name: str, role: str, numbers: np.ndarray) -> None:
    """A sentence for numbers that differ too little for their size to be kept in the default dtype, or are too large for it."""
    lost = np.abs(floats(numbers).double().numpy() - numbers)
    if len(numbers) and numbers.min() < numbers.max() and not lost.max() < 0.003 * np.ptp(numbers):
        raise ValueError(
            f"column {name!r} ({role}) has numbers such as {numbers[0]:.9g}, which {torch.get_default_dtype()} cannot tell "
            "apart: subtract the smallest from all, or give them in another unit"
        )
