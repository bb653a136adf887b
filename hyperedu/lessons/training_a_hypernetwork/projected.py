"""Settings of this lesson's figures that are worth projecting."""

from functools import partial

from hyperedu.lessons import projecting
from hyperedu.lessons.projecting import Setting

ERRORS = r"error ([\d.]+) with written weights, ([\d.]+) between"

SETTINGS = {
    "paths": [
        Setting(
            {"pair": 17, "along": 0.0},
            shows="At an end of the way both networks are good, and the one trained for this wave alone is the better one.",
            says=ERRORS,
            holds=lambda written, trained: trained < written < 0.1,
        ),
        Setting(
            {"pair": 17, "along": 0.5},
            shows="Halfway between the same two, the written network is still good; the blend of the trained ones is not.",
            says=ERRORS,
            holds=lambda written, blended: written < 0.1 and blended > 50 * written,
        ),
        Setting(
            {"pair": 7, "along": 0.5},
            shows="Two waves next to each other in τ: the written networks are close, the trained ones far apart all the same.",
            says=r"θ moves by ([\d.]+) if written, .* by ([\d.]+) if trained",
            holds=lambda written, trained: trained > 4 * written,
        ),
        Setting(
            {"pair": 19, "along": 0.5},
            shows="The way along the sheet is bent, and clearly longer than the straight line between its ends.",
            says=r"θ moves by ([\d.]+) if written, on a bent way of ([\d.]+)",
            holds=lambda straight, bent: bent > 1.3 * straight,
        ),
        Setting(
            {"pair": 10, "along": 0.5},
            shows="Two small waves: the blend's error is small too, and yet above 0.125, which is about what y = 0 would have.",
            says=ERRORS,
            holds=lambda written, blended: written < 0.05 and blended > 0.15,
        ),
    ],
}
project = partial(projecting.project, SETTINGS)
