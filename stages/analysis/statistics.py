"""How sure a number is, and whether two differ, on SciPy.

Two uncertainties are kept apart: that of training again (over seeds: Student's t) and that of
the test set (over images: Wilson). docs/statistics.md explains each interval.
"""

import math
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import stats

CONFIDENCE = 0.95

Values: TypeAlias = npt.NDArray[np.float64]  # of repetitions, one a seed


class Estimate(NamedTuple):
    """A mean and its interval."""

    mean: float
    low: float
    high: float


def t_interval(values: Values, together: int = 1) -> Estimate:
    """Mean and Student t interval of repetitions: the uncertainty of training again.

    `values` `[n]`. With `together` intervals that are read as one, each is so much wider that
    all of them hold at once with CONFIDENCE (Bonferroni). The interval of one value is not a
    number, and that of values without spread is a point. It is not cut at 0 or 1.
    """
    n = len(values)
    mean = float(np.mean(values))
    if n < 2:
        return Estimate(mean, math.nan, math.nan)
    tail = (1 - CONFIDENCE) / (2 * together)
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
