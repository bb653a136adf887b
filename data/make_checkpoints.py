"""The small checkpoints of the lessons: what each was trained by stands in its lesson's `trainings.py`.

python data/make_checkpoints.py                 all of them, about half an hour on two cores
python data/make_checkpoints.py reptile both_1  those that are named
"""

import importlib
import sys
from pathlib import Path

from hyperedu import lessons, save_checkpoint

FOLDER = Path(__file__).parent / "checkpoints"


def recipes():
    """Name of a checkpoint → a function that trains it, from all lessons that have some."""
    found = {}
    for path in sorted(Path(lessons.__file__).parent.glob("*/trainings.py")):
        found |= importlib.import_module(f"hyperedu.lessons.{path.parent.name}.trainings").RECIPES
    return found


if __name__ == "__main__":
    known = recipes()
    unknown = set(sys.argv[1:]) - known.keys()
    if unknown:
        sys.exit(f"there is no recipe for {sorted(unknown)}; these there are: {', '.join(known)}")
    for name in sys.argv[1:] or known:
        print(name, flush=True)
        save_checkpoint(FOLDER / f"{name}.safetensors", known[name]())
