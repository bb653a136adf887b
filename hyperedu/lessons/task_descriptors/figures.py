"""The live figure of a sentence that becomes a network."""

import torch
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hyperedu.figures.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    MAGNITUDE,
    ORANGE,
    PURPLE,
    SKY,
    as_numpy,
    in_style,
    nothing_over,
    subplots,
    written,
)
from hyperedu.figures.triptych import Panels
from hyperedu.figures.weights import Plane, weight_limit
from hyperedu.words import _

COLORS = {(-1, -1): BLUE, (-1, 1): ORANGE, (1, -1): GREEN, (1, 1): PURPLE}  # levels of amplitude and frequency
MARKERS = {-1: "<", 0: "o", 1: ">"}  # levels of shift


def _look(a: int, f: int) -> dict:
    """How a wave's sentence is marked, not by colour alone: hollow if it is small, and a smaller mark if it is fast."""
    color = COLORS[a, f]
    return {"color": color, "mfc": color if a > 0 else "white", "markersize": 4 if f > 0 else 6.5, "ls": "none"}


class SentenceTriptych(Panels):
    """The signature picture of a hypernetwork that reads: `update(sentence)`.

    The first panel is the plane in which the training sentences, behind the learned projection of their embedding, vary
    most.

    Args:
        family: `WavesInWords`.
        learner: a `Hypernetwork` with an encoder.
        text: a `Text`, for what is said of a sentence.
        describe: sentences → τ, as the learner was trained with: `text` or `text.words`.
    """

    @in_style()
    def __init__(self, family, learner, text, describe):
        self.family, self.learner, self.text, self.describe = family, learner, text, describe
        self.sentences = family.train.text[:600]
        level = family.train.level[: len(self.sentences)]
        self.read = text(self.sentences)
        waves = family.train.sample(None, 0, 1)
        x_axis, self.x, y = family.curve(waves)
        first = {name: k for k, name in enumerate(waves.properties["name"])}
        self.names, self.y = list(first), y[list(first.values())].squeeze(-1)  # every wave there is, once
        encoded = self._encoded(self.sentences)
        super().__init__(learner.main, x_axis, weight_limit(written(learner, describe(self.sentences))))
        self.plane = Plane(encoded)
        position = self.plane(encoded)
        for a, f in COLORS:
            for p, marker in MARKERS.items():
                of = (level == torch.tensor([a, f, p])).all(1)
                self.where.plot(*as_numpy(position[of].T), marker, **_look(a, f), alpha=0.45, zorder=1)
        names = _("small, slow"), _("small, fast"), _("tall, slow"), _("tall, fast")
        named = [Line2D([], [], marker="s", label=name, **_look(a, f)) for name, (a, f) in zip(names, COLORS, strict=True)]
        shifts = ("<", _("shifted left")), ("o", _("not shifted")), (">", _("shifted right"))
        named += [Line2D([], [], marker=marker, color=GREY, ls="none", label=name) for marker, name in shifts]
        self.where.legend(
            handles=named, loc="lower center", ncols=2, fontsize=10, handletextpad=0.1, columnspacing=0.8, labelspacing=0.2
        )
        self.where.set(xticks=[], yticks=[], xlabel="projected sentences")
        (left, low), (right, high) = position.amin(0).tolist(), position.amax(0).tolist()
        self.where.set_xlim(left - 0.2 * (right - left), right + 0.2 * (right - left))
        self.where.set_ylim(low - 0.8 * (high - low), high + 0.2 * (high - low))  # the legend is below
        self.what.plot(as_numpy(x_axis), as_numpy(self.y.T), color=GREY, lw=0.6, alpha=0.3, zorder=1)
        (self.meant,) = self.what.plot(*nothing_over(x_axis), color=BLUE, ls="--", lw=2, zorder=3)
        self.meaning = self.what.text(0.02, 0.98, "", color=BLUE, transform=self.what.transAxes, va="top")
        self.what.set(ylim=(-4, 5.2), xlabel=family.axis_labels[0], ylabel=family.axis_labels[1])

    @torch.no_grad()
    def _encoded(self, sentences) -> torch.Tensor:
        """What the encoder makes of sentences, given back beside their τ."""
        tau = self.describe(sentences)
        return self.learner.encoder(tau.to(next(self.learner.parameters()))).to(tau)

    def wave(self, sentence: str) -> tuple[str, float, torch.Tensor, torch.Tensor]:
        """The name of the nearest wave, its RMS distance to what is drawn, θ (P,), and what is drawn (n,)."""
        theta = written(self.learner, self.describe(sentence))
        y = self.learner.main(theta, self.x).squeeze(-1)
        distance = (self.y - y).square().mean(-1).sqrt()
        nearest = int(distance.argmin())
        return self.names[nearest], distance[nearest].item(), theta, y

    def update(self, sentence: str) -> str:
        name, distance, theta, y = self.wave(sentence)
        self.move(self.plane(self._encoded(sentence)).tolist(), theta, y)
        self.meant.set_ydata(as_numpy(self.y[self.names.index(name)]))
        self.meaning.set_text(_("- - nearest wave: {name}", name=name))
        cosine = torch.cosine_similarity(self.read, self.text(sentence), dim=-1)
        like = self.sentences[int(cosine.argmax())]
        said = _(
            "Read as: {name}; what is drawn differs from that wave by {distance:.2f} (root mean square). Most "
            "like the training sentence “{like}” (cosine {cosine:.2f}).",
            name=name,
            distance=distance,
            like=like,
            cosine=cosine.max(),
        )
        return f"{said} {self.text.remark(sentence)}".strip()


def attention(encoder, text, sentence: str) -> Figure:
    """How much each head of a `WordAttention` looks at each word (or piece of one) of a sentence."""
    tokens = text.model.tokenizer.convert_ids_to_tokens(text.model.tokenizer(sentence)["input_ids"])
    tau = text.words(sentence)
    a = encoder.attention(tau.to(next(encoder.parameters())))[: len(tokens)].T  # (heads, words)
    figure, (axes,) = subplots(width=8, height=3)
    image = axes.imshow(as_numpy(a), cmap=MAGNITUDE, vmin=0, vmax=1, aspect="auto")
    axes.set(xticks=range(len(tokens)), xticklabels=[_("start"), *tokens[1:-1], _("end")], yticks=range(len(a)), ylabel="head")
    figure.colorbar(image, label="attention")
    return figure


def error_bars(errors: dict[str, list[float]], label: str) -> Figure:
    """One bar for the mean error of each name, the worst on top, and a dot for each of its repetitions."""
    figure, (axes,) = subplots(width=9, height=0.8 + 0.45 * len(errors))
    for row, name in enumerate(sorted(errors, key=lambda name: sum(errors[name]))):
        values = errors[name]
        axes.barh(row, sum(values) / len(values), color=SKY)
        axes.plot(values, [row] * len(values), "o", color=BLACK, markersize=5)
        axes.text(max(values), row, f"   {sum(values) / len(values):.2f}", va="center")
    axes.set(yticks=range(len(errors)), yticklabels=sorted(errors, key=lambda name: sum(errors[name])), xlabel=label)
    return figure
