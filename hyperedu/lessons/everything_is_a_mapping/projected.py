"""Settings of this lesson's figures that are worth projecting."""

from functools import partial

from hyperedu.lessons import projecting
from hyperedu.lessons.projecting import Setting

LAYERS = "changed by: " + ", ".join(rf"{layer} (\d+)%" for layer in ("W₁", "b₁", "W₂", "b₂", "W₃", "b₃"))
ERROR = r"mean squared error of (\d+\.\d+)"
ERRORS = r"error is (\d+\.\d+); the flat line y = 0 has (\d+\.\d+)"

# What a gradient finds in the cell `settings-that-do`.
FOUND = dict(zip((f"θ{i}" for i in range(1, 11)), (-0.89, 0.97, 0.97, 0.0, -2.97, 2.97, -1.24, -1.16, -1.16, 0.0), strict=True))
EXCHANGED = {"θ1": 0.97, "θ2": -0.89, "θ4": -2.97, "θ5": 0.0, "θ7": -1.16, "θ8": -1.24}

SETTINGS = {
    "two-sliders": [
        Setting(
            {"amplitude": 5.0, "phase": 1.56},
            shows="Amplitude up: every layer has changed, W₁ and W₂ by more than their norm, W₃ by less.",
            says=LAYERS,
            holds=lambda *layers: min(layers) > 1 and layers[0] > 100 and layers[2] > 100 and layers[4] < 100,
        ),
        Setting(
            {"amplitude": 0.1, "phase": 1.56},
            shows="Amplitude down, a nearly flat wave: again all have changed, W₁ by more than W₃.",
            says=LAYERS,
            holds=lambda *layers: min(layers) > 1 and layers[0] > layers[4],
        ),
        Setting(
            {"amplitude": 2.55, "phase": 3.14},
            shows="The phase alone: every layer by a third of its norm or more, the last one too.",
            says=LAYERS,
            holds=lambda *layers: min(layers) > 33,
        ),
        Setting(
            {"amplitude": 5.0, "phase": 3.14},
            shows="A corner of the range: the curve misses at its left end; the error is above a hundredth.",
            says=ERROR,
            holds=lambda error: error > 0.01,
        ),
    ],
    "slider-per-weight": [
        Setting(
            {"θ1": 1.0},
            shows="One slider up, the others at zero: nothing moves. It is multiplied by θ7, which is zero.",
            says=ERRORS,
            holds=lambda error, flat: error == flat,
        ),
        Setting(
            {"θ1": 1.0, "θ7": 1.0},
            shows="Both up: the middle is met, the ends are not, and the error is twice that of the flat line.",
            says=ERRORS,
            holds=lambda error, flat: error > 2 * flat,
        ),
        Setting(
            FOUND,
            shows="What a gradient finds: the wave, with an error that rounds to zero.",
            says=ERRORS,
            holds=lambda error, flat: error == 0,
        ),
        Setting(
            FOUND | EXCHANGED,
            shows="Two hidden units have changed places: six other numbers, and the very same curve.",
            says=ERRORS,
            holds=lambda error, flat: error == 0,
        ),
        Setting(
            FOUND | {"θ2": 0.67},
            shows="What was found, with θ2 lower by 0.3: the right half is lost, and the error is above 0.2.",
            says=ERRORS,
            holds=lambda error, flat: 0.2 < error < flat,
        ),
    ],
}
project = partial(projecting.project, SETTINGS)
