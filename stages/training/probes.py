"""Probes of a network's layers: how units differ, what they compute, and their gradients.

Sums are NumPy's over float64, whose order does not depend on the processor.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from stages.training.mlp import functions

PROBED = 512  # training images, always the same ones, that a network is probed with
ALIKE = 1e-5  # of the largest weight: how far apart rounding alone may drive equal units
RANKED = 8192  # rows at most that an effective rank is computed from: positions of images

Doubles: TypeAlias = npt.NDArray[np.float64]
Array: TypeAlias = npt.NDArray[Any]
Both: TypeAlias = tuple[Array | None, Array | None]  # of a weight, and of a bias


@dataclass(frozen=True)
class View:
    """What an engine shows of a layer at one moment, for the probed images.

    Values `now` and `initial`, `gradients` of the mean loss, and the step at which the values
    `moved_at` first (0: never so far). `units` are the incoming weights `[units, inputs]` and the
    biases. Where the engine sees them, `outputs` and `deltas`, the gradients at what goes into
    the activation, are `[images, units]` or `[images, positions, units]`. `dead` says of every unit
    whether it takes no part in learning, where that has a meaning.
    """

    layer: str
    now: Both
    initial: Both
    gradients: Both
    moved_at: tuple[int, int]
    units: tuple[Array, Array | None] | None
    outputs: Doubles | None
    deltas: Doubles | None
    dead: npt.NDArray[np.bool_] | None


@dataclass(frozen=True)
class Layer:
    """One layer at one moment; None where a figure has no meaning, nan where it diverged.

    Units: `distinct_units` differ in their incoming weights and bias by more than ALIKE of
    the largest unit's; `symmetry_gap` is the largest difference between two units in one
    of these, over the largest of them. `activation_rank` is an effective rank.
    `dead_fraction` of the units are 0 for every probed image (ReLU only); in networks from files,
    the gradient at their outputs is.

    Activations, over probed images and units (logits for `out`; in networks from files what a
    layer gives, before any activation): mean and standard deviation; `signal_std` is the standard
    deviation over images alone, as a root mean square over units: how much the images differ.
    `gradient_std` is that of the gradient of an image's loss at what goes into the activations.

    Gradients of the mean loss of the probed images: norm, and the fraction that is exactly
    0. Moves: the largest distance of a value from its initial one, and the step of training at
    which the tensor first differed from it (None: never so far).
    """

    layer: str
    distinct_units: int | None
    symmetry_gap: float | None
    activation_rank: float | None
    dead_fraction: float | None
    activation_mean: float | None
    activation_std: float | None
    signal_std: float | None
    gradient_std: float | None
    weight_gradient_norm: float | None
    bias_gradient_norm: float | None
    weight_gradient_zeros: float | None
    bias_gradient_zeros: float | None
    weight_move: float | None
    bias_move: float | None
    weight_moved_at: int | None
    bias_moved_at: int | None


@np.errstate(all="ignore")  # of a network that diverged
def measure(views: Iterable[View]) -> tuple[Layer, ...]:
    """Measure every layer."""
    return tuple(map(_layer, views))


def _layer(view: View) -> Layer:
    distinct, gap = units(*view.units) if view.units else (None, None)
    outputs, deltas = view.outputs, view.deltas
    norms, zeros = ([do(one) for one in view.gradients] for do in (_norm, _zeros))
    moves = [_distance(now, then) for now, then in zip(view.now, view.initial, strict=True)]
    moved = [int(step) or None for step in view.moved_at]
    return Layer(
        layer=view.layer,
        distinct_units=distinct,
        symmetry_gap=gap,
        activation_rank=effective_rank(_rows(outputs)) if outputs is not None else None,
        dead_fraction=None if view.dead is None else float(view.dead.mean()),
        activation_mean=float(outputs.mean()) if outputs is not None else None,
        activation_std=float(outputs.std()) if outputs is not None else None,
        signal_std=math.sqrt(outputs.var(0).mean()) if outputs is not None else None,
        gradient_std=None if deltas is None else len(deltas) * float(deltas.std()),
        weight_gradient_norm=norms[0],
        bias_gradient_norm=norms[1],
        weight_gradient_zeros=zeros[0],
        bias_gradient_zeros=zeros[1],
        weight_move=moves[0],
        bias_move=moves[1],
        weight_moved_at=moved[0],
        bias_moved_at=moved[1],
    )


def _rows(outputs: Doubles) -> Doubles:
    """Outputs as `[rows, units]`, of at most RANKED positions, evenly spaced."""
    rows = outputs.reshape(-1, outputs.shape[-1])
    return rows[:: -(-len(rows) // RANKED)]


def units(weight: Array, bias: Array | None) -> tuple[int, float]:
    """How many units are distinct, and the symmetry gap.

    `weight` `[units, fan_in]` and `bias` `[units]`, or None. Two units are alike if their incoming
    values, as vectors, are at most ALIKE of the longest such vector apart; a unit counts as
    distinct if none before it is like it.
    """
    both = [weight] if bias is None else [weight, bias[:, None]]
    incoming = np.concatenate(both, 1, dtype=float)
    largest = np.abs(incoming).max()
    if not np.isfinite(largest):
        return len(weight), math.nan
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


def _norm(gradient: Array | None) -> float | None:
    return None if gradient is None else math.sqrt((gradient.astype(float) ** 2).sum())


def _zeros(gradient: Array | None) -> float | None:
    return None if gradient is None else 1 - float(np.count_nonzero(gradient)) / gradient.size


def _distance(now: Array | None, then: Array | None) -> float | None:
    return None if now is None or then is None else float(np.abs(now - then).max())
