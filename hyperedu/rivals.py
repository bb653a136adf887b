"""What else could be done with a table: other models on the same rows and tasks, and a verdict in words."""

import functools
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from hyperedu.batches import whole
from hyperedu.generators import MLPGenerator
from hyperedu.learners import Conditioned, Hypernetwork, Learner
from hyperedu.main_network import MainNetwork
from hyperedu.objective import like_of
from hyperedu.statistics import half_interval, in_words
from hyperedu.tasks import Table
from hyperedu.training import meta_train
from hyperedu.words import _

__all__ = ["Rivalry", "rivals"]

# A Gaussian process takes the cube of its rows: it is given so many, drawn at random, where there are more.
ROWS_OF_A_PROCESS = 200
PROCESS = "Gaussian process"


@dataclass(frozen=True, repr=False)
class Rivalry:
    """Errors of models on tasks that they never saw.

    Attributes:
        errors: model → (n_splits,) RMSE in the unit of y, the mean over held-out tasks; from the simplest model on, which is
            the one that leaves least to choose, to train and to explain.
        unit: of y.
    """

    errors: dict[str, Tensor]
    unit: str

    @property
    def best(self) -> str:
        return min(self.errors, key=lambda name: self.errors[name].mean().nan_to_num(math.inf).item())

    def ties(self) -> list[str]:
        """The models that cannot be told from the best, itself included: the 95% interval of the differences, split by split,
        holds 0."""
        best = self.errors[self.best]
        return [name for name, e in self.errors.items() if name == self.best or _holds_zero(e - best)]

    @property
    def verdict(self) -> str:
        """Which model to use, and why."""
        error, ties = self.errors[self.best], self.ties()
        said = f"On tasks never seen, the {self.best} errs least: {self._said(error)}."
        if len(ties) == 1:
            return f"{said} The difference to every other is larger than its interval: use it."
        others = ", ".join(name for name in ties if name != self.best)
        return f"{said} Over {len(error)} splits it cannot be told from: {others}. Use the simplest of these, the {ties[0]}."

    def _said(self, errors: Tensor) -> str:
        return f"{in_words(errors)} {self.unit}".rstrip()

    def __repr__(self) -> str:
        """A line for each model: its error, and by how much it is larger than that of the best, split by split."""
        width, best, lines = max(map(len, self.errors)), self.errors[self.best], []
        for name, errors in self.errors.items():
            more = "errs least" if name == self.best else in_words(errors - best, "+")
            lines.append(f"{name.ljust(width)}  {self._said(errors)}  ({more})")
        return "\n".join(lines)


def _holds_zero(differences: Tensor) -> bool:
    return len(differences) < 2 or abs(differences.mean().item()) <= half_interval(differences)  # NaN is no tie


def rivals(
    make: Callable[[int], Table],
    splits: Sequence[int] = range(5),
    *,
    learners: Mapping[str, Callable[[Table], Learner]] | None = None,
    steps: int = 1000,
    progress: bool = True,
) -> Rivalry:
    """Train models that are told τ on the training tasks of each split, and judge them on all rows of the held-out ones.

    The models are: the mean of the training rows; linear regression on (τ, x); a Gaussian process (a squared exponential with
    a length for each input and noise, maximum likelihood; at most 200 rows, drawn at random) and gradient boosting,
    both scikit-learn's; a network that is told τ beside x (`Conditioned`); and a hypernetwork. None sees a held-out task.

    Args:
        make: a split → the table, such as `lambda split: Table.from_csv(…, split=split)`.
        splits: which splits.
        learners: name → a table → a learner, in place of the last two.
        steps: of training of each learner.

    Raises:
        ValueError: a table with several y, fewer than two splits, or splits that all hold out the same tasks.
    """
    splits = list(splits)
    if len(splits) < 2:
        raise ValueError(f"{len(splits)} split says nothing of how errors vary: give at least two, better five")
    for split in splits:
        whole("each split", split, 0)
    splits = [int(split) for split in splits]  # numpy's own numbers are no seeds
    tables = {split: make(split) for split in splits}
    if len({tuple(table.test.index.tolist()) for table in tables.values()}) < 2:
        raise ValueError("all splits hold out the same tasks: make must hand its argument on, as split=split")
    with torch.random.fork_rng():  # the seed of each split is its own
        found = _errors(tables, learners, steps, progress)
    return Rivalry({name: torch.tensor(errors) for name, errors in found.items()}, tables[splits[0]].y_columns[0].unit)


def _errors(tables, learners, steps, progress) -> dict[str, list[float]]:
    """model → its error in each split."""
    found: dict[str, list[float]] = {}
    for split, table in tqdm(tables.items(), desc=_("splits"), disable=not progress):
        if table.d_out != 1:
            raise ValueError(f"rivals are compared on one y, and this table has {table.d_out}: make one for each")
        tau, x, y, _task = table.rows_of(table.train)
        inputs, wanted = _side_by_side(tau, x), y[:, 0].double().numpy()
        for name, model in _models(inputs.shape[1], split).items():
            drawn = np.random.default_rng(split).permutation(len(inputs))
            few = drawn[:ROWS_OF_A_PROCESS] if name == PROCESS else slice(None)
            with warnings.catch_warnings():  # a length at its bound says that an input does not matter
                warnings.simplefilter("ignore")
                model.fit(inputs[few], wanted[few])
            found.setdefault(name, []).append(_error(table, functools.partial(_by_model, model)))
        networks = {"network told τ": _conditioned, "hypernetwork": _hypernetwork} if learners is None else learners
        for name, new in networks.items():
            torch.manual_seed(split)
            learner = new(table)
            fewest = min(table.train.fewest, 20)
            meta_train(learner, table.train, steps, min(20, table.train.n_tasks), 0, fewest, progress=False)
            found.setdefault(str(name), []).append(_error(table, functools.partial(_by_learner, learner)))
    return found


def _models(n_inputs: int, seed: int) -> dict:
    """name → scikit-learn's model, from the simplest on."""
    from sklearn.dummy import DummyRegressor
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
    from sklearn.linear_model import LinearRegression

    kernel = ConstantKernel(1.0) * RBF(np.ones(n_inputs), (0.05, 1e3)) + WhiteKernel(0.1)
    return {
        "mean of all rows": DummyRegressor(),
        "linear regression": LinearRegression(),
        "gradient boosting": HistGradientBoostingRegressor(random_state=seed),
        PROCESS: GaussianProcessRegressor(kernel, normalize_y=True, random_state=seed),
    }


def _side_by_side(tau: Tensor, x: Tensor) -> np.ndarray:
    return torch.cat([tau, x], dim=-1).double().numpy()


def _by_model(model: Any, tau: Tensor, x: Tensor) -> Tensor:
    """What one of scikit-learn's models predicts."""
    return torch.from_numpy(model.predict(_side_by_side(tau, x)))


@torch.no_grad()
def _by_learner(learner: Learner, tau: Tensor, x: Tensor) -> Tensor:
    """What a learner predicts, row by row, that is told τ and no example."""
    if (like := like_of(learner)) is not None:
        tau, x = tau.to(like), x.to(like)
    tasks, place = tau.unique(dim=0, return_inverse=True)
    y = x.new_empty(len(x))
    for k, theta in enumerate(learner.eval()(tasks, None)):
        y[place == k] = learner.main(theta, x[place == k])[:, 0]
    return y


def _error(table: Table, predict: Callable[[Tensor, Tensor], Tensor]) -> float:
    """The mean over held-out tasks of the root of the mean squared error of all their rows."""
    tau, x, y, number = table.rows_of(table.test)
    squared = (predict(tau, x).to(y) - y[:, 0]).square()
    return torch.stack([squared[number == task].mean().sqrt() for task in table.test.index]).mean().item()


def _main(table: Table) -> MainNetwork:
    return MainNetwork.mlp([table.d_in, 32, 32, 1], "tanh", table.y_mean, table.y_std)


def _conditioned(table: Table) -> Learner:
    return Conditioned(_main(table), table.descriptors.dim)


def _hypernetwork(table: Table) -> Learner:
    main = MainNetwork.mlp([table.d_in, 16, 1], "tanh", table.y_mean, table.y_std)
    return Hypernetwork(main, MLPGenerator(table.descriptors.dim, main, hidden=(32, 32)))
