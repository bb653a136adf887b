"""What is left out of a notebook when JupyterLab saves it."""

import copy
import json
import re
import subprocess
import sys

import pytest

from hyperedu_server import KEPT, WIDGET, keep_pictures


def output(text, **data):
    return {"output_type": "display_data", "metadata": {}, "data": {"text/plain": text} | data}


LIVE = output("LiveFigure(children=(Surface(), IntSlider()))", **{WIDGET: {"model_id": "a"}})
PICTURE = output("a wave", **{"text/html": [f'<div {KEPT}="key">\n', "<img>"], "image/png": "iVBOR"})
BAR = output("HBox(children=(FloatProgress()))", **{WIDGET: {"model_id": "b"}})
WORDS = {"output_type": "stream", "name": "stdout", "text": "hello"}


def notebook(*outputs, **metadata):
    cells = [{"cell_type": "markdown", "source": "words"}, {"cell_type": "code", "outputs": list(outputs)}]
    return {"type": "notebook", "content": {"cells": cells, "metadata": metadata}}


def saved(model):
    keep_pictures(model=model, path="a.ipynb")
    return model["content"]["cells"][1]["outputs"]


def test_a_live_figure_gives_way_to_its_picture():
    model = notebook(WORDS, LIVE, PICTURE, widgets={"application/vnd.jupyter.widget-state+json": {"state": {}}})
    assert saved(model) == [WORDS, PICTURE]
    assert model["content"]["metadata"] == {}


def test_other_widgets_leave_their_words():
    before = copy.deepcopy(BAR)
    (left, *_) = saved(notebook(BAR, LIVE, PICTURE))
    assert left["data"] == {"text/plain": "HBox(children=(FloatProgress()))"}
    assert before == BAR, "what the server still has is not changed"


@pytest.mark.parametrize(
    "model",
    [
        notebook(BAR, WORDS),
        notebook(LIVE, PICTURE, widgets={"application/vnd.jupyter.widget-state+json": {"state": {"a": {}}}}),
        {"type": "file", "content": "text"},
        {"type": "notebook", "content": None},
        {"type": "directory", "content": []},
    ],
)
def test_what_has_no_live_figure_or_keeps_its_widgets_stays(model):
    before = copy.deepcopy(model)
    keep_pictures(model=model)
    assert model == before


def test_jupyters_server_loads_it():
    command = [sys.executable, "-m", "jupyter", "server", "extension", "list"]
    said = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    assert re.search(r"hyperedu_server \S*enabled", said.stdout + said.stderr)


def test_it_does_without_torch():
    script = "import sys, json, hyperedu_server; print(json.dumps(sorted(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True)
    assert not {"torch", "matplotlib", "hyperedu"} & set(json.loads(said.stdout))
