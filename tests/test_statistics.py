"""Intervals and tests, against their definitions."""

import math

import numpy as np
import pytest
import scipy.stats

from stages.analysis.statistics import t_interval, wilson_interval


@pytest.mark.parametrize("together", [1, 7])
def test_the_interval_over_seeds_is_students_wider_where_several_hold_at_once(together):
    values = np.array([0.97, 0.98, 0.975, 0.972, 0.979])
    level = 1 - 0.05 / together
    expected = scipy.stats.t.interval(level, 4, np.mean(values), scipy.stats.sem(values))
    assert t_interval(values, together) == pytest.approx((np.mean(values), *expected))


def test_the_interval_of_one_value_is_unknown_and_of_equal_values_a_point():
    mean, low, high = t_interval(np.array([0.5]))
    assert mean == 0.5 and math.isnan(low) and math.isnan(high)
    assert t_interval(np.array([0.1135] * 5)) == (0.1135, 0.1135, 0.1135)


def test_the_interval_of_the_test_set_is_wilsons():
    p, n, z = 0.978, 10_000, 1.959964
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert wilson_interval(p, n) == pytest.approx((centre - half, centre + half), abs=1e-7)
    assert wilson_interval(1.0, 10)[1] == 1
    assert math.isnan(wilson_interval(math.nan, 10)[0])
