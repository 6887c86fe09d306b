"""Intervals and tests, against their definitions."""

import itertools
import math

import numpy as np
import pytest
import scipy.stats

from stages.analysis.statistics import (
    epochs_to,
    holm,
    seeds_for_a_verdict,
    sign_flip_p,
    superiority,
    t_interval,
    wilson_interval,
)


def test_the_interval_over_seeds_is_students():
    values = np.array([0.97, 0.98, 0.975, 0.972, 0.979])
    mean, low, high = t_interval(values)
    expected = scipy.stats.t.interval(0.95, 4, np.mean(values), scipy.stats.sem(values))
    assert mean == pytest.approx(np.mean(values))
    assert (low, high) == pytest.approx(expected)


def test_the_interval_of_one_value_is_unknown_and_of_equal_values_a_point():
    mean, low, high = t_interval(np.array([0.5]))
    assert mean == 0.5
    assert math.isnan(low)
    assert math.isnan(high)
    assert t_interval(np.array([0.1135] * 5)) == (0.1135, 0.1135, 0.1135)


def test_the_interval_of_the_test_set_is_wilsons():
    p, n, z = 0.978, 10_000, 1.959964
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert wilson_interval(p, n) == pytest.approx((centre - half, centre + half), abs=1e-7)
    assert wilson_interval(1.0, 10)[1] == 1
    assert math.isnan(wilson_interval(math.nan, 10)[0])


@pytest.mark.parametrize("n", [2, 5, 8])
def test_the_sign_flip_test_tries_all_signs(n):
    differences = np.random.default_rng(n).normal(0.3, 1, n)
    flipped = [np.mean(differences * signs) for signs in itertools.product([1, -1], repeat=n)]
    extreme = sum(abs(mean) >= abs(differences.mean()) - 1e-12 for mean in flipped)
    assert sign_flip_p(differences) == pytest.approx(extreme / 2**n)


def test_no_sign_flip_p_lies_below_its_limit():
    assert sign_flip_p(np.full(5, 0.2)) == 2**-4
    assert sign_flip_p(np.zeros(5)) == 1
    assert math.isnan(sign_flip_p(np.array([0.3])))
    assert math.isnan(sign_flip_p(np.array([0.3, math.nan])))
    many = sign_flip_p(np.full(30, 0.2))  # 2³⁰ are too many to try
    assert many == sign_flip_p(np.full(30, 0.2)) < 1e-3


def test_holm_multiplies_by_the_tests_that_are_left_and_never_falls():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    adjusted = holm([math.nan, 0.02])
    assert math.isnan(adjusted[0])
    assert adjusted[1] == 0.02


@pytest.mark.parametrize(("tests", "seeds"), [(1, 6), (3, 7), (29, 11)])
def test_the_seeds_that_a_verdict_takes(tests, seeds):
    assert seeds_for_a_verdict(tests) == seeds
    assert 2.0 ** (1 - seeds) * tests <= 0.05 < 2.0 ** (2 - seeds) * tests


def test_superiority_counts_ties_as_half():
    assert superiority(np.array([1.0, 2.0]), np.array([0.0, 0.5])) == 1
    assert superiority(np.array([1.0, 1.0]), np.array([1.0, 1.0])) == 0.5
    assert superiority(np.array([1.0, 3.0]), np.array([2.0, 2.0])) == 0.5


def test_epochs_to_a_share_of_the_final_accuracy():
    curve = np.array([0.1, 0.5, 0.93, 0.96, 0.98])
    assert epochs_to(0.95, curve) == 3
    assert epochs_to(0.95, np.array([0.1135, 0.1135])) == 0
