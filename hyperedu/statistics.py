"""Means and intervals: the only place where they are computed."""

import math

import torch
from torch import Tensor

# Student's t: 97.5% quantiles for 1, 2, … 30 degrees of freedom.
T = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


def half_interval(values: Tensor) -> float:
    """Half the 95% confidence interval of the mean of (n,) independent values: t · s / √n, s with n − 1.

    Student's t, beyond the table by its expansion (Abramowitz, Stegun 1964, 26.7.5). NaN for a single value.
    """
    n = values.numel()
    if n < 2:
        return math.nan
    t = T[n - 2] if n - 1 <= len(T) else 1.95996 + 2.3723 / (n - 1) + 2.8225 / (n - 1) ** 2
    return t * _floating(values).std().item() / math.sqrt(n)


def interval(values: Tensor) -> tuple[float, float]:
    """95% confidence interval of the mean of (n,) independent values."""
    mean, half = _floating(values).mean().item(), half_interval(values)
    return mean - half, mean + half


def _floating(values: Tensor) -> Tensor:
    """Counts, too, have a mean."""
    return values if values.is_floating_point() else values.to(torch.get_default_dtype())


def in_words(values: Tensor, sign: str = "") -> str:
    """“5.47 ± 0.43”: the mean of (n,) independent values and half its interval, both to the interval's second digit, or whole.

    Args:
        sign: "+", where the mean is a difference.
    """
    mean, half = _floating(values).mean().item(), half_interval(values)
    if not 0 < half < math.inf:
        return f"{mean:{sign}.3g} ± {half:.2g}"
    digits = max(0, 1 - math.floor(math.log10(half)))
    return f"{mean:{sign}.{digits}f} ± {half:.{digits}f}"


def median(values: Tensor) -> float:
    """The median of (n,) values, the lower of the two in the middle; what is not finite counts as infinitely bad."""
    return values.nan_to_num(torch.inf, torch.inf, torch.inf).median().item()
