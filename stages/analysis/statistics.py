"""How sure a number is, and whether two differ, on SciPy.

Two uncertainties are kept apart: that of training again (over seeds: Student's t, exact
sign flips) and that of the test set (over images: Wilson).
"""

import math
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import stats

CONFIDENCE = 0.95
SIGNIFICANCE = 0.05

# Sign flips are all tried up to this many, then drawn.
MAX_FLIPS = 2**16


Values: TypeAlias = npt.NDArray[np.float64]  # of repetitions, one a seed


class Estimate(NamedTuple):
    """A mean and its interval."""

    mean: float
    low: float
    high: float


def t_interval(values: Values) -> Estimate:
    """Mean and Student t interval of repetitions: the uncertainty of training again.

    `values` `[n]`. The interval of one value is not a number, and that of values without
    spread is a point. It is not cut at 0 or 1.
    """
    n = len(values)
    mean = float(np.mean(values))
    if n < 2:
        return Estimate(mean, math.nan, math.nan)
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1) * np.std(values, ddof=1) / math.sqrt(n))
    return Estimate(mean, mean - half, mean + half)


def wilson_interval(accuracy: float, images: int) -> tuple[float, float]:
    """Wilson's score interval of an accuracy on so many images: the test set's uncertainty.

    E. B. Wilson 1927, by scipy.stats.binomtest.
    """
    if math.isnan(accuracy):
        return math.nan, math.nan
    result = stats.binomtest(round(accuracy * images), images)
    interval = result.proportion_ci(CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)


def sign_flip_p(differences: Values) -> float:
    """Two-sided p of the exact sign-flip test that paired differences `[n]` have mean 0.

    The share of all 2ⁿ ways to flip their signs that give a mean at least as far from 0
    (Fisher 1935; scipy.stats.permutation_test), so never below 2^(1 − n). Not a number for
    fewer than two, or where one is not finite.
    """
    if len(differences) < 2 or not np.isfinite(differences).all():
        return math.nan
    result = stats.permutation_test(
        (differences,),
        np.mean,
        permutation_type="samples",
        n_resamples=MAX_FLIPS,
        rng=np.random.default_rng(0),
        vectorized=True,
    )
    return float(result.pvalue)


def holm(p_values: list[float]) -> list[float]:
    """p values adjusted for so many tests, in their order (Holm 1979); nan stays nan."""
    known = [i for i, p in enumerate(p_values) if not math.isnan(p)]
    adjusted = list(p_values)
    largest = 0.0
    for rank, i in enumerate(sorted(known, key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(known) - rank) * p_values[i]))
        adjusted[i] = largest
    return adjusted


def seeds_for_a_verdict(tests: int) -> int:
    """The fewest seeds with which one of so many sign-flip tests could reach SIGNIFICANCE."""
    n = 2
    while 2.0 ** (1 - n) * tests > SIGNIFICANCE:
        n += 1
    return n


def superiority(values: Values, others: Values) -> float:
    """P(value > other) for one drawn from each, ties counting half (Vargha & Delaney 2000)."""
    return float(np.mean((values[:, None] > others) + 0.5 * (values[:, None] == others)))


def epochs_to(share: float, accuracies: Values) -> int:
    """The first epoch at which the accuracy is at least a share of its last value.

    `accuracies` `[epochs + 1]`, from before training on.
    """
    return int(np.argmax(accuracies >= share * accuracies[-1]))
