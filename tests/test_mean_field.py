"""Mean-field theory, against published values, closed forms and an integral."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

from stages.analysis.mean_field import MeanField
from stages.training.activations import ACTIVATIONS


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_derivatives_agree_with_slopes(activation):
    function, derivative = ACTIVATIONS[activation].forward, ACTIVATIONS[activation].derivative
    x = np.array([-3.1, -0.7, -0.01, 0.01, 0.6, 2.9])
    slopes = (function(x + 1e-6) - function(x - 1e-6)) / 2e-6
    np.testing.assert_allclose(derivative(x), slopes, atol=1e-8)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("variance", [0.01, 1.0, 9.0])
def test_variances_agree_with_an_integral(activation, variance):
    function = ACTIVATIONS[activation].forward

    def integrand(z: float) -> float:
        value = function(np.array([math.sqrt(variance) * z]))[0]
        return value**2 * math.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)

    expected = 1.5 * (quad(integrand, -12, 0)[0] + quad(integrand, 0, 12)[0]) + 0.1
    found = MeanField(activation, 1.5, 0.1).next_variance(variance)
    assert found == pytest.approx(expected, rel=1e-4)


# Of tanh: Schoenholz et al. 2017, σ_w² = 1.05 and σ_b² = 2.01e-5. Of ReLU: q = σ_w² q/2 + σ_b².
@pytest.mark.parametrize(
    ("field", "variance", "gain"),
    [
        (MeanField("tanh", 1.05, 2.01e-5), 0.0259, 1),
        (MeanField("relu", 2.0), 1, 1),  # every variance is fixed
        (MeanField("relu", 2.1), math.inf, 1.05),
        (MeanField("relu", 1.0, 0.3), 0.6, 0.5),
        (MeanField("relu", 1 / 3), 0, 1 / 6),
    ],
)
def test_fixed_points_agree_with_publications_and_closed_forms(field, variance, gain):
    assert field.fixed_variance() == pytest.approx(variance, rel=2e-3)
    found = field.fixed_variance()
    finite = found if 0 < found < math.inf else 1  # ReLU has the same slope at any
    assert field.slope(1, finite) == pytest.approx(gain, rel=1e-5)


def test_depth_scale_is_infinite_at_the_edge_of_chaos():
    assert MeanField("relu", 2.0).depth_scale() == math.inf
    assert MeanField("tanh", 1.05, 2.01e-5).depth_scale() > 1e5
    assert MeanField("relu", 1 / 3).depth_scale() == pytest.approx(1 / math.log(6))


@pytest.mark.parametrize("correlation", [-0.9, 0.0, 0.3, 0.99])
def test_correlations_of_relu_agree_with_cho_and_saul(correlation):
    """Cho & Saul 2009, the arc-cosine kernel of order 1."""
    angle = math.acos(correlation)
    expected = (math.sin(angle) + (math.pi - angle) * correlation) / math.pi
    found = MeanField("relu", 2.0).next_correlation(correlation, 3.0)
    assert found == pytest.approx(expected, abs=2e-3)  # the kink costs digits


def test_tanh_has_an_ordered_and_a_chaotic_phase():
    ordered, chaotic = MeanField("tanh", 1.2, 0.05), MeanField("tanh", 3.0, 0.05)
    assert ordered.fixed_correlation() == 1
    correlation = chaotic.fixed_correlation()
    assert 0 < correlation < 1
    kept = chaotic.next_correlation(correlation, chaotic.fixed_variance())
    assert kept == pytest.approx(correlation, abs=1e-9)
    scales = [MeanField("tanh", w, 0.05).depth_scale() for w in (1.0, 1.5, 1.7, 2.0, 3.0, 4.0)]
    assert scales[0] < scales[1] < scales[2] > scales[3] > scales[4] > scales[5]
