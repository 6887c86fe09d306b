"""The engines that train networks. Nothing outside this module asks which one a plan has."""

from collections.abc import Mapping
from typing import Any, Protocol

import torch

from stages.training import module
from stages.training.data import Images
from stages.training.mlp import engine as mlp
from stages.training.plan import BUILT_IN, Plan
from stages.training.probes import View
from stages.training.seeds import Draws
from stages.training.structure import Structure

Tensors = Mapping[str, torch.Tensor]


class State(Protocol):
    """A seed between two epochs. The rest is its engine's; it travels between processes."""

    seed: int
    next_epoch: int


class Learner(Protocol):
    """A seed's network and optimizer, which training changes in place."""

    def train(self, images: Images, draws: Draws, first: int | None = None) -> tuple[float, float]:
        """Train on every image once in a random order, or on the `first` so many of that order.

        The mean loss and the accuracy, counted on the way.
        """

    def score(self, images: Images) -> tuple[float, float, torch.Tensor]:
        """The mean loss, the accuracy, and the logits `[n, classes]`."""

    def views(self, images: Images) -> list[View]:
        """Every layer of the plan, as seen with these images."""

    def values(self) -> list[View]:
        """Every layer of the plan without images: no outputs, and gradients of 0."""

    def state(self) -> Any:
        """The state after one more epoch."""


class Engine(Protocol):
    """How networks of one kind are described, initialized and trained.

    `EXACT`: whether the bits are the same on every processor.
    """

    EXACT: bool

    def structure_of(self, plan: Plan) -> Structure:
        """The layers and tensors of a plan's network; its own are not read."""

    def initial_weights(
        self, plan: Plan, seed: int, images: Images | None = None
    ) -> dict[str, torch.Tensor]:
        """Every tensor before training; `images` are for initializers that look at inputs.

        Raises InitializationError.
        """

    def begin(self, plan: Plan, train: Images, seed: int) -> Learner:
        """A seed before training; raises InitializationError."""

    def start(self, plan: Plan, train: Images, seed: int) -> Any:
        """The state of a seed before training; raises InitializationError."""

    def learner(self, plan: Plan, state: Any) -> Learner:
        """What continues from a state."""

    def tensors_of(self, plan: Plan, state: Any) -> tuple[Tensors, Tensors]:
        """Every tensor before training and now."""

    def seconds(self, plan: Plan, steps: int, images: int, scored: int) -> float:
        """Seconds that a core takes to train on images in so many steps, and to score others."""

    def loaded(self, plan: Plan, tensors: Tensors) -> Learner:
        """A network with these tensors, to be scored."""


def of(plan: Plan) -> Engine:
    """The engine that trains a plan."""
    return mlp if plan.network == BUILT_IN else module
