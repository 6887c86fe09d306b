"""Probes of a network's layers: how units differ, what they compute, and their gradients."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from stages.training import data, network
from stages.training.plan import layer_names

PROBED = 512  # training images, always the same ones, that a network is probed with
ALIKE = 1e-5  # of the largest weight: how far apart rounding alone may drive equal units


@dataclass(frozen=True)
class Layer:
    """One layer at one moment; None where a figure has no meaning, nan where it diverged.

    Units: `distinct_units` differ in their incoming weights and bias by more than ALIKE of
    the largest unit's; `symmetry_gap` is the largest difference between two units in one
    of these, over the largest of them. `weight_rank` and `activation_rank` are effective
    ranks. `dead_fraction` of the units are 0 for every probed image (ReLU only).

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
    weight_rank: float
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


def measure(
    net: network.Tensors,
    initial: network.Tensors,
    activation: str,
    images: data.Images,
    moved_at: dict[str, int],
) -> tuple[Layer, ...]:
    """Measure every layer with the first PROBED images.

    `initial` are the weights before training, `moved_at` the step at which each tensor
    that ever moved did so first.
    """
    buffers, grads = _passed(net, activation, images.first(PROBED))
    dead = _dead_shares(buffers.a[: len(net.sizes) - 2]) if activation == "relu" else []
    layers = []
    for i, name in enumerate(layer_names(net.sizes[1:-1])):
        outputs = (buffers.logits if name == "out" else buffers.a[i]).double()
        weight, bias = net.weights[i].double(), net.biases[i].double()
        distinct, gap = units(weight, bias)
        weight_grads, bias_grads = grads.weights[i], grads.biases[i]
        layers.append(
            Layer(
                layer=name,
                distinct_units=distinct,
                symmetry_gap=gap,
                weight_rank=effective_rank(weight),
                activation_rank=effective_rank(outputs),
                dead_fraction=dead[i] if i < len(dead) else None,
                activation_mean=outputs.mean().item(),
                activation_std=outputs.std(correction=0).item(),
                signal_std=math.sqrt(outputs.var(0, correction=0).mean().item()),
                gradient_std=buffers.rows * buffers.delta[i].double().std(correction=0).item(),
                weight_gradient_norm=weight_grads.norm(dtype=torch.float64).item(),
                bias_gradient_norm=bias_grads.norm(dtype=torch.float64).item(),
                weight_gradient_zeros=_zeros(weight_grads),
                bias_gradient_zeros=_zeros(bias_grads),
                weight_move=_distance(net.weights[i], initial.weights[i]),
                bias_move=_distance(net.biases[i], initial.biases[i]),
                weight_moved_at=moved_at.get(f"{name}.weight"),
                bias_moved_at=moved_at.get(f"{name}.bias"),
            )
        )
    return tuple(layers)


def _passed(
    net: network.Tensors, activation: str, images: data.Images
) -> tuple[network.Buffers, network.Tensors]:
    """The buffers and gradients after one pass over the images."""
    dtype, rows = net.flat.dtype, len(images.labels)
    buffers = network.Buffers(rows, net.sizes, network.KERNELS[activation], dtype)
    data.normalize(images.pixels, buffers.x)
    network.forward(net, buffers, torch.empty(rows, net.sizes[-1], dtype=dtype))
    target = torch.nn.functional.one_hot(images.labels, net.sizes[-1]).to(dtype)
    grads = network.allocate(net.sizes, dtype)
    network.backward(net, grads, buffers, target)
    return buffers, grads


def _dead_shares(activations: list[Tensor]) -> list[float]:
    """For every layer, the share of its units that are 0 for every image."""
    return [1 - outputs.any(0).double().mean().item() for outputs in activations]


def units(weight: Tensor, bias: Tensor) -> tuple[int, float]:
    """How many units are distinct, and the symmetry gap.

    `weight` `[units, fan_in]` and `bias` `[units]`, both float64. Two units are alike if
    their incoming values, as vectors, are at most ALIKE of the longest such vector apart;
    a unit counts as distinct if none before it is like it.
    """
    incoming = torch.cat([weight, bias[:, None]], 1)
    largest = incoming.abs().max()
    if not largest.isfinite():
        return len(bias), float("nan")
    if largest == 0:
        return 1, 0.0
    gap = (incoming.amax(0) - incoming.amin(0)).max() / largest
    scaled = (incoming / largest).numpy()
    gram = scaled @ scaled.T
    squares = gram.diagonal()
    apart = squares[:, None] + squares - 2 * gram  # squared distances
    alike = np.tril(apart <= ALIKE**2 * squares.max(), -1).any(1)
    return int((~alike).sum()), gap.item()


def effective_rank(matrix: Tensor) -> float:
    """exp of the entropy of the singular values' shares (Roy & Vetterli 2007); 0 for zeros.

    `matrix` float64 `[m, n]`. Computed from the smaller Gram matrix, so singular values
    below 1e-8 of the largest are lost in rounding.
    """
    largest = matrix.abs().max()
    if largest == 0:
        return 0.0
    if not largest.isfinite():
        return float("nan")
    scaled = (matrix / largest).numpy()
    gram = scaled @ scaled.T if scaled.shape[0] <= scaled.shape[1] else scaled.T @ scaled
    squares = np.linalg.eigvalsh(gram)
    # What is left of an eigenvalue of 0 is rounding.
    singular = np.sqrt(squares[squares > 1e-12 * squares.max()])
    shares = (singular / math.fsum(singular)).tolist()
    return math.exp(-math.fsum(share * math.log(share) for share in shares))


def _zeros(tensor: Tensor) -> float:
    return 1 - tensor.count_nonzero().item() / tensor.numel()


def _distance(tensor: Tensor, initial: Tensor) -> float:
    return (tensor - initial).abs().max().item()
