"""Settings of this lesson's figures that are worth projecting."""

from functools import partial

from hyperedu.lessons import projecting
from hyperedu.lessons.projecting import Setting

SETTINGS = {
    "forgetting": [
        Setting(
            {"learner": "plain network", "step": 650},
            shows="Fifty steps on the second task, and the first is lost: worse than always to say 0, which errs by a third.",
            says=r"squared error ([\d.]+) \(x \+ 3\)",
            holds=lambda first: first > 1 / 3,
        ),
        Setting(
            {"learner": "hypernetwork", "step": 1800},
            shows="A code for each task, no penalty: the first is lost here too, the second partly, the last is learned.",
            says=r"error ([\d.]+) \(x \+ 3\), ([\d.]+) \(2x² − 1\), ([\d.]+)",
            holds=lambda first, second, third: first > 0.25 and 1 / 3 > second > 0.03 and third < 0.002,
        ),
        Setting(
            {"learner": "with the output penalty", "step": 1800},
            shows="With the penalty all three are held, with errors below 0.001.",
            says=r"error ([\d.]+) \(x \+ 3\), ([\d.]+) \(2x² − 1\), ([\d.]+)",
            holds=lambda *errors: max(errors) < 0.001,
        ),
        Setting(
            {"learner": "with the output penalty", "step": 1250},
            shows="As a task begins, what was learned moves a little: an earlier one errs by a few hundredths, and comes back.",
            says=r"error ([\d.]+) \(x \+ 3\), ([\d.]+) \(2x² − 1\)",
            holds=lambda *earlier: 0.01 < max(earlier) < 0.2,  # which of them depends on the processor's last bits
        ),
    ],
    "adapter": [
        Setting(
            {"sentence": "The digits are upside down.", "done": "nothing"},
            shows="A lie: the digits are upright, and the adapter spoils what the frozen network could read.",
            says=r"reads (\d+)% of 200 new drawings, the frozen one (\d+)%",
            holds=lambda after, before: before > 90 and after < 60,
        ),
        Setting(
            {"sentence": "They are not mirrored.", "done": "nothing"},
            shows="The sentence is true, and read as its contrary: “not” is not understood.",
            says=r"reads (\d+)% of 200 new drawings, the frozen one (\d+)%",
            holds=lambda after, before: before > 90 and after < 60,
        ),
        Setting(
            {"sentence": "The digits are white on black.", "done": "negative"},
            shows="A right sentence need not be enough: of this change less than half comes back.",
            says=r"reads (\d+)% of 200 new drawings, the frozen one (\d+)%",
            holds=lambda after, before: before < 5 and 20 < after < 50,
        ),
        Setting(
            {"sentence": "The weather is fine.", "done": "nothing"},
            shows="A sentence about something else: almost no change is written, and nearly all is read as before.",
            says=r"reads (\d+)% of 200 new drawings, the frozen one (\d+)%",
            holds=lambda after, before: after > before - 5,
        ),
    ],
    "map": [
        Setting(
            {"tau_1": -1.33, "tau_2": 1.87},
            shows="At a drawing's own place that drawing comes back.",
            says=r"nearest drawing is 10, ([\d.]+) away",
            holds=lambda away: away < 0.05,
        ),
        Setting(
            {"tau_1": -0.66, "tau_2": 2.36},
            shows="Between two hands of one letter: mostly the letter, with a trace of the other hand.",
            says=r"nearest drawing is 7, ([\d.]+) away",
            holds=lambda away: away > 0.5,
        ),
        Setting(
            {"tau_1": -0.48, "tau_2": -1.32},
            shows="Between two letters: a double exposure of both.",
            says=r"nearest drawing is 20, ([\d.]+) away",
            holds=lambda away: away > 0.5,
        ),
        Setting(
            {"tau_1": 4.6, "tau_2": 4.6},
            shows="Far from all drawings, where training never was: no drawing.",
            says=r"nearest drawing is \d+, ([\d.]+) away",
            holds=lambda away: away > 2,
        ),
    ],
    "walk": [
        Setting(
            {"first": 11, "second": 13, "share": 0.5, "through": "τ"},
            shows="Over the map, half way between two letters: a clean drawing, here of one that lies on the way.",
            says=r"drawings is (\d\.\d+)",
            holds=lambda like: like > 0.9,
        ),
        Setting(
            {"first": 11, "second": 13, "share": 0.5, "through": "θ written"},
            shows="The same two, straight through written weights: a blur like no drawing.",
            says=r"drawings is (\d\.\d+)",
            holds=lambda like: like < 0.46,
        ),
        Setting(
            {"first": 6, "second": 8, "share": 0.5, "through": "θ written"},
            shows="Two hands of one letter that are neighbours on the map: even straight through weights it is the letter.",
            says=r"drawings is (\d\.\d+)",
            holds=lambda like: like > 0.85,
        ),
        Setting(
            {"first": 3, "second": 16, "share": 0.5, "through": "τ"},
            shows="Over the map it can fail as well: a double exposure, between all drawings.",
            says=r"drawings is (\d\.\d+)",
            holds=lambda like: like < 0.7,
        ),
        Setting(
            {"first": 6, "second": 8, "share": 0.5, "through": "θ trained apart"},
            shows="The neighbours once more, as networks trained apart: nothing that anybody drew.",
            says=r"drawings is (\d\.\d+)",
            holds=lambda like: like < 0.46,
        ),
    ],
}
project = partial(projecting.project, SETTINGS)
