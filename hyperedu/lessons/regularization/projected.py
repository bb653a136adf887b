"""Settings of this lesson's figures that are worth projecting."""

from functools import partial

from hyperedu.lessons import projecting
from hyperedu.lessons.projecting import Setting

# On stations never seen and on those trained on: here, then at the weakest strength.
ERRORS = r"RMSE ([\d.]+) °C on stations never seen, ([\d.]+) on .* weakest strength ([\d.]+) and ([\d.]+)\."
STATION = r".* errs by ([\d.]+) °C"

SETTINGS = {
    "strengths": [
        Setting(
            {"penalty": "sensitivity", "strength": -1.0, "station": 17},
            shows="Right where it was trained, about three degrees wrong elsewhere; Hayden's year is written far too flat.",
            says=ERRORS + STATION,
            holds=lambda new, known, _new, _known, hayden: known < 0.1 and new > 2.5 and hayden > 5,
        ),
        Setting(
            {"penalty": "sensitivity", "strength": 2.0, "station": 17},
            shows="On stations never seen the error has fallen by over a degree, on training stations it has risen.",
            says=ERRORS,
            holds=lambda new, known, weak_new, weak_known: new < weak_new - 1 and known > 3 * weak_known,
        ),
        Setting(
            {"penalty": "sensitivity", "strength": 3.0, "station": 17},
            shows="Less than half of the error at the weak end; Hayden's year is written close to what was measured.",
            says=ERRORS + STATION,
            holds=lambda new, _known, weak_new, _weak_known, hayden: new < weak_new / 2 and hayden < 2,
        ),
        Setting(
            {"penalty": "weight norm", "strength": 3.0, "station": 17},
            shows="The weights are pale, yet both errors are larger than at the weak end, and Hayden's year is flat again.",
            says=ERRORS + STATION,
            holds=lambda new, known, weak_new, weak_known, hayden: (
                new > weak_new + 0.5 and known > 5 * weak_known and hayden > 5
            ),
        ),
        Setting(
            {"penalty": "weight norm", "strength": 3.0, "station": 19},
            shows="The same weights φ at a lucky place: the one year is met well while the mean error is nearly four degrees.",
            says=ERRORS + STATION,
            holds=lambda new, _known, _weak_new, _weak_known, station: new > 3.5 and station < 2,
        ),
        Setting(
            {"penalty": "sensitivity", "strength": 3.0, "station": 11},
            shows="An unlucky place for the better penalty: Rico's winter is written too cold; its error is above the mean.",
            says=ERRORS + STATION,
            holds=lambda new, _known, _weak_new, _weak_known, rico: rico > new + 0.3,
        ),
        Setting(
            {"penalty": "weight norm", "strength": 0.75, "station": 17},
            shows="Between two markers: the bump of the dotted line comes of blending φ; nobody trained this generator.",
            says=ERRORS,
            holds=lambda _new, known, _weak_new, _weak_known: known > 0.27,
        ),
    ],
}
project = partial(projecting.project, SETTINGS)
