"""Intervals and tests, against their definitions."""

import math

import numpy as np
import pytest
import scipy.stats

from stages.analysis.statistics import LOOKS, count_interval, looks, t_interval, wilson_interval


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


@pytest.mark.parametrize(
    ("seeds", "at"), [(3, [3]), (5, [5]), (7, [5]), (20, [5, 10, 20]), (500, list(LOOKS))]
)
def test_a_claim_is_looked_at_after_fixed_numbers_of_seeds(seeds, at):
    assert [look for look, _ in looks(seeds)] == at
    assert sum(error for _, error in looks(seeds)) < 0.05
    assert next(looks(3))[1] + sum(error for _, error in looks(500)) < 0.062


def test_looking_again_and_again_decides_wrongly_in_few_claims():
    """The mean is at the end of the region, so that every decision is wrong."""
    values = np.random.default_rng(0).normal(size=(3000, LOOKS[-1]))
    decided = {0.05: np.zeros(3000, bool), None: np.zeros(3000, bool)}
    for look, error in looks(LOOKS[-1]):
        mean, sem = values[:, :look].mean(1), scipy.stats.sem(values[:, :look], axis=1)
        for level in decided:
            decided[level] |= abs(mean) > scipy.stats.t.isf((level or error) / 2, look - 1) * sem
    assert decided[None].mean() < 0.05 < decided[0.05].mean()


def test_a_count_of_seeds_has_clopper_and_pearsons_interval():
    assert count_interval(1.0, 5) == pytest.approx((0.025 ** (1 / 5), 1))  # 47.8 %
    assert count_interval(0.4, 5) == pytest.approx((0.0527, 0.8534), abs=1e-4)
