"""Intervals that say how sure a number is."""

import math

import numpy as np
from scipy.special import stdtrit


def t_interval(values: np.ndarray, confidence: float = 0.95) -> tuple[float, float, float]:
    """Mean and Student t interval of repetitions: the uncertainty of training again.

    `values` `[n]`; returns (mean, low, high). The interval of one value is not a number,
    and that of values without spread is a point. It is not cut at 0 or 1.
    """
    n = len(values)
    mean = float(np.mean(values))
    if n < 2:
        return mean, math.nan, math.nan
    half = float(stdtrit(n - 1, (1 + confidence) / 2) * np.std(values, ddof=1) / math.sqrt(n))
    return mean, mean - half, mean + half
