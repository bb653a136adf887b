"""Settings of this lesson's figures that are worth projecting."""

from functools import partial

from hyperedu.lessons import projecting
from hyperedu.lessons.projecting import Setting

SETTINGS = {
    "sentence": [
        Setting(
            {"sentence": "wave slow tall left"},
            shows="The words in another order, without grammar: read rightly, and drawn close to the wave.",
            says=r"Read as: tall, slow, shifted left; .* by ([\d.]+) \(",
            holds=lambda off: off < 0.2,
        ),
        Setting(
            {"sentence": "a pagoda, moving like lava"},
            shows="Two images that no training sentence has: read as tall and slow, and drawn close to that wave.",
            says=r"Read as: tall, slow; .* by ([\d.]+) \(",
            holds=lambda off: off < 0.2,
        ),
        Setting(
            {"sentence": "a colossal fast wave"},
            shows="A plain word that this reader was not trained on: read as tall, and drawn close to that wave.",
            says=r"Read as: tall, fast; .* by ([\d.]+) \(",
            holds=lambda off: off < 0.25,
        ),
        Setting(
            {"sentence": "a wave that is not tall"},
            shows="Not is ignored: a tall wave is drawn, and a cosine above 0.7 raises no doubt.",
            says=r"Read as: tall, .* \(cosine ([\d.]+)\)",
            holds=lambda cosine: cosine > 0.7,
        ),
        Setting(
            {"sentence": "a slow wave of height 1, shifted left"},
            shows="A digit: read as tall, drawn close to that wave, and the line has no word of doubt.",
            says=r"Read as: tall, slow, shifted left; .* by ([\d.]+) \(.*\(cosine [\d.]+\)\.$",
            holds=lambda off: off < 0.25,
        ),
        Setting(
            {"sentence": "gargantuan, torpid"},
            shows="Two rare words: tall and slow is only the nearest; what is drawn is far from all twelve waves.",
            says=r"Read as: tall, slow; .* by ([\d.]+) \(",
            holds=lambda off: off > 0.8,
        ),
        Setting(
            {"sentence": "высокая медленная волна"},
            shows="“A tall slow wave” in Russian: nearly flat, read as small; the line says to trust nothing.",
            says=r"Read as: small, slow; .* trust nothing here",
        ),
    ],
}
project = partial(projecting.project, SETTINGS)
