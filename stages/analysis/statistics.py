"""How sure a number is, and whether two differ, on SciPy.

Two uncertainties are kept apart: that of training again (over seeds: Student's t) and that of
the test set (over images: Wilson). docs/statistics.md explains each interval.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import stats

CONFIDENCE = 0.95
LOOKS = (5, 10, 20, 40, 80)  # seeds after which a claim may be decided, fixed beforehand

Values: TypeAlias = npt.NDArray[np.float64]  # of repetitions, one a seed


class Estimate(NamedTuple):
    """A mean and its interval."""

    mean: float
    low: float
    high: float


def looks(seeds: int) -> Iterator[tuple[int, float]]:
    """The numbers of seeds at which a claim is looked at, each with its share of the error.

    The k-th of LOOKS has half of the one before, 0.05/2ᵏ: so all of them together are wrong in at
    most 5 % of claims, however often one looks (union bound). Fewer seeds than the first are one
    look, at half of its level: a study can be extended once.
    """
    for k, look in enumerate(LOOKS, 1):
        if look <= seeds:
            yield look, (1 - CONFIDENCE) / 2**k
    if seeds < LOOKS[0]:
        yield seeds, (1 - CONFIDENCE) / 4


def t_interval(values: Values, together: int = 1, error: float = 1 - CONFIDENCE) -> Estimate:
    """Mean and Student t interval of repetitions: the uncertainty of training again.

    `values` `[n]`. With `together` intervals that are read as one, each is so much wider that
    all of them hold at once, but for an `error` (Bonferroni). The interval of one value is not a
    number, and that of values without spread is a point. It is not cut at 0 or 1.
    """
    n = len(values)
    mean = float(np.mean(values))
    if n < 2:
        return Estimate(mean, math.nan, math.nan)
    tail = error / (2 * together)
    half = float(stats.t.isf(tail, n - 1) * np.std(values, ddof=1) / math.sqrt(n))
    return Estimate(mean, mean - half, mean + half)


def wilson_interval(accuracy: float, images: int, together: int = 1) -> tuple[float, float]:
    """Wilson's score interval of an accuracy on so many images: the test set's uncertainty.

    Of any share of independent draws; `together` as in t_interval. E. B. Wilson 1927, by
    scipy.stats.binomtest.
    """
    if math.isnan(accuracy):
        return math.nan, math.nan
    result = stats.binomtest(round(accuracy * images), images)
    interval = result.proportion_ci(1 - (1 - CONFIDENCE) / together, method="wilson")
    return float(interval.low), float(interval.high)


def count_interval(share: float, seeds: int) -> tuple[float, float]:
    """The interval of a share of all seeds, from so many of them: Clopper and Pearson 1934."""
    result = stats.binomtest(round(share * seeds), seeds)
    interval = result.proportion_ci(CONFIDENCE, method="exact")
    return float(interval.low), float(interval.high)
