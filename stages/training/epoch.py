"""One epoch of one seed: the unit of work. Its bits do not depend on the worker."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from stages.training import probes
from stages.training.data import Dataset, Images
from stages.training.initialization import initial_weights
from stages.training.mlp.layout import Flat, flat_of
from stages.training.mlp.network import OPTIMIZERS, Network, Optimizer
from stages.training.plan import Plan
from stages.training.seeds import Draws

SCORED_BEFORE = 10_000  # training images that are scored before training: as many as for tests


@dataclass(frozen=True)
class Scores:
    """One seed after one epoch; epoch 0 is before training.

    Losses are mean cross-entropies in nats, accuracies fractions. The training figures
    are counted while the epoch runs, each batch before it is learned from; those of epoch 0
    are over the first SCORED_BEFORE images. `layers` are the probes of the network then.
    """

    seed: int
    epoch: int
    train_loss: float
    train_acc: float
    test_loss: float
    test_acc: float
    layers: tuple[probes.Layer, ...]


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


def initial_state(plan: Plan, train: Images, seed: int, dtype: type = np.float32) -> State:
    """A seed before training; raises InitializationError."""
    tensors = initial_weights(plan, seed, train.first(probes.PROBED))
    flat = flat_of(plan.sizes, tensors, dtype)
    zeros = np.zeros_like(flat)
    moved_at = np.zeros(len(tensors), np.int64)
    return State(seed, 0, flat, flat, (zeros, zeros), 0, (1.0, 1.0), moved_at)


@dataclass
class Learner:
    """A state's network and optimizer, which training changes in place."""

    net: Network
    optimizer: Optimizer

    @classmethod
    def of(cls, plan: Plan, state: State) -> "Learner":
        """Copies of a state's arrays, and a view of the initial ones."""
        net = Network(plan.sizes, plan.activation, state.weights, state.initial)
        net.first[:], net.second[:] = state.moments
        net.moved_at[:] = state.moved_at
        kind = OPTIMIZERS.index(plan.optimizer)
        return cls(net, Optimizer(kind, state.steps, plan.lr, plan.momentum, *state.decays))

    def after(self, state: State) -> State:
        """The state that follows `state`, with what was learned."""
        net, optimizer = self.net, self.optimizer
        return replace(
            state,
            next_epoch=state.next_epoch + 1,
            weights=net.weights,
            moments=(net.first, net.second),
            steps=optimizer.step,
            decays=(optimizer.first, optimizer.second),
            moved_at=net.moved_at,
        )

    def train(
        self, plan: Plan, images: Images, draws: Draws, first: int | None = None
    ) -> tuple[float, float]:
        """Train on every image once in a random order, or on the `first` so many of that order.

        The loss and accuracy counted on the way.
        """
        order = draws.order(len(images.labels))[:first]
        return self.net.train(images, order, plan.batch_size, self.optimizer)


def run_epoch(plan: Plan, dataset: Dataset, state: State) -> tuple[State, Scores]:
    """Take a seed through its next epoch; epoch 0 trains nothing and only scores."""
    learner = Learner.of(plan, state)
    if state.next_epoch == 0:
        train_loss, train_acc, _ = learner.net.score(dataset.train.first(SCORED_BEFORE))
    else:
        draws = Draws(state.seed, f"order/{state.next_epoch}")
        train_loss, train_acc = learner.train(plan, dataset.train, draws)
    test_loss, test_acc, _ = learner.net.score(dataset.test)
    layers = probes.measure(learner.net, dataset.train)
    scores = (train_loss, train_acc, test_loss, test_acc)
    row = Scores(state.seed, state.next_epoch, *scores, layers)
    return learner.after(state), row
