"""Settings of this lesson's figures that are worth projecting."""

from functools import partial

from hyperedu.lessons import projecting
from hyperedu.lessons.projecting import Setting

SETTINGS = {
    "step-by-step": [
        Setting(
            {"task": 18, "shots": 10, "alpha": 0.01, "steps": 1},
            shows="Grey does not look like the wave; one step leaves less than a fifth of its loss on unseen points.",
            says=r"([\d.]+) on unseen points \(at the start ([\d.]+)",
            holds=lambda now, start: now < start / 5,
        ),
        Setting(
            {"task": 18, "shots": 10, "alpha": 0.01, "steps": 10},
            shows="The loss on unseen points falls to the tenth step; W₁ has moved most for its size.",
            says=r"([\d.]+) on unseen points .* lowest, ([\d.]+), after 10 steps\)\. W₁ has moved most",
            holds=lambda now, lowest: now == lowest,
        ),
        Setting(
            {"task": 7, "shots": 3, "alpha": 0.005, "steps": 10},
            shows="Three points: they are met better and better, while unseen points are met best after one step.",
            says=r"([\d.]+) on the support set and ([\d.]+) on unseen points .* lowest, ([\d.]+), after 1 step\)",
            holds=lambda seen, unseen, lowest: seen < 0.1 and unseen > 1.4 * lowest,
        ),
        Setting(
            {"task": 15, "shots": 4, "alpha": 0.01, "steps": 10},
            shows="The curve ends up on its four points; on unseen points the loss is higher than after one step.",
            says=r"([\d.]+) on the support set and ([\d.]+) on unseen points .* lowest, ([\d.]+), after 1 step\)",
            holds=lambda seen, unseen, lowest: seen < 0.1 and unseen > 1.2 * lowest,
        ),
        Setting(
            {"task": 18, "shots": 10, "alpha": 0.03, "steps": 1},
            shows="At three times the rate the first step is too long: the loss on unseen points more than doubles.",
            says=r"([\d.]+) on unseen points \(at the start ([\d.]+)",
            holds=lambda now, start: now > 2 * start,
        ),
        Setting(
            {"task": 18, "shots": 10, "alpha": 0.03, "steps": 10},
            shows="After ten such steps the loss has left the panel: this task diverges.",
            says=r"the loss has left the panel: with α = 0\.030 this task diverges",
        ),
    ],
}
project = partial(projecting.project, SETTINGS)
