"""Waves told in words: sentences from a grammar whose templates and words are split, so that some are never trained on."""

import itertools
import random
import string

import torch
from torch import Tensor

from hyperedu.batches import Examples, TaskBatch, TaskSet, floats
from hyperedu.descriptors import Metadata

PROPERTIES = ("amplitude", "frequency", "shift")
# The values of y = A sin(f x − p) at the levels −1, 0 and 1; p is in radians, and p < 0 is a wave moved to the left.
# Amplitude and frequency are always told, so that their middle is never met.
VALUES = {"amplitude": (1.0, 2.0, 3.0), "frequency": (0.6, 1.1, 2.0), "shift": (-1.0, 0.0, 1.0)}
# Levels −1 and 1 in a word.
PLAIN = {"amplitude": ("small", "tall"), "frequency": ("slow", "fast"), "shift": ("shifted left", "shifted right")}


def _list(words: str) -> list[str]:
    return [" ".join(word.split()) for word in words.split(",")]


# (property, level) → images, noun phrases or adverbials. No two entries of this file share a word other than such as "a",
# "with" or "of": a word that is held out stands in no sentence of training, not even as a part of another word. Only `ALWAYS`
# repeats some of its own.
IMAGES = {
    ("amplitude", -1): _list(
        """an ant, a flea, a beetle, a gnat, a ladybird, a speck of dust, a mosquito, a termite, a microbe, a bacterium,
        a louse, an aphid, a bug, a housefly, a midge, a tick, an insect, a larva, a caterpillar, a maggot, a cockroach,
        a weevil, an earwig, a virus, plankton, a spider, a moth, an amoeba, a cricket, a worm, a wasp, a parasite"""
    ),
    ("amplitude", 1): _list(
        """a mountain, Everest, a skyscraper, the Eiffel tower, a cathedral, a volcano, the Alps, a summit, a cliff, a castle,
        a lighthouse, a church spire, a fortress, the Himalayas, a pyramid, a monument, an apartment block, a concrete dam,
        a palace, a minaret, the Matterhorn, a suspension bridge, a city wall, a rocky peak, a temple, a belfry, Kilimanjaro,
        a statue, a citadel, the Empire State building, a canyon, a stone arch, a chateau"""
    ),
    ("frequency", -1): _list(
        """a kitten in a basket, a lullaby, a siesta, a nap, a dozing uncle, a yawn, a hammock, a pillow, a sloth,
        slumber, a mattress, a meditating monk, a yoga class, a snoring dog, a child in bed, a soft sofa, a daydream,
        a blanket, a snooze, a fairy tale, an armchair, a massage, a spa, a warm bath, a koala, a retreat, a recliner,
        pyjamas, a duvet, a hibernating bear, a couch potato, a holiday by the lake"""
    ),
    ("frequency", 1): _list(
        """a racing car, a motorcycle, a jet, an express train, a fighter pilot, a Ferrari, a speedboat, a sprinter,
        a Formula One driver, an ambulance, a turbo engine, a dragster, a Porsche, a police chase, a getaway van,
        an aircraft, a missile, a rally, a galloping horse, a Lamborghini, a railway, full throttle,
        a helicopter, a turbine, a go-kart, a grand prix, a quad, a Maserati, a hot rod, a locomotive, a scooter"""
    ),
    ("shift", -1): _list(
        """at brunch, with the morning coffee, with the cornflakes, with toast and jam, with the porridge,
        with the orange juice, with fresh rolls, with scrambled eggs, with a croissant, with pancakes and syrup,
        with a cup of tea, with bacon, with a bowl of muesli, with yoghurt, with the waffles, with butter and honey,
        with granola, with an espresso, with bagels, with oatmeal, with cereal, with a cappuccino,
        with marmalade, with sausages, with crumpets, with grapefruit, with a brioche, with a smoothie, with an omelette,
        with kippers, with a muffin"""
    ),
    ("shift", 1): _list(
        """under the stars, in the moonlight, with the constellations, under the Milky Way, with a comet, under Orion,
        beneath Polaris, with Jupiter, at midnight, in the dark, through the telescope,
        with the astronomers, with a lunar eclipse, with the galaxies, under Cassiopeia, with Saturn, with the planets,
        with the meteors, with a nebula, beside the observatory, with Sirius, with Venus, under the crescent, with the aurora,
        under Pegasus, with a supernova, with the zodiac, under Andromeda, at dusk, with Neptune, with Uranus"""
    ),
}
# Plain words that are always trained on, those of `PLAIN` among them.
ALWAYS = {
    ("amplitude", -1): _list("small, low, tiny, little"),
    ("amplitude", 1): _list("tall, high, big, huge"),
    ("frequency", -1): _list("slow, lazy, calm, unhurried"),
    ("frequency", 1): _list("fast, quick, hurried, accelerated"),
    ("shift", -1): _list(
        """shifted left, early, too soon, ahead of schedule, moved leftward, ahead of time, pulled forward, in front,
        sooner than usual, to the west, on the left hand"""
    ),
    ("shift", 1): _list(
        """shifted right, late, delayed, behind schedule, moved rightward, overdue, pushed back, later than usual, to the east,
        on the right hand, held up"""
    ),
}
# Plain words of which some are held out. They are common: MiniLM's vocabulary of 30,522 pieces of words has each as one.
ADJECTIVES = {
    ("amplitude", -1): _list(
        """short, flat, shallow, minute, modest, minor, petite, compact, squat, faint, slight, weak, miniature, wee,
        insignificant, minimal, trivial, delicate, humble, frail, slender, slim, skinny, lesser, dim, pale, marginal"""
    ),
    ("amplitude", 1): _list(
        """large, great, enormous, massive, immense, gigantic, vast, mighty, tremendous, bulky, strong, powerful, giant,
        colossal, substantial, titanic, monstrous, elevated, imposing, considerable, extensive, major, steep, majestic,
        formidable, overwhelming, magnificent, spectacular, heavy"""
    ),
    ("frequency", -1): _list(
        """creeping, crawling, weary, serene, gradual, idle, slack, deliberate, patient, drifting, exhausted, peaceful, quiet,
        shuffling, wandering, dragging, passive, gentle, soothing, resting, dormant, motionless, stationary, silent, hushed,
        hesitant, reluctant, cautious, pausing, glacial, lifeless, frozen, relaxed, tired, sleepy, inactive, dull, casual,
        floating, limp, numb, walking, at leisure, boring"""
    ),
    ("frequency", 1): _list(
        """charging, darting, urgent, busy, rapid, swift, brisk, hasty, frantic, rushing, flying, agile, lively, energetic,
        vibrating, buzzing, fluttering, nervous, restless, agitated, excited, vigorous, dynamic, running, blazing, breathless,
        furious, spinning, trembling, bursting, pounding, throbbing, pulsing, rattling, shaking, quivering, flickering,
        flashing, raging, turbulent, swirling, tumbling, leaping, bouncing, dancing, fleeing, animated, anxious, panicked,
        dizzy, shivering, shuddering, jumping, hopping, twitching, jerking, whipping, drumming, hammering, streaming, reckless,
        violent, explosive, electric, eager, alert, sudden"""
    ),
    ("shift", -1): _list(
        """preceding, first, anticipating, premature, leading, prior, previously, already, initially, introductory, opening,
        preliminary, preparatory, inaugural, immediate, prompt, commencing, primary, original, advanced, from the onset,
        at the outset, at the start, in the prologue, as a prelude, as a preface, at its inception, as the debut, at the launch,
        as a precursor, at the premiere, foremost, pioneering, at birth"""
    ),
    ("shift", 1): _list(
        """following, last, postponed, trailing, subsequent, finally, eventually, closing, ensuing, latter, ultimate,
        concluding, finished, completed, awaiting, pending, detained, expired, remaining, resulting, at the end, as an epilogue,
        in the aftermath, at the deadline, as a sequel, posthumous, past, in retirement, at the tail, lingering"""
    ),
}
# Plain words that are never trained on, and rare ones: the model puts each together from several pieces.
RARE = {
    ("amplitude", -1): _list("diminutive, minuscule, puny, meagre, dainty, stunted, paltry"),
    ("amplitude", 1): _list("humongous, gargantuan, lofty, hulking, hefty, stupendous, prodigious"),
    ("frequency", -1): _list("sluggish, languid, lethargic, torpid, plodding, ponderous, drowsy, placid"),
    ("frequency", 1): _list("zippy, hurtling, whizzing, feverish, nimble, hectic, frenetic, jittery"),
    ("shift", -1): _list("precocious, preemptive, incipient, inchoate"),
    ("shift", 1): _list("tardy, lagging, deferred, adjourned"),
}
# {a} {f} {p} are images of amplitude, frequency and shift; {A} {F} {P} are plain words. A shift without a slot is at level 0.
TEMPLATES = """
a wave like {a}, moving like {f}, {p}
{p}, a wave like {a} that moves like {f}
a wave that moves like {f}, {p}, shaped like {a}
like {a}, like {f}, {p}
like {f}, like {a}, and {p}
it comes {p}, looks like {a} and goes like {f}
{p} it comes, going like {f}, looking like {a}
{a} that moves like {f} {p}
{f} and {a}, {p}
{a}, {f}, {p}
{f}, {p}, {a}
{p}, {f}, {a}
a curve with the size of {a} and the pace of {f}, {p}
a curve with the pace of {f}, {p}, with the size of {a}
the size of {a}, the tempo of {f}, and all of it {p}
{p} comes a signal the size of {a} with the tempo of {f}
{a} and then {f}, {p}
{f} {p}, next to {a}
something like {a}, something like {f}, {p}
its size is that of {a}, its pace that of {f}, it appears {p}
appearing {p}, it is {f} in pace and {a} in size
it is made of {a} and of {f}, {p}
{a} as well as {f}, {p}
the shape of {a}, {p}, with the rhythm of {f}
{p} there is {f}, and it is {a}
it resembles {a}; its rhythm is that of {f}; it arrives {p}
arriving {p}, moving like {f}, it resembles {a}
a wave like {a}, moving like {f}
a wave that moves like {f} and looks like {a}
{a} with the pace of {f}
{f} and {a}
a {F} {A} wave, {P}
a {A} {F} wave, {P}
a {F} and {A} wave, {P}
{P}, a {A} and {F} wave
a wave that is {A}, {F} and {P}
a curve that is {P}, {F} and {A}
it is {P}, and it is a {F} and {A} wave
the wave is {A} and {F}, and it is {P}
something {F}, {A} and {P}
a wave, {A}, {F}, {P}
a {A} curve, {F} and {P}
I see a {F} wave: it is {A} and {P}
its shape is {A}, its pace is {F}, and it is {P}
{P} and {F}, a {A} signal
{F}, {A}, {P}
{A}, {P}, {F}
a {F} {A} wave
a {A} and {F} signal
a {F} wave like {a}, {p}
a {A} wave that moves like {f}, {P}
a wave like {a}, {P}, {F}
{A}, like {f}, and {p}
it looks like {a} and goes like {f}
something with the size of {a} and the rhythm of {f}
a curve that is {A} and {F}
it is a {F} wave, and a {A} one
{f}, {a}
""".strip().split("\n")


class WavesInWords:
    """y = A sin(f x − p), x ~ U[−5, 5], told by sentences such as "a slow tall wave, shifted left".

    Amplitude and frequency have two levels each, shift has three, and a sentence that does not mention it means the middle
    one: twelve waves, told in very many ways. Sentences name levels by plain words ("tall") or by images ("like a
    mountain"). τ is (A, f, p), standardised; `Described` and `Text` describe by the sentence instead.

    Args:
        split: which random choice of words and templates is held out; each is fixed.
        n_train, n_test: sentences in the training set and in each of the others.

    Attributes:
        train: training words in training templates.
        new_templates: training words in templates never trained on, also called `test`.
        new_images: training templates, filled with images of which none was trained on.
        new_adjectives: training templates, filled with common plain words of which none was trained on.
        new_words: training templates, filled with either: held-out synonyms of every kind.
        rare_words: training templates, filled with rare plain words; none is trained on in any split.
    """

    axis_labels = ("x", "y")

    def __init__(self, split: int = 0, n_train: int = 2000, n_test: int = 200):
        if n_train < 1 or n_test < 1:
            raise ValueError(f"each set needs at least one sentence, got n_train={n_train} and n_test={n_test}")
        chance = random.Random(split)
        images, new_images = _hold_out(IMAGES, chance)
        adjectives, new_adjectives = _hold_out(ADJECTIVES, chance)
        words = _by_slot(images, {key: ALWAYS[key] + adjectives[key] for key in ALWAYS})
        new_words, rare = _by_slot(new_images, new_adjectives), _by_slot(new_images, RARE)
        new = TEMPLATES[split % 4 :: 4]
        known = [t for t in TEMPLATES if t not in new]
        values = torch.cartesian_prod(*(torch.tensor(VALUES[name]) for name in PROPERTIES))
        self.descriptors = Metadata.fit(values, list(PROPERTIES), ["", "", "rad"])

        def sentences(n, templates, words):
            return _SentenceSet(self, _tell(n, templates, words, chance))

        self.train = sentences(n_train, known, words)
        self.new_templates = self.test = sentences(n_test, new, words)
        self.new_images = sentences(n_test, [t for t in known if _slots(t).islower()], new_words)
        plain = [t for t in known if _slots(t).isupper()]
        self.new_adjectives, self.rare_words = sentences(n_test, plain, new_words), sentences(n_test, plain, rare)
        self.new_words = sentences(n_test, known, new_words)

    def describe(self, amplitude, frequency, shift) -> Tensor:
        """τ (…, 3) of the wave A sin(f x − p)."""
        return self.descriptors(torch.stack([floats(v) for v in (amplitude, frequency, shift)], -1))

    @staticmethod
    def function(amplitude, frequency, shift, x: Tensor) -> Tensor:
        """y = A sin(f x − p)."""
        return amplitude * torch.sin(frequency * x - shift)

    def curve(self, tasks: TaskBatch) -> tuple[Tensor, Tensor, Tensor]:
        """What to draw of tasks: positions along an axis (n,), the x there (n, 1), and y (n_tasks, n, 1)."""
        x = torch.linspace(-5, 5, 100).unsqueeze(-1)
        return x[:, 0], x, self.function(*(tasks.properties[name][:, None, None] for name in PROPERTIES), x)

    @staticmethod
    def name(level) -> str:
        """The wave's name: (1, -1, 0) is "tall, slow"."""
        return ", ".join(PLAIN[p][(k + 1) // 2] for p, k in zip(PROPERTIES, level, strict=True) if k)


class _SentenceSet(TaskSet):
    """Sentences and the levels (n, 3) they tell."""

    def __init__(self, family: WavesInWords, told: list[tuple[str, tuple[int, ...]]]):
        self.family, self.text, self.n_tasks = family, [sentence for sentence, _ in told], len(told)
        self.level = torch.tensor([wave for _, wave in told])
        self.values = torch.stack([torch.tensor(VALUES[p])[self.level[:, k] + 1] for k, p in enumerate(PROPERTIES)], -1)
        self.name = [family.name(wave) for _, wave in told]

    def most_queries(self, shots: int) -> int:
        return 100

    def sample(self, n_tasks=None, shots=10, queries=10, rng=None) -> TaskBatch:
        self.check(n_tasks, shots, queries)
        n = self.n_tasks
        which = torch.arange(n) if n_tasks is None else torch.randperm(n, generator=rng)[:n_tasks]
        values = floats(self.values[which])
        x = 10 * torch.rand(len(which), shots + queries, 1, generator=rng) - 5
        y = self.family.function(*values.T[..., None, None], x)
        index = which.tolist()
        return TaskBatch(
            self.family.descriptors(values),
            Examples(x[:, :shots], y[:, :shots]),
            Examples(x[:, shots:], y[:, shots:]),
            {
                "text": [self.text[i] for i in index],
                "name": [self.name[i] for i in index],
                "level": self.level[which],
                **dict(zip(PROPERTIES, values.T, strict=True)),
            },
        )


def _slots(template: str) -> str:
    """The letters of a template's slots: "afp" for "like {a}, like {f}, {p}"."""
    return "".join(name for _, name, _, _ in string.Formatter().parse(template) if name)


def _hold_out(words: dict, chance: random.Random) -> tuple[dict, dict]:
    """The words to train on, and six of each level that are held out."""
    new = {key: chance.sample(some, 6) for key, some in words.items()}
    return {key: [word for word in words[key] if word not in new[key]] for key in words}, new


def _by_slot(images: dict, adjectives: dict) -> dict:
    """Words by slot and level: "a", "f", "p" are images, capitals are plain words."""
    slots = dict(zip(PROPERTIES, "afp", strict=True))
    found = {(slots[name], level): words for (name, level), words in images.items()}
    return found | {(slots[name].upper(), level): words for (name, level), words in adjectives.items()}


def _tell(n: int, templates: list[str], words: dict, chance: random.Random) -> list[tuple[str, tuple[int, ...]]]:
    """n different sentences, each with the levels it tells."""
    told: dict[str, tuple[int, ...]] = {}
    for _ in range(100 * n):
        template = chance.choice(templates)
        level = {slot: chance.choice((-1, 1)) for slot in _slots(template)}
        sentence = template.format(**{slot: chance.choice(words[slot, k]) for slot, k in level.items()})
        told[sentence] = tuple(next((level[s] for s in (slot, slot.upper()) if s in level), 0) for slot in "afp")
        if len(told) == n:
            return list(told.items())
    raise ValueError(f"the grammar has too few sentences for {n} different ones: ask for fewer (n_train, n_test)")


LANDSCAPES = (
    (1400, _list("on the plains, in flat farmland, on the prairie, in low open country")),
    (1900, _list("in the foothills, on the edge of the mountains, at the foot of the hills, on a dry plateau")),
    (2400, _list("in a valley, on a high plateau, in the uplands, in hilly country")),
    (2800, _list("in a high valley, in the mountains, in a mountain town, among high hills")),
    (9999, _list("near a summit, high in the mountains, at the tree line, on an alpine pass")),
)
NORTH_SOUTH = ((38.2, ("south", "southern")), (39.7, ("middle", "central")), (99, ("north", "northern")))
WEST_EAST = ((-107.0, ("west", "western")), (-104.9, ("middle", "central")), (999, ("east", "eastern")))


def told_heights(how: str) -> list[tuple[str, bool]]:
    """Sentences that say a height "plainly", what it is not ("negated"), or "in digits", and whether the wave is small."""
    if how == "in digits":
        digits = itertools.product(("slow", "fast"), (3, 1), ("left", "right"))
        return [(f"a {speed} wave of height {height}, shifted {side}", height == 1) for speed, height, side in digits]
    negated = how == "negated"
    words = itertools.product(("slow", "fast"), ("tall", "high", "small", "low"), ("left", "right"))
    return [
        (f"a {speed} wave that is {'not ' * negated}{height}, shifted {side}", (height in ("small", "low")) != negated)
        for speed, height, side in words
    ]


def tell_place(elevation: float, latitude: float, longitude: float, chance: random.Random) -> str:
    """A place in or near Colorado in words, without a number: (2300 m, 37.4, −107.8) → "a high valley in the south-west".

    Words are coarse on purpose: five landscapes, three times three regions.
    """
    landscape = chance.choice(next(words for highest, words in LANDSCAPES if elevation < highest))
    ns, ns_ern = next(words for highest, words in NORTH_SOUTH if latitude < highest)
    we, we_ern = next(words for highest, words in WEST_EAST if longitude < highest)
    if ns == we:
        region = chance.choice(["in the middle of the state", "in the centre", "in central Colorado"])
    elif "middle" in (ns, we):
        side, side_ern = (we, we_ern) if ns == "middle" else (ns, ns_ern)
        region = chance.choice([f"in the {side}", f"in the {side} of the state", f"in {side_ern} Colorado"])
    else:
        region = chance.choice([f"in the {ns}-{we}", f"in the {ns}-{we} of the state", f"in {ns}-{we_ern} Colorado"])
    kind = chance.choice(["a station", "a place", "a weather station", "somewhere"])
    return chance.choice([f"{kind} {landscape} {region}", f"{kind} {region}, {landscape}", f"{region}, {landscape}"])


def tell_places(tasks: TaskBatch) -> list[str]:
    """Each station of a batch of `ColoradoClimate` in words, always in the same ones."""
    places = zip(*(tasks.properties[key] for key in ("name", "elevation", "latitude", "longitude")), strict=True)
    return [tell_place(*map(float, place), random.Random(name)) for name, *place in places]
