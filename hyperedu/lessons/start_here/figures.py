"""The live figure of a hypernetwork on the stations of Colorado."""

import torch

from hyperedu.figures.style import BLACK, BLUE, GREY, MAGNITUDE, VERMILION, as_numpy, in_style, written
from hyperedu.figures.triptych import Triptych
from hyperedu.figures.weights import weight_limit


class ColoradoTriptych(Triptych):
    """The signature picture of a hypernetwork on `ColoradoClimate`: `update(elevation, latitude, longitude)`."""

    @in_style()
    def __init__(self, family, learner):
        self.family, self.learner = family, learner
        stations = family.stations
        limit = weight_limit(written(learner, family.train.sample(None, 0, 1).descriptor))
        super().__init__(learner.main, torch.linspace(0, 11, 111), limit)
        low, high = stations["elevation"].min().item(), stations["elevation"].max().item()
        for tasks, name in ((family.train, "training"), (family.test, "never seen")):
            values = {k: as_numpy(stations[k][tasks.index]) for k in ("longitude", "latitude", "elevation")}
            style = {"c": values["elevation"], "cmap": MAGNITUDE, "vmin": low, "vmax": high, "s": 18, "label": name}
            if name == "never seen":
                style |= {"s": 42, "edgecolor": BLACK, "linewidth": 1.3}
            dots = self.where.scatter(values["longitude"], values["latitude"], **style)
        (self.ring,) = self.where.plot(
            [], [], "o", color="none", mec=BLUE, mew=2.5, markersize=13, zorder=4, ls="none", label="nearest"
        )
        self.where.set(xlabel="longitude (°)", ylabel="latitude (°)")
        self.drag = {self.where: ("longitude", "latitude")}
        self.where.legend(loc="lower center", bbox_to_anchor=(0.5, -0.6), ncols=2, handletextpad=0.1, columnspacing=0.8)
        bar = self.figure.colorbar(dots, ax=self.where, aspect=14, pad=0.02)
        bar.set_label("elevation (m)")
        (self.level,) = bar.ax.plot([0.5], [low], "*", color=VERMILION, markersize=18, mec="black", clip_on=False)
        self.what.plot(range(12), as_numpy(family.mean_year[family.train.index].T), color=GREY, lw=0.6, alpha=0.12, zorder=1)
        (self.measured,) = self.what.plot(
            range(12), [torch.nan] * 12, "o", color="none", mec=BLUE, mew=2, markersize=7, zorder=5
        )
        self.name = self.what.text(0.02, 0.98, "", color=BLUE, transform=self.what.transAxes, va="top")
        low, high = family.mean_year.min().item(), family.mean_year.max().item()
        self.what.set(xticks=range(12), xticklabels="JFMAMJJASOND", ylim=(low, high + 0.25 * (high - low)))
        self.what.set(xlim=(-0.3, 11.3), xlabel=family.axis_labels[0], ylabel=family.axis_labels[1])

    def update(self, elevation: float, latitude: float, longitude: float) -> str:
        family, main = self.family, self.learner.main
        descriptor = family.describe(elevation, latitude, longitude)
        theta = written(self.learner, descriptor)
        y = main(theta, family.x(self.x_axis)).squeeze(-1)
        held_out = family.test.index
        values = torch.stack([family.stations[k] for k in family.descriptors.names], -1)[held_out]
        nearest = held_out[(family.descriptors(values) - descriptor).norm(dim=-1).argmin()]
        place = {k: v[nearest] for k, v in family.stations.items() if k != "name"}
        name, year = family.stations["name"][nearest], family.mean_year[nearest]
        self.move((longitude, latitude), theta, y)
        self.level.set_ydata([elevation])
        self.ring.set_data([place["longitude"].item()], [place["latitude"].item()])
        self.measured.set_ydata(as_numpy(year))
        self.name.set_text(f"○ {name}, {place['elevation']:,.0f} m\n   measured, never seen")
        return (
            f"At {elevation:,.0f} m, {latitude:.1f}° N, {-longitude:.1f}° W the generated network draws "
            f"{y[0]:.1f} {family.unit} in January and {y[60]:.1f} {family.unit} in July; {name}, the most similar "
            f"station that it never saw ({place['elevation']:,.0f} m), measured {year[0]:.1f} and {year[6]:.1f}."
        )
