"""Settings of this lesson's figures that are worth projecting."""

from functools import partial

from hyperedu.lessons import projecting
from hyperedu.lessons.projecting import Setting

NUMBER = r"(-?[\d.]+\d)"
TINY = rf"squared error of {NUMBER}\. .* correlate {NUMBER}\. Since the first position (\d+)%"
DESIGN = rf"squared error of {NUMBER}\. .* side by side correlate {NUMBER}, and weights four apart {NUMBER}\."
SIZES = rf"are: 32 {NUMBER}, 40, unseen {NUMBER}, 48 {NUMBER}; of the flat line y = 0 {NUMBER}\."

SETTINGS = {
    "tiny-triptych": [
        Setting(
            {"amplitude": 2.6, "phase": 1.56},
            shows="One step of one slider: a few per cent of the weights change by over 1%, and neighbours stay alike.",
            says=TINY,
            holds=lambda error, near, share: error < 0.01 and near > 0.95 and 1 <= share <= 10,
        ),
        Setting(
            {"amplitude": 1.0, "phase": 1.56},
            shows="Another amplitude: more than half of all weights have changed by over 1%, and the curve still fits.",
            says=TINY,
            holds=lambda error, near, share: error < 0.01 and near > 0.95 and 50 < share < 90,
        ),
        Setting(
            {"amplitude": 2.55, "phase": 0.0},
            shows="Another phase: nine tenths of all weights have changed by over 1%, and the curve still fits.",
            says=TINY,
            holds=lambda error, near, share: error < 0.01 and near > 0.95 and share >= 90,
        ),
        Setting(
            {"amplitude": 5.0, "phase": 3.14},
            shows="The corner of the range: the error is more than ten times that of the first position (0.0028).",
            says=TINY,
            holds=lambda error, near, share: error > 0.028,
        ),
    ],
    "designs": [
        Setting(
            {"design": "connected", "amplitude": 2.0, "phase": 1.0},
            shows="All but noise: neighbours correlate a little (single rows stand out), weights four apart do not.",
            says=DESIGN,
            holds=lambda error, near, far: error < 0.01 and 0.05 < near < 0.3 and abs(far) < 0.1,
        ),
        Setting(
            {"design": "chunked", "amplitude": 2.0, "phase": 1.0},
            shows="Stripes that lean: along rows and columns, near or four apart, weights correlate by little.",
            says=DESIGN,
            holds=lambda error, near, far: error < 0.01 and abs(near) < 0.2 and abs(far) < 0.2,
        ),
        Setting(
            {"design": "convolutional", "amplitude": 2.0, "phase": 1.0},
            shows="Tiles: weights four apart are alike, neighbours much less (it is pale here: see the row of pictures below).",
            says=DESIGN,
            holds=lambda error, near, far: error < 0.01 and far > 0.4 and far > 2 * near,
        ),
        Setting(
            {"design": "attention", "amplitude": 2.0, "phase": 1.0},
            shows="Hills and valleys: neighbours are alike, weights four apart no more.",
            says=DESIGN,
            holds=lambda error, near, far: error < 0.01 and near > 0.6 and far < 0.1,
        ),
        Setting(
            {"design": "low rank", "amplitude": 2.0, "phase": 1.0},
            shows="What looks like noise, near and far; the error is below a thousandth.",
            says=DESIGN,
            holds=lambda error, near, far: error < 0.001 and abs(near) < 0.1 and abs(far) < 0.1,
        ),
        Setting(
            {"design": "chunked", "amplitude": 5.0, "phase": 0.0},
            shows="A corner of the range: the error is over ten times that at amplitude 2 and phase 1 (0.0017).",
            says=DESIGN,
            holds=lambda error, near, far: error > 0.017,
        ),
    ],
    "three-main-networks": [
        Setting(
            {"amplitude": 2.0, "phase": 0.0},
            shows="Here the width never seen does as well as the two that were trained.",
            says=SIZES,
            holds=lambda of_32, of_40, of_48, flat: of_40 <= 1.3 * min(of_32, of_48),
        ),
        Setting(
            {"amplitude": 5.0, "phase": 2.5},
            shows="The width never seen leaves the sine on the left: over ten times the error, yet 1% of the flat line's.",
            says=SIZES,
            holds=lambda of_32, of_40, of_48, flat: of_40 > 10 * max(of_32, of_48) and of_40 < 0.015 * flat,
        ),
        Setting(
            {"amplitude": 0.1, "phase": 3.14},
            shows="The smallest wave: width 32, which was trained, is worse than a flat line; the width never seen is best.",
            says=SIZES,
            holds=lambda of_32, of_40, of_48, flat: of_32 > flat and of_40 < min(of_32, of_48),
        ),
    ],
}
project = partial(projecting.project, SETTINGS)
