"""Settings of this lesson's figures that are worth projecting."""

from functools import partial

from hyperedu.lessons import projecting
from hyperedu.lessons.projecting import Setting

FOUR = ", ".join(rf"{name} (\d+(?:\.\d+)?)" for name in ("described", "shown", "both", "untold"))
HERE = rf"on it is: {FOUR}\. "
MEANS = rf".*the errors are: {FOUR}"

SETTINGS = {
    "describe-or-show": [
        Setting(
            {"task": 2, "noise": 0.0, "shots": 10},
            shows="A perfect description of a large wave: the described curve is too low at the peaks; ten examples mend that.",
            says=HERE,
            holds=lambda described, shown, both, untold: described > 0.5 and both < 0.1,
        ),
        Setting(
            {"task": 9, "noise": 0.0, "shots": 1},
            shows="One example, perfect description: all that descend end farther from the wave than the described curve.",
            says=HERE + MEANS + r".*best here is: described\.",
            holds=lambda described, shown, both, untold, d, s, b, u: 5 * described < min(shown, both, untold) and 3 * d < b,
        ),
        Setting(
            {"task": 9, "noise": 0.0, "shots": 10},
            shows="Ten examples, perfect description: both errs least, on this wave and over all.",
            says=HERE + r".*best here is: both\.",
            holds=lambda described, shown, both, untold: 3 * both < min(described, shown, untold),
        ),
        Setting(
            {"task": 9, "noise": 1.0, "shots": 10},
            shows="Described with less than half its amplitude: the described curve is too flat, both follows the points.",
            says=r"amplitude 3\.5, .* described as amplitude 1\.6, .*" + HERE,
            holds=lambda described, shown, both, untold: described > 2 and both < shown,
        ),
        Setting(
            {"task": 9, "noise": 3.0, "shots": 10},
            shows="Beyond the errors of training: both still follows the points, yet errs about twice as much as shown.",
            says=HERE + MEANS + r".*best here is: shown\.",
            holds=lambda described, shown, both, untold, d, s, b, u: both > 1.8 * shown and b > 1.8 * s,
        ),
    ],
    "months-or-description": [
        Setting(
            {"task": 10, "noise": 0.0, "shots": 1},
            shows="One month and a perfect description: both errs less than either alone.",
            says=HERE + r".*best here is: both\.",
            holds=lambda described, shown, both, untold: both < 0.7 * min(described, shown, untold),
        ),
        Setting(
            {"task": 10, "noise": 1.0, "shots": 1},
            shows="Described too high by a good 700 m, the described year is too cold; one month tells more.",
            says=r"elevation 1,662 m.* described as elevation 2,427 m.*" + HERE + MEANS,
            holds=lambda described, shown, both, untold, d, s, b, u: described > 10 * shown and d > 1.5 * s,
        ),
        Setting(
            {"task": 10, "noise": 1.5, "shots": 1},
            shows="At the edge of what it was warned of, both errs more than shown, on this station and over all.",
            says=HERE + MEANS,
            holds=lambda described, shown, both, untold, d, s, b, u: both > shown and b > s,
        ),
        Setting(
            {"task": 9, "noise": 0.0, "shots": 1},
            shows="One month may mislead: here those without a description err most.",
            says=HERE,
            holds=lambda described, shown, both, untold: min(shown, untold) > 2 * max(described, both),
        ),
    ],
}
project = partial(projecting.project, SETTINGS)
