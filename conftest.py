"""For all tests, those in tests/ and those beside each lesson."""

import os

import pytest
import torch
from hypothesis import settings

from hyperedu import MainNetwork, Sinusoids

# The networks of the tests are too small for two threads, which wait for each other without end on a busy machine.
torch.set_num_threads(1)

# Exercises have the numbers of their texts, whoever runs the tests.
os.environ.pop("HYPEREDU_KEY", None)

# The same examples at every run, and no limit on the time of one, which a busy machine would break.
settings.register_profile("hyperedu", deadline=None, derandomize=True, max_examples=30)
settings.load_profile("hyperedu")


@pytest.fixture
def random():
    """A source of randomness that is the same at every run."""
    return torch.Generator().manual_seed(0)


@pytest.fixture
def main():
    return MainNetwork.mlp([1, 8, 8, 1])


@pytest.fixture
def family():
    return Sinusoids()


@pytest.fixture
def in_float64():
    """float64 as the default dtype, for the time of one test."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.fixture
def says(capsys):
    """What a check prints about an answer."""

    def says(check, *arguments):
        check(*arguments)
        return capsys.readouterr().out

    return says


def pytest_collection_modifyitems(items):
    """The long ones first, for tests that run side by side."""
    order = ("browser", "notebook")
    items.sort(key=lambda item: next((k for k, mark in enumerate(order) if mark in item.keywords), len(order)))


@pytest.hookimpl(wrapper=True, tryfirst=True)  # around all others: these lines come last
def pytest_terminal_summary(terminalreporter):
    yield
    skipped = terminalreporter.getreports("skipped")
    reasons = [report.longrepr[2].removeprefix("Skipped: ") for report in skipped if "browser" in report.keywords]
    for reason in sorted(set(reasons)):
        count = reasons.count(reason)
        terminalreporter.write_line(f"Not tested: {count} test{'s' * (count > 1)} of what a reader sees in a browser: {reason}")
