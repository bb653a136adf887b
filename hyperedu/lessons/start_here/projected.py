"""Settings of this lesson's figures that are worth projecting."""

from functools import partial

from hyperedu.lessons import projecting
from hyperedu.lessons.projecting import Setting

DRAWS = r"draws (-?\d+\.\d) °C in January and (-?\d+\.\d) °C in July"

SETTINGS = {
    "watch-it-learn": [
        Setting(
            {"elevation": 1500},
            shows="Low: about 8 °C in January and 32 °C in July, near the top of the grey years.",
            says=DRAWS,
            holds=lambda january, july: 6.5 < january < 9.5 and 30 < july < 34,
        ),
        Setting(
            {"elevation": 3500},
            shows="High, at the same place: about −4 °C and 17 °C. July has lost about 15 °C, January about 12.",
            says=DRAWS,
            holds=lambda january, july: -5.5 < january < -2 and 15 < july < 18.5,
        ),
        Setting(
            {"elevation": 1500, "latitude": 37.0},
            shows="The southern edge, at 1,500 m: about 10 °C and 34 °C (the ringed station lies far higher).",
            says=DRAWS + r".* never saw \(([\d,]+) m\)",
            holds=lambda january, july, ringed: 8.5 < january < 11.5 and 32.5 < july < 36 and ringed > 1800,
        ),
        Setting(
            {"elevation": 1500, "latitude": 41.4},
            shows="The northern edge, at 1,500 m: about 3 °C and 31 °C. Latitude costs January more than July.",
            says=DRAWS,
            holds=lambda january, july: 1.5 < january < 5 and 29.5 < july < 33,
        ),
        Setting(
            {"elevation": 2430, "latitude": 38.8, "longitude": -106.1},
            shows="At Buena Vista, never seen: January is drawn about 3 °C too cold, July about 1 °C.",
            says=DRAWS + r"; Buena Vista, .* measured (-?\d+\.\d) and (-?\d+\.\d)",
            holds=lambda january, july, cold, warm: 2 < cold - january < 4.5 and 0 < warm - july < 2.5,
        ),
        Setting(
            {"elevation": 3500, "longitude": -101.2},
            shows="3,500 m in the eastern plains, where none is: less than 12 °C from January to July, and no warning.",
            says=DRAWS,
            holds=lambda january, july: july - january < 12,
        ),
    ],
}
project = partial(projecting.project, SETTINGS)
