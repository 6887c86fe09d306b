"""Mean-field theory of a wide random network: the depth that signals and gradients survive.

Weights N(0, σ_w²/fan_in), biases N(0, σ_b²), infinitely many units a layer. Poole et al. 2016
(arXiv:1606.05340), Schoenholz et al. 2017 (arXiv:1611.01232).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from stages.training.activations import ACTIVATIONS, Numbers

# Gauss–Hermite: an even number, so that no node lies at the kink of a ReLU.
NODES = 200
_Z, _weights = np.polynomial.hermite_e.hermegauss(NODES)
_W = _weights / math.sqrt(2 * math.pi)

SMALLEST = 1e-12  # a variance that counts as 0
ROUNDING = 1e-9


@dataclass(frozen=True)
class MeanField:
    """A network's activation, and the variances σ_w² and σ_b² of its weights and biases."""

    activation: str
    weights: float
    biases: float = 0.0

    def next_variance(self, variance: float) -> float:
        """The variance of a layer's inputs to φ, from that of the layer below.

        Poole et al., equation 3.
        """
        function = ACTIVATIONS[self.activation].forward
        return self.weights * float(_W @ function(math.sqrt(variance) * _Z) ** 2) + self.biases

    def next_correlation(self, correlation: float, variance: float) -> float:
        """The correlation of two images' inputs to φ, from that and the variance a layer below.

        Poole et al., equation 5.
        """
        function = ACTIVATIONS[self.activation].forward
        covariance = self.weights * _pair(function, correlation, variance) + self.biases
        return covariance / self.next_variance(variance)

    def slope(self, correlation: float, variance: float) -> float:
        """χ: a layer's factor on the variance of a small difference between two images.

        At correlation 1 it is χ₁, the factor on a gradient's variance, backward.
        """
        derivative = ACTIVATIONS[self.activation].derivative
        return self.weights * _pair(derivative, correlation, variance)

    def fixed_variance(self) -> float:
        """q*: the variance that deep layers approach, which may be 0 or infinite.

        1 if every variance is fixed, as in a ReLU network with σ_w² = 2 and no biases.
        """

        def gain(variance: float) -> float:
            return self.next_variance(variance) - variance

        low, high = SMALLEST, 1.0
        if abs(gain(1)) < ROUNDING and abs(gain(2)) < ROUNDING:
            return 1.0
        if gain(low) <= 0:
            return 0.0
        while gain(high) > 0:
            high *= 2
            if high > 1 / SMALLEST:
                return math.inf
        return float(brentq(gain, low, high, xtol=SMALLEST))

    def fixed_correlation(self) -> float:
        """c*: the correlation that two images approach in deep layers; at 1 they become equal."""
        variance = self._variance()

        def gain(correlation: float) -> float:
            return self.next_correlation(correlation, variance) - correlation

        kept = self.next_variance(variance) / variance  # 1 unless q* is 0 or infinite
        if self.slope(1, variance) <= kept + ROUNDING:
            return 1.0
        if gain(0) < ROUNDING:
            return 0.0
        return float(brentq(gain, 0, 1 - ROUNDING))

    def depth_scale(self) -> float:
        """ξ: the number of layers in which a difference between two images changes by a factor e.

        Schoenholz et al., equation 9, without its sign; infinite at the edge of chaos.
        """
        slope = self.slope(self.fixed_correlation(), self._variance())
        if slope == 0:
            return 0.0
        return math.inf if abs(slope - 1) < ROUNDING else 1 / abs(math.log(slope))

    def _variance(self) -> float:
        """q*, kept between SMALLEST and 1 / SMALLEST; ReLU has the same χ at any variance."""
        return min(max(self.fixed_variance(), SMALLEST), 1 / SMALLEST)


def _pair(function: Callable[[Numbers], Numbers], correlation: float, variance: float) -> float:
    """E[f(u₁) f(u₂)] for Gaussian u with this variance and correlation."""
    std = math.sqrt(variance)
    if correlation >= 1:
        return float(_W @ function(std * _Z) ** 2)
    other = correlation * _Z[:, None] + math.sqrt(1 - correlation**2) * _Z
    return float(_W @ (function(std * _Z) * (function(std * other) @ _W)))
