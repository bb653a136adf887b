"""What JupyterLab does when a notebook of the course is saved: pictures in place of live figures.

A widget needs the kernel that made it: opened the next day, "model not found" would stand where the figures were. Each figure
leaves a picture beside its widget (hyperedu/figures/live.py), and this leaves the widgets out of the file. A module of its own,
so that the server need not import torch.
"""

from tornado.ioloop import IOLoop

WIDGET = "application/vnd.jupyter.widget-view+json"
KEPT = "data-hyperedu-kept"
OURS = ("LiveFigure(", "Asked(", "Waiting(", "Quiz(")  # what leaves a text or a picture for places without a kernel


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "hyperedu_server"}]


def _load_jupyter_server_extension(server) -> None:
    # Once the loop runs: another extension (Jupytext's) may still put a contents manager of its own in the place of this one.
    IOLoop.current().add_callback(lambda: server.contents_manager.register_pre_save_hook(keep_pictures))


def keep_pictures(model: dict, **_) -> None:
    """Change what is about to be written, if it is a notebook with a live figure; other notebooks stay as they are.

    Where JupyterLab was told to save the state of widgets, which it is not by default, the widgets stay too.
    """
    notebook = model.get("content")
    if model.get("type") != "notebook" or not isinstance(notebook, dict):
        return
    cells = [cell for cell in notebook.get("cells", []) if cell.get("outputs")]
    saved = notebook.get("metadata", {}).get("widgets", {}).values()
    if any(part.get("state") for part in saved) or not any(_is_kept(output) for cell in cells for output in cell["outputs"]):
        return
    notebook["metadata"].pop("widgets", None)
    for cell in cells:
        cell["outputs"] = [output for output in map(_without_widget, cell["outputs"]) if output]


def _is_kept(output: dict) -> bool:
    return KEPT in "".join(output.get("data", {}).get("text/html", ""))


def _without_widget(output: dict) -> dict | None:
    """An output as it can be read without a kernel; None if it is a figure or a question, whose picture or text follows."""
    data = output.get("data", {})
    if WIDGET not in data:
        return output
    left = {kind: value for kind, value in data.items() if kind != WIDGET}
    return None if "".join(left.get("text/plain", "")).startswith(OURS) else output | {"data": left}
