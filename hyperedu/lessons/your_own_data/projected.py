"""Settings of this lesson's figures that are worth projecting."""

from functools import partial

from hyperedu.lessons import projecting
from hyperedu.lessons.projecting import Setting

SETTINGS = {
    "ten-lines": [
        Setting(
            {"elevation": 1000, "latitude": 40, "longitude": -101.9},
            shows="On the plains: most from May to July; a station that it never saw is missed by a few mm.",
            says=r"Haigler, never seen, they miss by ([\d.]+)",
            holds=lambda miss: miss < 6,
        ),
        Setting(
            {"elevation": 3200, "latitude": 40.5, "longitude": -106.7},
            shows="High up: the season is about right, but in winter this station gets far more than the network says.",
            says=r"Tower, never seen, they miss by ([\d.]+)",
            holds=lambda miss: miss > 40,
        ),
        Setting(
            {"elevation": 3200, "latitude": 39.1, "longitude": -106.5},
            shows="As high, not far south: much less falls here, and it is missed by much less.",
            says=r"Brumley, never seen, they miss by ([\d.]+)",
            holds=lambda miss: miss < 20,
        ),
        Setting(
            {"elevation": 3200, "latitude": 40, "longitude": -102},
            shows="A mountain on the plains, like no station: a curve is drawn all the same, and falls below zero.",
            says=r"Lake Moraine, never seen, they miss by ([\d.]+)",
            holds=lambda miss: miss > 40,
        ),
    ],
}
project = partial(projecting.project, SETTINGS)
