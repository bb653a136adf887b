"""Settings of this lesson's figures that are worth projecting."""

from functools import partial

from hyperedu.lessons import projecting
from hyperedu.lessons.projecting import Setting

SETTINGS = {
    "two-quadratics": [
        Setting(
            {"steps": 0},
            shows="No step follows: the meta-learned start and the shared weights lie at the same place.",
            says=r"start lies at \((-?[\d.]+), (-?[\d.]+)\).*, the shared weights at \((-?[\d.]+), (-?[\d.]+)\)",
            holds=lambda x, y, x_shared, y_shared: (x, y) == (x_shared, y_shared),
        ),
        Setting(
            {"steps": 1},
            shows="One step: the star has left the diamond, but is still nearer to the dot than to the ring.",
            says=r"start lies at \((-?[\d.]+), .*?\), ([\d.]+) from c₁ and ([\d.]+) from c₂, "
            r"the shared weights at \((-?[\d.]+)",
            holds=lambda x, dot, ring, x_shared: dot < ring and x > x_shared + 0.5,
        ),
        Setting(
            {"steps": 3},
            shows="Three steps: the star is near the ring; its loss is six times the diamond's, afterwards a fifth of it.",
            says=r"([\d.]+) from c₁ and ([\d.]+) from c₂, the shared .* mean loss of ([\d.]+), "
            r"the shared weights ([\d.]+) and .* after 3 steps ([\d.]+), ([\d.]+) and",
            holds=lambda dot, ring, loss, shared, after, shared_after: (
                ring < 1 < dot and 5.5 < loss / shared < 6.5 and 0.18 < after / shared_after < 0.22
            ),
        ),
        Setting(
            {"steps": 10},
            shows="Ten steps: the star lies on the ring, and the way to the dot, across its valley, takes the steps.",
            says=r"([\d.]+) from c₂, the shared .* after 10 steps ([\d.]+), ([\d.]+) and",
            holds=lambda ring, after, shared: ring <= 0.1 and after < 0.001 < 0.2 < shared,
        ),
        Setting(
            {"x_1": 0.0, "y_1": -1.5, "x_2": 0.0, "y_2": 1.5, "steps": 3},
            shows="The ring above the dot: the way now lies along the dot's valley, and the star is near the dot.",
            says=r"([\d.]+) from c₁ and ([\d.]+) from c₂, the shared",
            holds=lambda dot, ring: dot < 1 < 2 < ring,
        ),
    ],
}
project = partial(projecting.project, SETTINGS)
