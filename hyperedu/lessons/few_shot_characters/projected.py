"""Settings of this lesson's figures that are worth projecting."""

from functools import partial

from hyperedu.lessons import projecting
from hyperedu.lessons.projecting import Setting

SETTINGS = {
    "written": [
        Setting(
            {"learner": "prototypes", "alphabet": "Greek", "episode": 19, "shots": 1},
            shows="The one example of the fifth letter hardly shows it; its row is like the first, and 10 of 30 are misread.",
            says=r"(\d+) of 30 .* Rows 1 and 5 are most alike",
            holds=lambda right: right == 20,
        ),
        Setting(
            {"learner": "prototypes", "alphabet": "Greek", "episode": 19, "shots": 5},
            shows="The same new drawings, from five examples of each letter: at most one is misread.",
            says=r"from 5 examples of each of five letters: (\d+) of 30",
            holds=lambda right: right >= 29,
        ),
        Setting(
            {"learner": "MAML", "alphabet": "Shavian", "episode": 0, "shots": 1, "steps": 0},
            shows="Before its first step MAML is right as often as by chance: its last layer is the same for every episode.",
            says=r"and 0 steps: (\d+) of 30",
            holds=lambda right: 4 <= right <= 8,
        ),
        Setting(
            {"learner": "MAML", "alphabet": "Shavian", "episode": 0, "shots": 5, "steps": 1},
            shows="One step, which it was trained for, and all or nearly all are right.",
            says=r"and 1 step: (\d+) of 30",
            holds=lambda right: right >= 29,
        ),
        Setting(
            {"learner": "MAML", "alphabet": "Shavian", "episode": 0, "shots": 5, "steps": 5},
            shows="Five steps of that same rate overshoot: it is at chance again, and takes all for one letter.",
            says=r"and 5 steps: (\d+) of 30",
            holds=lambda right: right <= 8,
        ),
    ],
    # Each in an episode of its own: what was drawn in an episode stays until another is chosen.
    "draw": [
        Setting(
            {"learner": "prototypes", "alphabet": "Greek", "episode": 15},
            shows="Another hand, another form: prototypes are sure, and right, that it is character 1.",
            says=r"taken for character 1, with a probability of ([\d.]+); prototypes",
            holds=lambda p: p > 0.95,
        ),
        Setting(
            {"learner": "MAML", "alphabet": "Greek", "episode": 15},
            shows="The same six drawings: MAML takes it for character 3, which also has a loop and a stroke.",
            says=r"taken for character 3, with a probability of ([\d.]+); MAML",
            holds=lambda p: p > 0.6,
        ),
        Setting(
            {"learner": "prototypes", "alphabet": "Shavian", "episode": 5},
            shows="Strokes that differ by a bend: the first letter is taken for the third, at about 0.9.",
            says=r"taken for character 3, with a probability of ([\d.]+)",
            holds=lambda p: p > 0.8,
        ),
        Setting(
            {"learner": "prototypes", "alphabet": "Greek", "episode": 8, "paper": "?", "pen_down": True},
            shows="A dot is none of the five, and is taken for one of them with hardly a doubt: “none” is no class.",
            says=r"with a probability of ([\d.]+)",
            holds=lambda p: p > 0.95,
        ),
    ],
}
project = partial(projecting.project, SETTINGS)
