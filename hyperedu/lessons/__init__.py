"""Checks for the notebooks' exercises: they name the misconception behind a wrong answer.

One module per lesson, one function per exercise. An exercise not yet answered (`...`) is no error, so that a notebook
runs from top to bottom as it is.
"""

import importlib


def __getattr__(name: str):
    if name.startswith("lesson_"):
        return importlib.import_module(f"hyperedu.exercises.{name}")
    raise AttributeError(f"module 'hyperedu.exercises' has no attribute {name!r}")
