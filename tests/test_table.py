"""Tables as people have them: each kind of file ends in a family that trains, or in one sentence that says what to do."""

import time
import tracemalloc

import numpy as np
import pandas
import pytest
import torch

from hyperedu import Hypernetwork, MainNetwork, MLPGenerator, Table, figures, live, meta_test, meta_train

ROLES = {"task": "site", "descriptor": ["height", "age"], "x": ["day"], "y": ["growth"]}


def rows(n_tasks=8, n_rows=6):
    """Columns of texts: growth = height · day / 100 + age."""
    found = {"site": [], "height (m)": [], "age [years]": [], "day": [], "growth (mm)": []}
    for task in range(n_tasks):
        for row in range(n_rows):
            height, age, day = 100.5 + 50 * task, 3 + task % 4, 1.5 + row
            values = (f"00{task}", f"{height}", f"{age}", f"{day}", f"{height * day / 100 + age:.4f}")
            for name, value in zip(found, values, strict=True):
                found[name].append(value)
    return found


def text(columns, separator=",", end="\n", quote=False):
    cells = [list(columns), *zip(*columns.values(), strict=True)]
    mark = '"' if quote else ""
    return end.join(separator.join(f"{mark}{cell}{mark}" for cell in line) for line in cells) + end


def changed(column, change):
    found = rows()
    found[column] = [change(value, i) for i, value in enumerate(found[column])]
    return found


def commas(columns):
    return {name: [value.replace(".", ",") for value in values] for name, values in columns.items()}


@pytest.fixture
def file(tmp_path):
    def write(content, encoding="utf-8"):
        path = tmp_path / "mine.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write


@pytest.fixture
def plain(file):
    return Table.from_csv(file(text(rows())), **ROLES)


# ------------------------------------------------------------------------------------------------------- what it is


def test_a_table_is_a_family_split_by_task(plain):
    train, test = plain.train.sample(None, 3, 3), plain.test.sample(None, 3, 3)
    assert (len(train), len(test)) == (6, 2)
    assert not set(train.properties["name"]) & set(test.properties["name"])
    assert set(train.properties["name"]) | set(test.properties["name"]) == {f"00{k}" for k in range(8)}
    assert plain.descriptors.names == ["height", "age"]
    assert plain.descriptors.units == ["m", "years"]
    assert plain.axis_labels == ("day", "growth (mm)")
    torch.testing.assert_close(train.descriptor.mean(0), torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(train.descriptor.std(0, correction=0), torch.ones(2))
    other = Table(rows(), split=1, **ROLES)
    assert other.test.sample(None, 3, 3).properties["name"] != test.properties["name"]


def test_rows_are_those_of_their_task_and_none_comes_twice(plain, random):
    batch = plain.train.sample(4, 2, 4, random)
    for i in range(4):
        height, age = batch.properties["height"][i], batch.properties["age"][i]
        x = torch.cat([batch.support.x[i], batch.query.x[i]])
        y = torch.cat([batch.support.y[i], batch.query.y[i]])
        day = x * plain.x_std + plain.x_mean
        torch.testing.assert_close(day.sort(0).values.flatten(), torch.arange(6) + 1.5)
        torch.testing.assert_close(y, height * day / 100 + age, atol=1e-3, rtol=0)


def test_it_trains_and_is_drawn_without_a_line_of_drawing(file):
    table = Table.from_csv(file(text(rows(40, 8))), **ROLES)
    torch.manual_seed(0)
    main = MainNetwork.mlp([table.d_in, 16, table.d_out], "tanh", table.y_mean, table.y_std)
    learner = Hypernetwork(main, MLPGenerator(2, main, (32,)))
    meta_train(learner, table.train, 400, 10, 0, 8, progress=False)
    assert meta_test(learner, table.test, 0).rmse < 0.2 * table.y_std
    picture = figures.Triptych(table, learner)
    assert list(picture.controls) == ["height", "age"]
    assert "height 400" in picture.update(height=400.0, age=4.0)
    assert picture.what.get_xlabel() == "day"
    assert "growth (mm)" in picture.what.get_ylabel()


def test_the_drawn_curve_of_a_task_is_the_mean_of_its_rows_at_each_x():
    columns = {
        "t": list("aaaabbbbccc"),
        "d": [1] * 4 + [2] * 4 + [3] * 3,
        "x": [0, 0, 1, 2, 0, 1, 1, 2, 0, 1, 1],
        "y": list(range(11)),
    }
    table = Table(columns, "t", ["d"], ["x"], ["y"])
    batch = table.train.sample(None, 1, 1)
    positions, x, y = table.curve(batch)
    assert positions.tolist() == [0, 1, 2]
    torch.testing.assert_close(x[:, 0] * table.x_std + table.x_mean, positions)
    expected = {"a": [0.5, 2, 3], "b": [4, 5.5, 7], "c": [8, 9.5, float("nan")]}
    for name, row in zip(batch.properties["name"], y[..., 0], strict=True):
        torch.testing.assert_close(row, torch.tensor(expected[name]), equal_nan=True)


def test_many_values_of_x_are_drawn_in_intervals():
    g = np.random.default_rng(0)
    columns = {"t": np.repeat(np.arange(5), 400), "d": np.repeat(np.arange(5), 400), "x": g.random(2000), "y": g.random(2000)}
    table = Table(columns, "t", ["d"], ["x"], ["y"])
    positions, x, y = table.curve(table.test.sample(None, 1, 1))
    assert len(positions) == x.shape[0] == y.shape[1] == 40
    assert torch.isfinite(y).all()
    assert y.mean().item() == pytest.approx(0.5, abs=0.05)


# ----------------------------------------------------------------------------------------------- files of every kind


def same(one, other):
    for part in ("x", "y", "values"):
        torch.testing.assert_close(getattr(one, part), getattr(other, part))
    assert one.names == other.names
    return True


THOUSANDS = {"height (m)": lambda v, i: f"{float(v) * 10000:,.1f}"}
FILES = {
    "semicolons and decimal commas": lambda: text(commas(rows()), ";"),
    "a byte-order mark": lambda: b"\xef\xbb\xbf" + text(rows()).encode(),
    "UTF-16, as Excel's Unicode text": lambda: b"\xff\xfe" + text(rows(), "\t").encode("utf-16-le"),
    "Excel's line about the separator": lambda: "sep=;\n" + text(commas(rows()), ";"),
    "tabs": lambda: text(rows(), "\t"),
    "bars": lambda: text(rows(), "|"),
    "quoted cells": lambda: text(rows(), quote=True),
    "quoted decimal commas": lambda: text(commas(rows()), ",", quote=True),
    "Windows line ends": lambda: text(rows(), end="\r\n"),
    "old Mac line ends": lambda: text(rows(), end="\r"),
    "empty lines": lambda: text(rows(), end="\n\n"),
    "spaces round cells": lambda: text({f" {name} ": [f" {v} " for v in values] for name, values in rows().items()}),
    "spaces as thousands": lambda: text(changed("day", lambda v, i: f"{v}\u00a0")),
}


@pytest.mark.parametrize("kind", FILES)
def test_the_same_table_in_many_forms(kind, file, plain):
    assert same(Table.from_csv(file(FILES[kind]()), **ROLES), plain)


@pytest.mark.parametrize(
    ("write", "separator"),
    [
        (lambda v: f"{v:,.2f}", ","),
        (lambda v: f"{v:,.2f}".translate(str.maketrans(",.", ".,")), ";"),
        (lambda v: f"{v:,.2f}".replace(",", " "), ","),
        (lambda v: f"{v:,.2f}".replace(",", "'"), ","),
        (lambda v: f"{v:,.2f}".replace(",", "’"), ";"),
        (lambda v: f"{v:e}", ","),
        (lambda v: f"{round(v):,}", ","),
        (lambda v: f"{round(v):,}".replace(",", "."), ";"),
    ],
)  # fmt: skip
def test_thousands_separators(write, separator, file):
    values = [1234567.25 + 1000 * i for i in range(48)]
    columns = rows() | {"growth (mm)": [write(v) for v in values]}
    table = Table.from_csv(file(text(columns, separator, quote=True)), **ROLES)
    assert table.y.double().sort(0).values.flatten().tolist() == pytest.approx(values, rel=1e-6)


def test_a_file_in_latin_1_keeps_its_letters(file):
    columns = {("größe" if name.startswith("height") else name): values for name, values in rows().items()}
    table = Table.from_csv(file(text(columns), "latin-1"), **ROLES | {"descriptor": ["größe", "age"]})
    assert table.descriptors.names[0] == "größe"


def test_a_file_of_windows_keeps_its_signs(file):
    """Its dots and dashes are control characters in Latin-1, of which one ends a line."""
    columns = rows() | {"site": [name + " \u2026" for name in rows()["site"]]}
    columns["growth (mm)"] = [value + " \u20ac" if i else "\u2013" for i, value in enumerate(columns["growth (mm)"])]
    table = Table.from_csv(file(text(columns), "cp1252"), **ROLES)
    assert table.names == [f"00{task} \u2026" for task in range(8)]
    assert table.left_out == {"rows without a task, an x or a y": 1}


@pytest.mark.parametrize("sign", ["\u2028", "\x0b", "\x0c", "\x1c", "\x85"])
def test_only_the_end_of_a_line_ends_a_line(sign, file, plain):
    columns = rows() | {"site": [f"a{sign}{name}" for name in rows()["site"]]}
    assert torch.equal(Table.from_csv(file(text(columns)), **ROLES).y, plain.y)


def test_columns_may_be_called_by_numbers(plain):
    frame = pandas.DataFrame(rows())
    frame.columns = range(5)
    assert torch.equal(Table(frame, 0, [1, 2], [3], [4]).y, plain.y)
    assert torch.equal(Table(frame, "0", ["1", "2"], ["3"], ["4"]).y, plain.y)


@pytest.mark.parametrize("c", [0.1, 7.7, 123.456])
@pytest.mark.parametrize("role", ["descriptor", "x", "y"])
def test_what_is_always_the_same_is_refused_though_its_mean_is_rounded(role, c):
    columns = rows(100) | {"same": [c] * 600}
    with pytest.raises(ValueError, match=r"'same'.* is the same (in|for) every training"):
        Table(columns, **ROLES | {role: [*ROLES[role], "same"]})


@pytest.mark.parametrize("hole", ["", "NA", "NaN", "n/a", "-", "?", "null", "#N/A", ".", "k. A.", "#DIV/0!"])
def test_missing_values_are_left_out_and_counted(hole, file):
    columns = changed("growth (mm)", lambda v, i: hole if i in (3, 20) else v)
    table = Table.from_csv(file(text(columns)), **ROLES)
    assert len(table.y) == 46
    assert "rows without a task, an x or a y (2)" in repr(table)
    columns = changed("height (m)", lambda v, i: hole if i // 6 == 2 else v)
    table = Table.from_csv(file(text(columns)), **ROLES)
    assert len(table.y) == 48
    assert torch.isnan(table.values[2, 0])
    train = table.train.sample(None, 1, 1)
    assert torch.isfinite(train.descriptor).all(), "what is not known is the mean"


def test_tasks_with_one_row_are_left_out_and_counted():
    columns = rows()
    for name, value in zip(columns, ("alone", "777", "5", "1", "2"), strict=True):
        columns[name] = [*columns[name], value]
    table = Table(columns, **ROLES)
    assert "alone" not in table.names
    assert table.left_out == {"tasks with fewer than 2 rows": 1}


@pytest.mark.parametrize(
    ("write", "first"),
    [("%Y-%m-%d", "2024-01-31"), ("%d.%m.%Y", "2024-01-31"), ("%Y/%m/%d", "2024-01-31"), ("%d/%m/%Y", "2024-01-31"),
     ("%m/%d/%Y", "2024-01-31"), ("%Y-%m-%d %H:%M", "2024-01-31"), ("%Y-%m-%dT%H:%M:%S", "2024-01-31")],
)  # fmt: skip
def test_dates_become_days_since_the_first(write, first, file):
    days = pandas.Timestamp("2024-01-31") + pandas.to_timedelta(np.tile(np.arange(6), 8) * 10, "D")
    table = Table.from_csv(file(text(rows() | {"day": list(days.strftime(write))})), **ROLES)
    assert table.axis_labels[0] == f"day (days since {first})"
    assert sorted({round(v) for v in (table.x * table.x_std + table.x_mean).flatten().tolist()}) == [0, 10, 20, 30, 40, 50]


def test_words_that_describe_become_numbers(file):
    diets = ["corn", "beans", "fish", "corn"]
    columns = changed("age [years]", lambda v, i: diets[i // 6 % 4])
    table = Table.from_csv(file(text(columns)), **ROLES)
    assert table.descriptors.names == ["height", "age: beans", "age: corn", "age: fish"]
    assert table.values[0].tolist() == [100.5, 0, 1, 0]
    two = changed("age [years]", lambda v, i: ["yes", "no"][i // 6 % 2])
    assert Table.from_csv(file(text(two)), **ROLES).descriptors.names == ["height", "age: yes"]


def test_a_frame_and_its_types():
    frame = pandas.DataFrame(rows())
    frame[["height (m)", "age [years]", "day", "growth (mm)"]] = frame[
        ["height (m)", "age [years]", "day", "growth (mm)"]
    ].astype(float)
    frame["day"] = pandas.Timestamp("2020-02-01") + pandas.to_timedelta(frame["day"], "D")
    frame["wet"] = frame.index // 6 % 2 == 0
    frame.index = frame.index[::-1]
    table = Table(frame, "site", ["height", "wet"], ["day"], ["growth"])
    assert table.axis_labels[0].startswith("day (days since 2020-02-02)")
    assert table.values[:, 1].tolist() == [1, 0] * 4


def test_percent_signs_are_a_unit(file):
    table = Table.from_csv(file(text(changed("growth (mm)", lambda v, i: f"{v} %")).replace("growth (mm)", "growth")), **ROLES)
    assert table.axis_labels[1] == "growth (%)"


def test_three_tasks_are_enough(file):
    table = Table.from_csv(file(text(rows(3))), **ROLES)
    assert (len(table.train.index), len(table.test.index)) == (2, 1)


def test_several_x_and_y(file):
    columns = rows() | {"depth": [str(i % 5) for i in range(48)], "weight": [str(i) for i in range(48)]}
    table = Table.from_csv(file(text(columns)), **ROLES | {"x": ["day", "depth"], "y": ["growth", "weight"]})
    assert (table.d_in, table.d_out) == (2, 2)
    main = MainNetwork.mlp([2, 8, 2], y_mean=table.y_mean, y_std=table.y_std)
    picture = figures.Triptych(table, Hypernetwork(main, MLPGenerator(2, main)))
    assert "weights" in picture.update(height=300.0, age=4.0)


def test_two_hundred_thousand_rows_in_a_moment(file):
    g = np.random.default_rng(0)
    task = g.integers(0, 500, 200_000)
    frame = pandas.DataFrame({"site": task, "height": 10.0 + task, "day": g.random(200_000), "growth": g.random(200_000)})
    path = file(frame.to_csv(index=False))
    start = time.perf_counter()
    table = Table.from_csv(path, "site", ["height"], ["day"], ["growth"])
    batch = table.train.sample(25, 10, 10)
    seconds = time.perf_counter() - start
    assert len(table.y) == 200_000
    assert len(batch) == 25
    assert seconds < 60, "not a measurement: a loop over rows would take minutes"


# ------------------------------------------------------------------------------------------------------ what is said


def with_line(line):
    return text(rows()) + line + "\n"


def whole_numbers():
    return {name: [v.split(".")[0] for v in values] for name, values in rows().items()}


SAID = {
    "no such file": (lambda file: Table.from_csv("nowhere.csv", **ROLES), ["no file", "nowhere.csv"]),
    "an empty file": (lambda file: Table.from_csv(file(""), **ROLES), ["0 lines", "header"]),
    "a header alone": (lambda file: Table.from_csv(file("site,height,age,day,growth\n"), **ROLES), ["1 lines"]),
    "a workbook": (lambda file: Table.from_csv(file(b"PK\x03\x04..."), **ROLES), ["workbook", "CSV"]),
    "no such column": (
        lambda file: Table.from_csv(file(text(rows())), **ROLES | {"y": ["grwth"]}),
        ["grwth", "did you mean 'growth (mm)'"],
    ),
    "two columns of one name": (
        lambda file: Table.from_csv(file(text(rows()).replace("age [years]", "height (m)")), **ROLES),
        ["2 columns", "height"],
    ),
    "a column in two roles": (lambda file: Table(rows(), **ROLES | {"x": ["day", "growth"]}), ["growth (mm)", "one role"]),
    "a task that describes itself": (lambda file: Table(rows(), **ROLES | {"descriptor": ["site"]}), ["site", "one role"]),
    "text among numbers": (
        lambda file: Table.from_csv(file(text(changed("growth (mm)", lambda v, i: "broken" if i == 7 else v))), **ROLES),
        ["growth (mm)", "'broken'", "row 8"],
    ),
    "words as y": (lambda file: Table(rows() | {"growth (mm)": ["good"] * 48}, **ROLES), ["growth (mm)", "words", "good"]),
    "a descriptor that changes": (
        lambda file: Table(changed("height (m)", lambda v, i: str(i)), **ROLES),
        ["height", "'000'", "0 and as 1", "mean"],
    ),
    "a constant descriptor": (lambda file: Table(changed("age [years]", lambda v, i: "3"), **ROLES), ["age", "leave it out"]),
    "a constant x": (lambda file: Table(changed("day", lambda v, i: "3"), **ROLES), ["day", "leave it out"]),
    "an empty column": (lambda file: Table(changed("day", lambda v, i: ""), **ROLES), ["day", "empty"]),
    "a word for each task": (
        lambda file: Table(changed("age [years]", lambda v, i: f"name {i // 6}"), **ROLES),
        ["age", "8 different words", "8 tasks"],
    ),
    "two tasks": (lambda file: Table(rows(2), **ROLES), ["2 tasks", "3 are the fewest"]),
    "one row for each task": (lambda file: Table(rows(8, 1), **ROLES), ["0 tasks", "8 names in 8 rows"]),
    "too many held out": (lambda file: Table(rows(), n_test=7, **ROLES), ["n_test", "6"]),
    "ambiguous dates": (
        lambda file: Table(changed("day", lambda v, i: f"0{i % 6 + 1}/0{i % 6 + 2}/2024"), **ROLES),
        ["day and month", "2024-03-31"],
    ),
    "dates of two forms": (
        lambda file: Table(changed("day", lambda v, i: f"2024-03-{i % 6 + 10}" if i else "31.12.2023"), **ROLES),
        ["31.12.2023", "same form"],
    ),
    "no such date": (
        lambda file: Table(changed("day", lambda v, i: f"2024-02-{i % 6 + 26}"), **ROLES),
        ["day", "dates"],
    ),
    "thousands or decimals": (
        lambda file: Table(whole_numbers() | {"growth (mm)": [f"1,{200 + i}" for i in range(48)]}, **ROLES),
        ["growth (mm)", "1,200", "decimal=','"],
    ),
    "thousands or decimals, by points": (
        lambda file: Table.from_csv(file(text(whole_numbers() | {"day": [f"1.{200 + i}" for i in range(48)]}, ";")), **ROLES),
        ["day", "1.200", "decimal=','"],
    ),
    "several points in a number": (
        lambda file: Table(changed("growth (mm)", lambda v, i: "1.2.3" if i == 5 else v), **ROLES),
        ["growth (mm)", "1.2.3"],
    ),
    "two decimal signs": (
        lambda file: Table(changed("growth (mm)", lambda v, i: v if i % 2 else v.replace(".", ",")), **ROLES),
        ["both commas"],
    ),
    "a line too long": (lambda file: Table.from_csv(file(with_line("1,2,3,4,5,6")), **ROLES), ["line 50", "6 cells"]),
    "one name for a list": (lambda file: Table(rows(), **ROLES | {"x": "day"}), ["x=['day']"]),
    "nothing to describe": (lambda file: Table(rows(), **ROLES | {"descriptor": []}), ["descriptor", "at least one"]),
    "a list of lists": (lambda file: Table([[1, 2]], **ROLES), ["frame", "list"]),
    "columns of different lengths": (lambda file: Table(rows() | {"day": ["1"]}, **ROLES), ["different lengths"]),
    "more shots than rows": (lambda file: Table(rows(), **ROLES).train.sample(2, 4, 4), ["4 shots", "6 rows", "least=8"]),
    "a property that is not there": (lambda file: Table(rows(), **ROLES).describe(width=3), ["width", "height, age"]),
    "two numbers in a cell": (
        lambda file: Table(changed("growth (mm)", lambda v, i: "120 80" if i == 7 else v), **ROLES),
        ["'growth (mm)'", "'120 80' in row 8"],
    ),
    "two numbers and a comma in a cell": (
        lambda file: Table(changed("growth (mm)", lambda v, i: "120, 80" if i == 7 else f"{i},5"), **ROLES),
        ["'growth (mm)'", "'120, 80' in row 8"],
    ),
    "two numbers in a descriptor": (
        lambda file: Table(changed("height (m)", lambda v, i: (i // 6, 2)), **ROLES),
        ["'height'", "8 different words for 8 tasks"],
    ),
    "no x": (lambda file: Table(rows(), **ROLES | {"x": None}), ["x needs at least one column"]),
    "feet and inches": (
        lambda file: Table(changed("growth (mm)", lambda v, i: "5'11" if i == 7 else v), **ROLES),
        ["'growth (mm)'", "5'11", "row 8"],
    ),
    "a unit far too large": (
        lambda file: Table(changed("growth (mm)", lambda v, i: float(v) * 1e-6), **ROLES),
        ["'growth (mm)' (y)", "standard deviation", "in a unit in which it is about 1"],
    ),
    "a unit far too small": (
        lambda file: Table(changed("growth (mm)", lambda v, i: float(v) * 1e20), **ROLES),
        ["'growth (mm)' (y)", "standard deviation", "in a unit in which it is about 1"],
    ),
    "seconds since 1970": (
        lambda file: Table(rows() | {"day": [1.7e9 + 7 * i for i in range(48)]}, **ROLES),
        ["'day' (x)", "1.7", "torch.float32 cannot tell apart", "subtract"],
    ),
    "heights in a narrow band": (
        lambda file: Table(changed("height (m)", lambda v, i: 1e9 + i // 6), **ROLES),
        ["'height' (descriptor)", "cannot tell apart"],
    ),
    "numbers larger than can be kept": (
        lambda file: Table(changed("growth (mm)", lambda v, i: i * 1e300), **ROLES),
        ["'growth (mm)' (y)", "cannot tell apart", "another unit"],
    ),
    "-9999 in a frame of numbers": (
        lambda file: Table(changed("growth (mm)", lambda v, i: -9999.0 if i == 3 else float(v)), **ROLES),
        ["'growth (mm)'", "-9999 in 1 cells", "leave these cells empty"],
    ),
    "-99.9 for rain": (
        lambda file: Table(changed("growth (mm)", lambda v, i: np.float32(-99.9 if i == 3 else 10 * i)), **ROLES),
        ["'growth (mm)'", "-99.9 in 1 cells", "leave these cells empty"],
    ),
    "-99 among temperatures": (
        lambda file: Table(changed("growth (mm)", lambda v, i: -99 if i == 3 else i - 20), **ROLES),
        ["'growth (mm)'", "-99 in 1 cells", "leave these cells empty"],
    ),
    "minutes and seconds": (
        lambda file: Table(
            {
                "day (minutes)" if k == "day" else k: [f"{i % 6}:30" for i in range(48)] if k == "day" else v
                for k, v in rows().items()
            },
            **ROLES,
        ),
        ["'day (minutes)'", "hours and minutes", "write numbers of minutes"],
    ),
    "years of two digits": (
        lambda file: Table(changed("day", lambda v, i: f"{i % 6 + 1:02d}.03.24"), **ROLES),
        ["'day'", "'01.03.24'", "2024-03-31"],
    ),
    "North America": (
        lambda file: Table(changed("age [years]", lambda v, i: ("EU", "NA", "EU", "AS")[i // 6 % 4]), **ROLES),
        ["'age [years]'", "'NA'", "another word"],
    ),
    "a quotation mark that is never closed": (
        lambda file: Table.from_csv(file(text(changed("site", lambda v, i: f'"{v}' if i in (7, 19) else v))), **ROLES),
        ["mine.csv", "quotation mark is not closed", "001,150.5"],
    ),
    "a descriptor called name": (
        lambda file: Table(
            {"name" if k == "height (m)" else k: v for k, v in rows().items()}, **ROLES | {"descriptor": ["name"]}
        ),
        ["'name'", "give its column another"],
    ),
    "least": (lambda file: Table(rows(), least=1, **ROLES), ["least", "2"]),
}


@pytest.mark.parametrize("kind", SAID)
def test_what_cannot_be_used_is_said_in_one_sentence(kind, file):
    call, words = SAID[kind]
    with pytest.raises(ValueError) as error:  # noqa: PT011, the words are checked below
        call(file)
    assert "\n" not in str(error.value)
    assert all(word in str(error.value) for word in words), error.value


def test_what_was_ambiguous_can_be_said(file):
    columns = changed("growth (mm)", lambda v, i: f"1,{200 + i}")
    for decimal, first in ((",", 1.2), (".", 1200)):
        assert Table(columns, decimal=decimal, **ROLES).y.min().item() == pytest.approx(first)


@pytest.mark.parametrize("minus", ["-{}", "\u2212{}", "({})", "-${}", "($ {})", "-{} €"])
def test_numbers_below_zero_in_every_hand(minus, file):
    columns = rows()
    columns["day"] = [minus.format(value) if k % 2 else value for k, value in enumerate(columns["day"])]
    table = Table.from_csv(file(text(columns)), **ROLES)
    wanted = torch.tensor([float(value) * (-1) ** k for k, value in enumerate(rows()["day"])])
    torch.testing.assert_close(table._x[:, 0], wanted)


def test_times_of_the_day_are_hours(file):
    columns = rows()
    columns["day"] = ["7:30", "08:15", "23:59:30", "0:00", "12:45", "9:05"] * 8
    table = Table.from_csv(file(text(columns)), **ROLES)
    torch.testing.assert_close(table._x[:6, 0], torch.tensor([7.5, 8.25, 23 + 59.5 / 60, 0.0, 12.75, 9 + 5 / 60]))
    assert table.x_columns[0].unit == "h"


def test_999_below_zero_is_a_number_only_among_others_that_are(file):
    columns = rows()
    columns["growth (mm)"][3] = columns["growth (mm)"][9] = "-999"
    with pytest.raises(ValueError, match=r"growth.*-999 in 2 cells.*leave these cells empty"):
        Table.from_csv(file(text(columns)), **ROLES)
    columns["growth (mm)"][4] = "-998.5"
    assert Table.from_csv(file(text(columns)), **ROLES).y.min() == -999


def test_a_percent_sign_in_some_cells_only_is_said(file):
    columns = changed("growth (mm)", lambda value, k: value + " %" if k % 5 else value)
    columns["growth"] = columns.pop("growth (mm)")
    with pytest.raises(ValueError, match="write it in all or in none"):
        Table.from_csv(file(text(columns)), **ROLES)


def test_infinite_values_are_missing(file):
    table = Table.from_csv(file(text(changed("growth (mm)", lambda v, i: "inf" if i == 3 else v))), **ROLES)
    assert len(table.y) == 47


def test_what_is_not_told_of_a_task_is_its_mean():
    table = Table(rows(), **ROLES)
    assert table.describe(height=300.5)[1] == 0


def test_what_is_below_zero_in_parentheses_proves_no_decimal_sign():
    columns = changed("growth (mm)", lambda v, i: f"(1,{200 + i})" if i % 4 == 0 else f"1,{200 + i}")
    assert Table(columns, **ROLES).y[:2, 0].tolist() == [-1200, 1201]
    columns["growth (mm)"][1] = "1,201.5"
    assert Table(columns, **ROLES).y[:2, 0].tolist() == [-1200, 1201.5]


def test_a_number_that_begins_with_zero_has_no_thousands(file):
    columns = whole_numbers() | {"growth (mm)": [f"0.{100 + i}" for i in range(48)]}
    assert Table.from_csv(file(text(columns, ";")), **ROLES).y.max().item() == pytest.approx(0.147)
    columns = rows() | {"growth (mm)": [f"0,{100 + i}" for i in range(48)]}
    assert Table(columns, **ROLES).y.max().item() == pytest.approx(0.147)


@pytest.mark.parametrize("hole", [None, "n/a"])
def test_numbers_among_objects_are_not_read_as_texts(hole):
    numbers = [round(1.001 + i / 100, 3) for i in range(47)] + [hole]
    columns = commas(rows()) | {"growth (mm)": pandas.Series(numbers, dtype=object)}
    assert Table(columns, **ROLES).y.max().item() == pytest.approx(1.461)


def test_minus_9999_is_no_temperature():
    warm = changed("growth (mm)", lambda v, i: -9999.0 if i == 3 else float(i - 20))
    with pytest.raises(ValueError, match=r"-9999 in 1 cells and nothing else near it"):
        Table(warm, **ROLES)
    deep = changed("growth (mm)", lambda v, i: -999.0 if i == 3 else float(-i * 30))
    assert Table(deep, **ROLES).y.min() == -1410


def test_descriptors_that_differ_in_their_unit_alone_keep_it():
    columns = rows()
    columns["age [m]"] = columns.pop("height (m)")
    table = Table(columns, **ROLES | {"descriptor": ["age [m]", "age [years]"]})
    assert table.descriptors.names == ["age (m)", "age (years)"]
    assert table.describe(**{"age (years)": 3.0}).tolist()[0] == 0


def test_spans_of_time_are_days():
    spans = pandas.to_timedelta([12.0 * (i % 6) for i in range(48)], unit="h")
    table = Table(rows() | {"day": spans}, **ROLES)
    assert table._x[:6, 0].tolist() == [0, 0.5, 1, 1.5, 2, 2.5]
    assert table.x_columns[0].unit == "days"


def test_columns_may_be_tensors():
    growth = torch.arange(48.0, dtype=torch.bfloat16, requires_grad=True)
    assert Table(rows() | {"growth (mm)": growth}, **ROLES).y.max() == 47


COLUMNS = {
    "complex": ([1j + i for i in range(48)], "complex"),
    "matrix": (torch.zeros(48, 2), "one value for each row"),
    "one number": (3.0, "one value for each row"),
    "dates that are all missing": (pandas.to_datetime([None] * 48), "empty"),
    "minutes past 59": (["7:30", "8:75"] * 24, "must be numbers or dates"),
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_columns_that_are_no_numbers(kind):
    values, words = COLUMNS[kind]
    with pytest.raises(ValueError, match=words):
        Table(rows() | {"day": values}, **ROLES)


def test_times_that_are_not_of_the_day_are_refused():
    columns = rows()
    columns["day (min)"] = ["7:30", "8:15", "9:05"] * 16
    with pytest.raises(ValueError, match="hours and minutes: write numbers of min"):
        Table(columns, **ROLES | {"x": ["day (min)"]})


def test_columns_are_never_put_into_another_order():
    columns = {name: pandas.Series(values) for name, values in rows().items()}
    columns["day"] = columns["day"].sort_values()
    with pytest.raises(ValueError, match="different indices"):
        Table(columns, **ROLES)


def test_names_of_several_levels_are_refused():
    frame = pandas.DataFrame(rows())
    frame.columns = pandas.MultiIndex.from_product([["plants"], frame.columns])
    with pytest.raises(ValueError, match="several levels"):
        Table(frame, **ROLES)


def test_a_property_and_a_split_are_numbers():
    with pytest.raises(ValueError, match="'tall' is none"):
        Table(rows(), **ROLES).describe(height="tall")
    with pytest.raises(ValueError, match="split"):
        Table(rows(), **ROLES, split=1.5)


@pytest.mark.parametrize("end", ["Z", ".000Z", "+00:00", "-0700", ".5"])
def test_dates_may_have_a_zone_and_parts_of_seconds(end):
    moments = [f"2024-03-{i % 6 + 10}T06:00:00{'' if end == '.5' and i % 2 else end}" for i in range(48)]
    table = Table(rows() | {"day": moments}, **ROLES)
    late = torch.tensor([0.0, 0.5, 0.0, 0.5, 0.0, 0.5]) / 86400 if end == ".5" else torch.zeros(6)
    torch.testing.assert_close(table._x[:6, 0], torch.arange(6.0) - late, atol=1e-6, rtol=0)


def test_a_word_for_nothing_is_not_taken_for_a_missing_one():
    treated = [("none", "salt", "acid", "None")[i // 6 % 4] for i in range(48)]
    with pytest.raises(ValueError, match="'treatment' has words and 'none'"):
        Table(rows() | {"treatment": treated}, **ROLES | {"descriptor": ["treatment"]})
    treated = [None if word.lower() == "none" else word for word in treated]
    table = Table(rows() | {"treatment": treated}, **ROLES | {"descriptor": ["treatment"]})
    assert table.values.isnan().sum() == 4


def test_amounts_in_two_currencies_are_not_added(file):
    columns = changed("growth (mm)", lambda v, i: f"${v}")
    assert Table(columns, **ROLES).y.max() == Table(rows(), **ROLES).y.max()
    columns["growth (mm)"][3] = "€ 12.5"
    with pytest.raises(ValueError, match=r"amounts in \$ and in €"):
        Table(columns, **ROLES)


def test_numbers_among_texts_in_a_column_of_objects_have_no_thousands():
    with pytest.raises(ValueError, match="both commas and points"):
        Table(changed("growth (mm)", lambda v, i: "2,5" if i == 7 else 1.125 + i), **ROLES)
    table = Table(changed("growth (mm)", lambda v, i: "1,234.5" if i == 7 else 1.125 + i), **ROLES)
    assert table.y.min().item() == 1.125


@pytest.mark.parametrize("kind", [int, float, str])
@pytest.mark.parametrize(("form", "per_day"), [("%Y%m%d", 1), ("%Y%m%d%H", 24)])
def test_dates_in_one_number_are_days(kind, form, per_day):
    """As the German weather service writes them."""
    begin = pandas.Timestamp("2023-12-30")
    days = changed("day", lambda v, i: kind((begin + pandas.Timedelta(hours=i % 6 * 24 // per_day)).strftime(form)))
    table = Table(days | {"day": pandas.Series(days["day"])}, **ROLES)
    assert table.x_columns[0].label == "day (days since 2023-12-30)"
    assert table.x_columns[0].numbers[:6] == pytest.approx(np.arange(6) / per_day)
    assert Table(changed("day", lambda v, i: 20231230 + 9 * i), **ROLES).x_columns[0].unit == "", "there is no 32nd"


def test_dates_with_times_as_in_german():
    table = Table(changed("day", lambda v, i: f"{i % 6 + 1}.03.2024 12:00"), **ROLES)
    assert table.x_columns[0].numbers[:6].tolist() == [0, 1, 2, 3, 4, 5]


def test_columns_may_be_named_by_an_index_or_an_array():
    named = {"descriptor": pandas.Index(["height", "age"]), "x": np.array(["day"]), "y": pandas.Index(["growth"])}
    assert Table(rows(), "site", **named).descriptors.names == ["height", "age"]


def test_long_names_take_no_more_memory_than_they_are():
    tracemalloc.start()
    table = Table(changed("site", lambda v, i: "x" * 100_000 + v), **ROLES)
    _now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(table.names) == 8
    assert most < 12e6, "with four bytes for each sign it would be 20"


def test_a_cell_may_have_several_lines(file):
    columns = changed("site", lambda v, i: v) | {"note": [f'"two\nlines, and {i}"' for i in range(48)]}
    assert len(Table.from_csv(file(text(columns)), **ROLES).y) == 48


@pytest.mark.parametrize("before", ["", "\n", "sep=,\n", "\n\nsep=,\n"])
@pytest.mark.parametrize("note", ["one", '"two\nlines"', '"two\n\nlines"'])
@pytest.mark.parametrize("end", ["\n", "\n\n", "\n  \n"])
def test_a_line_of_too_many_cells_is_named_as_an_editor_counts(before, note, end, file):
    """With empty lines, Excel's own first line and cells of several lines."""
    content = before + text(rows() | {"note": [note] * 48}, end=end) + "007,400,4,3,12,much, too"
    last = content.count("\n") + 1
    with pytest.raises(ValueError, match=f"line {last} has 7 cells and the header 6. Quote cells"):
        Table.from_csv(file(content), **ROLES)


def test_a_line_of_too_many_cells_is_refused_beside_a_cell_of_any_length(file):
    content = text(rows() | {"note": ["x" * 200_000] + ["one"] * 47}) + "007,400,4,3,12,much, too"
    with pytest.raises(ValueError, match=r"mine.csv: .*6 .*50.* 7.*Quote cells"):
        Table.from_csv(file(content), **ROLES)


def test_a_descriptor_may_be_called_self():
    columns = rows()
    columns["self"] = columns.pop("height (m)")
    table = Table(columns, **ROLES | {"descriptor": ["self"]})
    main = MainNetwork.mlp([1, 4, 1])
    picture = figures.Triptych(table, Hypernetwork(main, MLPGenerator(1, main)))
    assert "self 200" in live.interact(picture.figure, picture.update, self=(100.0, 300.0)).sentence
    assert table.describe(self=table.descriptors.mean.item()).tolist() == [0]
