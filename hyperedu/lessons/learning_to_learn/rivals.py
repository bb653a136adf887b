"""What the learners of this lesson are compared with on the stations, without a network: °C on unseen ones.

Both are judged as `meta_test` judges, on the same nine months of each station, by the mean over stations of the RMSE.
"""

import torch
from torch import Tensor

from hyperedu.batches import Examples
from hyperedu.tasks import ColoradoClimate


def shifted_mean_year(climate: ColoradoClimate, shots: int = 3) -> float:
    """The training stations' mean year, shifted by how far a new station's `shots` months lie above it on average."""
    new, mean_year = _new(climate, shots), climate.mean_year[climate.train.index].mean(0)
    above, missed = (D.y[..., 0] - mean_year[_months(climate, D)] for D in (new.support, new.query))
    return _rmse(missed - above.mean(1, keepdim=True))


def linear_regression(climate: ColoradoClimate, shots: int = 3) -> float:
    """Each month by least squares on 1 and τ, from the training stations, as in lesson 00; through all if they are 4."""
    known, new = climate.train.sample(None, 0, 1).descriptor, _new(climate, shots)
    fit = torch.linalg.lstsq(_with_one(known), climate.mean_year[climate.train.index].float()).solution
    years = _with_one(new.descriptor) @ fit  # (stations, 12)
    return _rmse(new.query.y[..., 0] - years.gather(1, _months(climate, new.query)))


def _new(climate: ColoradoClimate, shots: int):
    """The unseen stations, with the months that `meta_test` takes."""
    return climate.test.sample(None, shots, 12 - shots, torch.Generator().manual_seed(0))


def _months(climate: ColoradoClimate, D: Examples) -> Tensor:
    """Which month each example (stations, n) is of."""
    return torch.cdist(D.x, climate.x(torch.arange(12))).argmin(-1)


def _with_one(tau: Tensor) -> Tensor:
    return torch.cat([torch.ones(len(tau), 1), tau], dim=1)


def _rmse(missed: Tensor) -> float:
    return missed.square().mean(1).sqrt().mean().item()
