"""Probes of a network's layers: how units differ, what they compute, and their gradients.

Sums are NumPy's over float64, whose order does not depend on the processor.
"""

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from stages.training import data
from stages.training.mlp import functions, layout
from stages.training.mlp.network import Network
from stages.training.plan import layer_names

PROBED = 512  # training images, always the same ones, that a network is probed with
ALIKE = 1e-5  # of the largest weight: how far apart rounding alone may drive equal units

Doubles: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Layer:
    """One layer at one moment; None where a figure has no meaning, nan where it diverged.

    Units: `distinct_units` differ in their incoming weights and bias by more than ALIKE of
    the largest unit's; `symmetry_gap` is the largest difference between two units in one
    of these, over the largest of them. `activation_rank` is an effective rank.
    `dead_fraction` of the units are 0 for every probed image (ReLU only).

    Activations, over probed images and units (logits for `out`): mean and standard
    deviation; `signal_std` is the standard deviation over images alone, as a root mean
    square over units: how much the images differ. `gradient_std` is that of the
    gradient of an image's loss at what goes into the activations.

    Gradients of the mean loss of the probed images: norm, and the fraction that is exactly
    0. Moves: the largest distance of a value from its initial one, and the step of training at
    which the tensor first differed from it (None: never so far).
    """

    layer: str
    distinct_units: int
    symmetry_gap: float
    activation_rank: float
    dead_fraction: float | None
    activation_mean: float
    activation_std: float
    signal_std: float
    gradient_std: float
    weight_gradient_norm: float
    bias_gradient_norm: float
    weight_gradient_zeros: float
    bias_gradient_zeros: float
    weight_move: float
    bias_move: float
    weight_moved_at: int | None
    bias_moved_at: int | None


@np.errstate(all="ignore")  # of a network that diverged
def measure(net: Network, images: data.Images) -> tuple[Layer, ...]:
    """Measure every layer with the first PROBED images."""
    seen = net.look(images.first(PROBED))
    weights, initial = (
        list(layout.matrices(net.sizes, flat)) for flat in (net.weights, net.initial)
    )
    layers = []
    for i, name in enumerate(layer_names(net.sizes[1:-1])):
        outputs, deltas = seen.outputs[i].astype(float), seen.deltas[i].astype(float)
        (weight, bias), gradients = weights[i], seen.gradients[i]
        distinct, gap = units(weight.astype(float), bias.astype(float))
        moves = [_distance(now, then) for now, then in zip(weights[i], initial[i], strict=True)]
        moved = [int(step) or None for step in net.moved_at[2 * i : 2 * i + 2]]
        has_dead = net.activation == "relu" and name != "out"
        layers.append(
            Layer(
                layer=name,
                distinct_units=distinct,
                symmetry_gap=gap,
                activation_rank=effective_rank(outputs),
                dead_fraction=_dead(outputs) if has_dead else None,
                activation_mean=float(outputs.mean()),
                activation_std=float(outputs.std()),
                signal_std=math.sqrt(outputs.var(0).mean()),
                gradient_std=len(outputs) * float(deltas.std()),
                weight_gradient_norm=_norm(gradients[0]),
                bias_gradient_norm=_norm(gradients[1]),
                weight_gradient_zeros=_zeros(gradients[0]),
                bias_gradient_zeros=_zeros(gradients[1]),
                weight_move=moves[0],
                bias_move=moves[1],
                weight_moved_at=moved[0],
                bias_moved_at=moved[1],
            )
        )
    return tuple(layers)


def units(weight: Doubles, bias: Doubles) -> tuple[int, float]:
    """How many units are distinct, and the symmetry gap.

    `weight` `[units, fan_in]` and `bias` `[units]`. Two units are alike if their incoming values,
    as vectors, are at most ALIKE of the longest such vector apart; a unit counts as distinct if
    none before it is like it.
    """
    incoming = np.concatenate([weight, bias[:, None]], 1)
    largest = np.abs(incoming).max()
    if not np.isfinite(largest):
        return len(bias), math.nan
    if largest == 0:
        return 1, 0.0
    gap = (incoming.max(0) - incoming.min(0)).max() / largest
    scaled = incoming / largest
    gram = functions.products(scaled, scaled)
    squares = gram.diagonal()
    apart = squares[:, None] + squares - 2 * gram  # squared distances
    alike = np.tril(apart <= ALIKE**2 * squares.max(), -1).any(1)
    return int((~alike).sum()), float(gap)


def effective_rank(matrix: Doubles) -> float:
    """exp of the entropy of the singular values' shares (Roy & Vetterli 2007); 0 for zeros.

    `matrix` `[m, n]`. Computed from the smaller Gram matrix, so singular values below 1e-8 of the
    largest are lost in rounding.
    """
    largest = np.abs(matrix).max()
    if largest == 0:
        return 0.0
    if not np.isfinite(largest):
        return math.nan
    scaled = matrix / largest
    wide = scaled if len(scaled) <= scaled.shape[1] else scaled.T
    squares = np.linalg.eigvalsh(functions.products(wide, wide))
    # What is left of an eigenvalue of 0 is rounding.
    singular = np.sqrt(squares[squares > 1e-12 * squares.max()])
    shares = (singular / math.fsum(singular)).tolist()
    return math.exp(-math.fsum(share * math.log(share) for share in shares))


def _dead(outputs: Doubles) -> float:
    """The share of the units that are 0 for every image."""
    return 1 - float(outputs.any(0).mean())


def _norm(gradient: npt.NDArray[Any]) -> float:
    return math.sqrt((gradient.astype(float) ** 2).sum())


def _zeros(gradient: npt.NDArray[Any]) -> float:
    return 1 - float(np.count_nonzero(gradient)) / gradient.size


def _distance(now: npt.NDArray[Any], then: npt.NDArray[Any]) -> float:
    return float(np.abs(now - then).max())
