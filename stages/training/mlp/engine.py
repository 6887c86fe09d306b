"""The engine of the built-in, fully connected network."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from stages.training import data, initialization
from stages.training.data import Images
from stages.training.mlp import build
from stages.training.mlp.layout import Flat, flat_of, matrices, named
from stages.training.mlp.network import OPTIMIZERS, Network, Optimizer
from stages.training.plan import Plan, layer_names, tensor_names
from stages.training.probes import PROBED, View
from stages.training.seeds import Draws
from stages.training.structure import Parameter, Structure

EXACT = True
RATE = 8e10  # floating-point operations of a core per second, with AVX-512
STEP = 3e-6  # seconds per layer and step, in addition to the arithmetic


@dataclass(frozen=True)
class State:
    """A seed between two epochs: its flat weights now and before training, and its optimizer.

    NumPy arrays, because they travel between processes as plain bytes. `decays` are the powers of
    Adam's decay rates after the last step; `moved_at` has the step at which each tensor first
    differed from its initial values, and 0 for one that never did.
    """

    seed: int
    next_epoch: int
    initial: Flat
    weights: Flat
    moments: tuple[Flat, Flat]
    steps: int
    decays: tuple[float, float]
    moved_at: npt.NDArray[np.int64]


@dataclass
class Learner:
    """A state's network and optimizer, which training changes in place."""

    plan: Plan
    begun: State
    net: Network
    optimizer: Optimizer

    def train(self, images: Images, draws: Draws, first: int | None = None) -> tuple[float, float]:
        """Train on every image once in a random order, or on the `first` so many of that order.

        The mean loss and the accuracy, counted on the way.
        """
        order = draws.order(len(images.labels))[:first]
        return self.net.train(images, order, self.plan.batch_size, self.optimizer)

    def score(self, images: Images) -> tuple[float, float, Tensor]:
        """The mean loss, the accuracy, and the logits `[n, classes]`."""
        return self.net.score(images)

    def views(self, images: Images) -> list[View]:
        """Every layer, as seen with these images; of units, those of ReLU can be dead."""
        seen, found = self.net.look(images), []
        relu = self.plan.activation == "relu"
        for i, view in enumerate(self.values()):
            outputs = seen.outputs[i].astype(float)
            dead = np.logical_not(outputs.any(0)) if relu and view.layer != "out" else None
            found.append(
                replace(
                    view,
                    gradients=seen.gradients[i],
                    outputs=outputs,
                    deltas=seen.deltas[i].astype(float),
                    dead=dead,
                )
            )
        return found

    def values(self) -> list[View]:
        """Every layer without images: no outputs, and gradients of 0."""
        net, found = self.net, []
        both = [matrices(net.sizes, flat) for flat in (net.weights, net.initial)]
        layers = zip(layer_names(self.plan.hidden), *both, strict=True)
        for i, (name, now, initial) in enumerate(layers):
            found.append(
                View(
                    layer=name,
                    now=now,
                    initial=initial,
                    gradients=(np.zeros_like(now[0]), np.zeros_like(now[1])),
                    moved_at=tuple(net.moved_at[2 * i : 2 * i + 2].tolist()),
                    units=now,
                    outputs=None,
                    deltas=None,
                    dead=None,
                )
            )
        return found

    def state(self) -> State:
        """The state after one more epoch."""
        net, optimizer = self.net, self.optimizer
        return replace(
            self.begun,
            next_epoch=self.begun.next_epoch + 1,
            weights=net.weights,
            moments=(net.first, net.second),
            steps=optimizer.step,
            decays=(optimizer.first, optimizer.second),
            moved_at=net.moved_at,
        )


def structure_of(plan: Plan) -> Structure:
    """The layers fc1 … fcN and out, and their tensors."""
    sizes, tensors = plan.sizes, {}
    for i, layer in enumerate(layer_names(plan.hidden)):
        fan_in, fan_out = sizes[i : i + 2]
        tensors[f"{layer}.weight"] = Parameter(layer, "weight", True, fan_in * fan_out)
        tensors[f"{layer}.bias"] = Parameter(layer, "bias", True, fan_out)
    layers = dict(zip(layer_names(plan.hidden), sizes[1:], strict=True))
    return Structure(layers, tensors, outputs=sum(sizes))


def initial_weights(plan: Plan, seed: int, images: Images | None = None) -> dict[str, Tensor]:
    """Every tensor of a network before training, by its name (`fc1.weight`, `fc1.bias`, …).

    A weight is `[fan_out, fan_in]`, a bias `[fan_out]`. `images` are for initializers with the
    argument `inputs`; without images these get noise, which is enough to test them. Raises
    InitializationError, and OSError if the kernel cannot be used.
    """
    build.library("double")  # a failure of this is not an initializer's
    tensors: dict[str, Tensor] = {}
    for i, name in enumerate(tensor_names(plan.hidden)):
        layer = i // 2
        fan_in, fan_out = plan.sizes[layer : layer + 2]
        tensor = tensors[name] = torch.empty((fan_out, fan_in) if i % 2 == 0 else (fan_out,))
        initialization.fill_default(tensor, fan_in, Draws(seed, f"default/{name}"))
        seen = partial(inputs, plan, tensors, layer, images)
        initialization.fill(plan.tensors[name], name, tensor, seed, seen)
    return tensors


def inputs(plan: Plan, tensors: Mapping[str, Tensor], layer: int, images: Images | None) -> Tensor:
    """What a layer gets for images: outputs `[n, fan_in]` of the layers below, which are filled."""
    images = images or initialization.noise(plan.sizes[0])
    if layer == 0:
        return data.normalized(images.pixels)
    hidden = plan.hidden[:layer]
    sizes = [plan.sizes[0], *hidden, plan.sizes[-1]]
    below = {name: tensors[name] for name in tensor_names(hidden)[:-2]}
    out = {"out.weight": torch.zeros(sizes[-1], hidden[-1]), "out.bias": torch.zeros(sizes[-1])}
    net = Network(sizes, plan.activation or "", flat_of(sizes, below | out))
    return torch.from_numpy(net.look(images).outputs[layer - 1].copy())


def start(plan: Plan, train: Images, seed: int, dtype: type = np.float32) -> State:
    """The state of a seed before training; raises InitializationError."""
    tensors = initial_weights(plan, seed, train.first(PROBED))
    flat = flat_of(plan.sizes, tensors, dtype)
    zeros = np.zeros_like(flat)
    moved_at = np.zeros(len(tensors), np.int64)
    return State(seed, 0, flat, flat, (zeros, zeros), 0, (1.0, 1.0), moved_at)


def begin(plan: Plan, train: Images, seed: int) -> Learner:
    """A seed before training; raises InitializationError."""
    return learner(plan, start(plan, train, seed))


def learner(plan: Plan, state: State) -> Learner:
    """Copies of a state's arrays, and a view of the initial ones."""
    net = Network(plan.sizes, plan.activation or "", state.weights, state.initial)
    net.first[:], net.second[:] = state.moments
    net.moved_at[:] = state.moved_at
    kind = OPTIMIZERS.index(plan.optimizer)
    optimizer = Optimizer(kind, state.steps, plan.lr, plan.momentum, *state.decays)
    return Learner(plan, state, net, optimizer)


def tensors_of(plan: Plan, state: State) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Every tensor before training and now, as views."""
    return named(plan.sizes, state.initial), named(plan.sizes, state.weights)


def loaded(plan: Plan, tensors: Mapping[str, Tensor]) -> Network:
    """A network with these tensors, to be scored."""
    return Network(plan.sizes, plan.activation or "", flat_of(plan.sizes, tensors))


def seconds(plan: Plan, steps: int, images: int, scored: int) -> float:
    """Seconds that one core takes to train on some images in some steps, and to score others."""
    # A product forward and two backward, except for one in the first layer; a test forward.
    operations = (5 * images + 2 * scored) * plan.parameters
    return operations / RATE + steps * STEP * len(plan.sizes)
